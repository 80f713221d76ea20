/// rerun: what a figure's record asks for, done anew with the models as they are now.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "attnviz/record.h"
#include "cli/drawing.h"

namespace attnviz::cli {

/// A recorded request whose models ran: draw() gives the record that it would have now.
struct Redone {
  FigurePlan plan;
  std::vector<Subject> subjects;
};

/// Keeps the models that it opened. For one thread; draw() may be called from others.
class Rerun {
 public:
  /// `options` say where models run; a backend that is automatic becomes the recorded one.
  explicit Rerun(ModelOptions options) : options_(std::move(options)) {}

  /// Throws Error: a request that no command knows, a model that is not there, whatever its command refuses.
  [[nodiscard]] Redone operator()(const Record& record);

 private:
  Reader& reader_for(const Source& source, const RecordedText& text);

  ModelOptions options_;
  std::map<std::string, Reader> readers_;
};

}  // namespace attnviz::cli
