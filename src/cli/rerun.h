/// rerun: what a figure's record asks for, done anew with the models as they are now.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "attnviz/record.h"
#include "cli/request.h"

namespace attnviz::cli {

/// Keeps the models that it opened. For one thread.
class Rerun {
 public:
  /// `options` say where models run; a backend that is automatic becomes the recorded one.
  explicit Rerun(ModelOptions options) : options_(std::move(options)) {}

  /// Calls `use` with the record of the figure as it would be drawn now; its parts live as long as the call.
  /// Throws Error: a request that no command knows, a model that is not there, whatever its command refuses.
  void operator()(const Record& record, const std::function<void(const Record&)>& use);

 private:
  Reader& reader_for(ModelChoice choice, const RecordedText& text);

  ModelOptions options_;
  std::map<std::string, Reader> readers_;
};

}  // namespace attnviz::cli
