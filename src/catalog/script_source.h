/// TorchScript's source text, as torch.jit.save writes what torch.jit.trace has seen.
#pragma once

#include <string>
#include <string_view>

#include "catalog/script_structure.h"

namespace attnviz {

/// Passes the few forms that a trace is made of: classes and functions of assignments, attributes, and calls
/// of `torch.x(…)`, `ops.x.y(…)`, `(x).forward(…)`, functions of the archive itself and some built-in ones.
/// The operators are those of is_harmless(); nothing can be called under another name, since only what is
/// written at the call counts as called. No loops, and nothing is set but variables. Returns the source
/// written anew, of the tokens that were looked at, and adds to `units` what it declares; `qualifier` is its
/// own name ("__torch__.a"). Throws SourceFault for anything else.
[[nodiscard]] std::string checked_source(std::string_view source, const std::string& qualifier,
                                         ScriptUnits& units);

/// Whether an operator only computes: "aten::add". None of them touches files, and all check their arguments,
/// except what ScriptModule looks at in the compiled program: numbers that stand for types, and told sizes.
[[nodiscard]] bool is_harmless(std::string_view name);

}  // namespace attnviz
