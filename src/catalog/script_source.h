/// TorchScript's source text, as torch.jit.save writes what torch.jit.trace has seen.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "attnviz/error.h"

namespace attnviz {

/// What is wrong with a source, and where.
class SourceFault : public Error {
 public:
  SourceFault(std::size_t line_number, const std::string& fault) : Error(fault), line(line_number) {}
  std::size_t line;  ///< counting from 1
};

/// Passes the few forms that a trace is made of: classes and functions of assignments, attributes, and calls
/// of `torch.x(…)`, `ops.x.y(…)`, `(x).forward(…)`, functions of the archive itself and some built-in ones.
/// The operators are those of is_harmless(); nothing can be called under another name, since only what is
/// written at the call counts as called. No loops. Throws SourceFault for anything else.
void check_source(std::string_view source);

/// Whether an operator only computes: "aten::add". None of them touches files, and all check their arguments.
[[nodiscard]] bool is_harmless(std::string_view name);

}  // namespace attnviz
