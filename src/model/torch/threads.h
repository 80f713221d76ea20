/// How many threads a forward pass should use; needs no libtorch.
#pragma once

namespace attnviz {

/// The physical cores among the processors this process may run on, and no more than its control
/// group's processor quota: a second thread of a core, or of a share, makes matrix products slower.
[[nodiscard]] int usable_cores();

}  // namespace attnviz
