/// destination: where the files of a run over many texts go: a directory with a manifest, or one after the
/// other to standard output.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "cli/pipeline.h"

namespace attnviz::cli {

class Destination {
 public:
  virtual ~Destination() = default;

  /// What an earlier run has done of it: how many of the first items, and their entries, one by one.
  [[nodiscard]] virtual std::size_t kept() const { return 0; }
  [[nodiscard]] virtual std::optional<ManifestEntry> next_kept() { return std::nullopt; }

  /// The next items, in order, without those that were kept.
  virtual void add(std::span<Item*> items) = 0;

  /// All items are there; the input has `rows` of them.
  virtual void finish(std::size_t rows) = 0;

  /// The process ends without the destination's destructor: what would hinder others goes.
  virtual void leave() {}

  /// For hints: how to go on after an interruption, and where the faults of texts are told; or nothing.
  [[nodiscard]] virtual std::string how_to_resume() const { return {}; }
  [[nodiscard]] virtual std::string where_faults_are() const { return {}; }
};

/// Throws Error as RunDirectory does, and as opening the models does that the files come from.
[[nodiscard]] std::unique_ptr<Destination> open_destination(const Job& job, const std::string& format,
                                                            std::span<OpenSource> sources,
                                                            const Streams& streams);

}  // namespace attnviz::cli
