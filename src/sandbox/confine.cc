#include <sys/prctl.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "attnviz/error.h"
#include "attnviz/sandbox.h"
#include "sandbox/landlock.h"
#include "sandbox/memory.h"
#include "sandbox/seccomp.h"

namespace attnviz {

void confine(Sandbox sandbox, std::span<const std::filesystem::path> writable) {
  if (sandbox == Sandbox::off) return;
  limit_memory();
  const bool landlock = landlock_version() > 0, seccomp = has_seccomp();
  if (sandbox == Sandbox::require && !landlock) {
    throw Error("--sandbox require: the kernel has no Landlock, or it is switched off",
                "Linux has it from 5.13 on, with landlock among lsm= of its command line");
  }
  if (sandbox == Sandbox::require && !seccomp)
    throw Error("--sandbox require: the kernel filters no system calls (seccomp)");
  if (!landlock && !seccomp) return;
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    throw Error("sandbox: no new privileges: " + std::generic_category().message(errno));
  if (landlock) restrict_by_landlock(writable);
  if (seccomp) refuse_calls();
}

std::string sandbox_state() {
  constexpr int kTcp = 4, kScopes = 6;
  const int version = landlock_version();
  const std::string calls = has_seccomp() ? "seccomp: programs, sockets, other files' modes" : "";
  if (version == 0) {
    const std::string none = "no Landlock: the kernel has none, or it is switched off";
    return calls.empty() ? none + "; no seccomp" : none + "; " + calls;
  }
  return "Landlock " + std::to_string(version) + ": files" + (version >= kTcp ? ", TCP" : "") +
         (version >= kScopes ? ", signals" : "") + (calls.empty() ? "; no seccomp" : "; " + calls);
}

}  // namespace attnviz
