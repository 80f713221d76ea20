/// How many threads a forward pass should use; needs no libtorch.
#pragma once

#include <filesystem>
#include <optional>

namespace attnviz {

/// The physical cores among the processors this process may run on, and no more than its control
/// group's processor quota: a second thread of a core, or of a share, makes matrix products slower.
[[nodiscard]] int usable_cores();

/// How many processors' time a control group may take, by its own quota and those of the groups that it is in
/// ("200000 100000" in cpu.max: two), at least 1; `tree` is where the groups are mounted. Unset: no quota.
[[nodiscard]] std::optional<int> processor_quota(const std::filesystem::path& tree,
                                                 const std::filesystem::path& group);

}  // namespace attnviz
