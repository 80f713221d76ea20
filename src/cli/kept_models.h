/// kept_models: the models of a server, opened when they are first asked for.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "cli/request.h"

namespace attnviz::cli {

/// A model that several threads share, one at a time.
struct KeptModel {
  ModelChoice choice{};
  std::mutex alone{};  ///< held by whom the reader is for
  std::optional<Reader> reader{};

  /// Under the lock. Throws Error as choose_model().
  [[nodiscard]] Reader& opened();
};

/// Called from several threads.
class KeptModels {
 public:
  /// Keeps so many that were used last; another is closed when nobody uses it any more.
  KeptModels(ModelChoice choice, std::size_t most) : choice_(std::move(choice)), most_(most) {}

  /// Throws Error: not a name that list_models() has; directories can't be named.
  [[nodiscard]] std::shared_ptr<KeptModel> find(const std::string& name);

 private:
  ModelChoice choice_;
  std::size_t most_;
  std::mutex mutex_;
  std::list<std::shared_ptr<KeptModel>> models_;  ///< the last used is first
};

}  // namespace attnviz::cli
