/// The Linux kernel's filter of system calls: what Landlock leaves open.
#pragma once

namespace attnviz {

[[nodiscard]] bool has_seccomp();

/// As confine() tells, for this thread and those it starts. No new privileges have to be ruled out already.
/// Throws Error with the system's reason.
void refuse_calls();

}  // namespace attnviz
