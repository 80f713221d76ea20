#include "sandbox/seccomp.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include "attnviz/error.h"

namespace attnviz {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
constexpr std::uint32_t kArchitecture = 0;
#endif

// Refused whatever their arguments. What opens, makes, moves and removes files is Landlock's. Numbers from
// 424 on are the same on all processors; older headers have no names for them.
// clang-format off
constexpr std::uint32_t kRefused[] = {
    // Programs. What memfd_create() makes is run by these, too.
    SYS_execve, SYS_execveat,
    // How soon other processes run, and where.
    SYS_setpriority, SYS_ioprio_set, SYS_migrate_pages,
    // What sockets are open go on working, accepted connections included.
    SYS_connect,
    // What files are, beside their bytes, and who owns them.
    SYS_fchmod, SYS_fchmodat, 452 /* fchmodat2 */, SYS_fchown, SYS_fchownat, SYS_utimensat, SYS_setxattr,
    SYS_lsetxattr, SYS_fsetxattr, SYS_removexattr, SYS_lremovexattr, SYS_fremovexattr, 463 /* setxattrat */,
    466 /* removexattrat */, 469 /* file_setattr */,
    // By path, which Landlock knows from version 3 on; who has a file open for writing may cut it.
    SYS_truncate,
#ifdef __x86_64__
    SYS_chmod, SYS_chown, SYS_lchown, SYS_utime, SYS_utimes, SYS_futimesat, SYS_modify_ldt, SYS_iopl,
    SYS_ioperm, SYS_fork, SYS_vfork,
#endif
    // Other processes: their memory, files and limits; see also kill below.
    SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, 424 /* pidfd_send_signal */,
    438 /* pidfd_getfd */, 440 /* process_madvise */, SYS_tkill, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo,
    SYS_kcmp,
    // Memory and messages that are shared by number, not by a file.
    SYS_shmget, SYS_shmat, SYS_shmctl, SYS_semget, SYS_semop, SYS_semctl, SYS_semtimedop, SYS_msgget,
    SYS_msgsnd, SYS_msgrcv, SYS_msgctl, SYS_mq_open, SYS_mq_unlink,
    // Ways around a filter of calls, and around the rules for files.
    425 /* io_uring_setup */, 426 /* io_uring_enter */, 427 /* io_uring_register */, SYS_mount, SYS_umount2,
    SYS_pivot_root, SYS_chroot, SYS_unshare, SYS_setns, 428 /* open_tree */, 429 /* move_mount */,
    430 /* fsopen */, 431 /* fsconfig */, 432 /* fsmount */, 433 /* fspick */, 442 /* mount_setattr */,
    467 /* open_tree_attr */, SYS_name_to_handle_at, SYS_open_by_handle_at,
    // The kernel itself, and the machine: for who runs this as root.
    SYS_bpf, SYS_perf_event_open, SYS_userfaultfd, SYS_keyctl, SYS_add_key, SYS_request_key, SYS_kexec_load,
    SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_reboot, SYS_swapon, SYS_swapoff, SYS_quotactl,
    443 /* quotactl_fd */, SYS_acct, SYS_sethostname, SYS_setdomainname, SYS_settimeofday, SYS_clock_settime,
    SYS_adjtimex, SYS_clock_adjtime, SYS_syslog, SYS_vhangup};
// clang-format on

/// A program for the kernel's small machine.
class Filter {
 public:
  /// Looks at the architecture and the call's number.
  Filter() {
    load(offsetof(seccomp_data, arch));
    add(BPF_JMP | BPF_JEQ | BPF_K, kArchitecture, 1, 0);
    end_with(SECCOMP_RET_KILL_PROCESS);  // calls have other numbers there
    load(offsetof(seccomp_data, nr));
#ifdef __x86_64__
    constexpr std::uint32_t kX32 = 0x40000000;  // the same calls under other numbers
    add(BPF_JMP | BPF_JGE | BPF_K, kX32, 0, 1);
    end_with(kRefusal);
#endif
  }

  void refuse(std::uint32_t call) { if_equal(call, kRefusal); }
  /// As a kernel does that is too old to know the call.
  void deny(std::uint32_t call) { if_equal(call, SECCOMP_RET_ERRNO | ENOSYS); }

  /// Of such calls those whose argument is one of the values, or is none of them. Its lower 32 bits count,
  /// which are all that the kernel looks at of these.
  void refuse_values(std::uint32_t call, std::size_t argument, std::span<const std::uint32_t> values) {
    compare(call, argument, values, kRefusal, SECCOMP_RET_ALLOW);
  }
  void allow_values(std::uint32_t call, std::size_t argument, std::span<const std::uint32_t> values) {
    compare(call, argument, values, SECCOMP_RET_ALLOW, kRefusal);
  }

  /// Of such calls those that have other flags among `looked_at` than `expected`.
  void expect_flags(std::uint32_t call, std::size_t argument, std::uint32_t looked_at,
                    std::uint32_t expected) {
    add(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 5);
    load_argument(argument);
    add(BPF_ALU | BPF_AND | BPF_K, looked_at);
    add(BPF_JMP | BPF_JEQ | BPF_K, expected, 1, 0);
    end_with(kRefusal);
    end_with(SECCOMP_RET_ALLOW);
  }

  /// New sockets, by `call`, are for UNIX connections only, of which CUDA's driver has one to wait at.
  /// Without connect() they reach nobody, as those for datagrams would, a pair's too.
  void refuse_most_sockets(std::uint32_t call) {
    add(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 9);
    load_argument(0);
    add(BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 1, 0);
    end_with(kRefusal);
    load_argument(1);
    constexpr std::uint32_t kType = 0xF;  // beside it, flags
    add(BPF_ALU | BPF_AND | BPF_K, kType);
    add(BPF_JMP | BPF_JEQ | BPF_K, SOCK_STREAM, 2, 0);
    add(BPF_JMP | BPF_JEQ | BPF_K, SOCK_SEQPACKET, 1, 0);
    end_with(kRefusal);
    end_with(SECCOMP_RET_ALLOW);
  }

  /// All other calls pass. Whether the kernel took it.
  [[nodiscard]] bool install() {
    end_with(SECCOMP_RET_ALLOW);
    const sock_fprog program{static_cast<unsigned short>(code_.size()), code_.data()};
    // Without the flag older kernels slow all memory down, against what no filter's user asked for.
    return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program) == 0 ||
           ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
  }

 private:
  static constexpr std::uint32_t kRefusal = SECCOMP_RET_ERRNO | EPERM;

  void add(int code, std::size_t value, std::size_t if_true = 0, std::size_t if_false = 0) {
    code_.push_back({static_cast<std::uint16_t>(code), static_cast<std::uint8_t>(if_true),
                     static_cast<std::uint8_t>(if_false), static_cast<std::uint32_t>(value)});
  }
  void load(std::size_t offset) { add(BPF_LD | BPF_W | BPF_ABS, offset); }
  /// Its lower half, on processors that have it first.
  void load_argument(std::size_t argument) {
    load(offsetof(seccomp_data, args) + argument * sizeof(std::uint64_t));
  }
  void end_with(std::uint32_t verdict) { add(BPF_RET | BPF_K, verdict); }
  void if_equal(std::uint32_t value, std::uint32_t verdict) {
    add(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
    end_with(verdict);
  }
  void compare(std::uint32_t call, std::size_t argument, std::span<const std::uint32_t> values,
               std::uint32_t found, std::uint32_t otherwise) {
    add(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 2 * values.size() + 2);
    load_argument(argument);
    for (const std::uint32_t value : values) if_equal(value, found);
    end_with(otherwise);
  }

  std::vector<sock_filter> code_;
};

}  // namespace

bool has_seccomp() {
  const std::uint32_t action = SECCOMP_RET_ERRNO;
  return kArchitecture != 0 && ::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

void refuse_calls() {
  Filter filter;
  for (const std::uint32_t call : kRefused) filter.refuse(call);
  for (const std::uint32_t call : {SYS_socket, SYS_socketpair}) filter.refuse_most_sockets(call);
  // What is sent may connect, on a socket that was closed to its last peer.
  filter.expect_flags(SYS_sendto, 3, MSG_FASTOPEN, 0);
  filter.expect_flags(SYS_sendmsg, 2, MSG_FASTOPEN, 0);
  filter.expect_flags(SYS_sendmmsg, 3, MSG_FASTOPEN, 0);
  // New processes would each have memory up to the limit, and could outlive this one; new namespaces, rights
  // of their own. The flags of clone3() lie where no filter can look: the C library takes clone() instead.
  constexpr std::uint32_t kNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                        CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
  filter.expect_flags(SYS_clone, 0, kNamespaces | CLONE_THREAD, CLONE_THREAD);
  filter.deny(435 /* clone3 */);
  // What types into a terminal, or pastes; what makes files unchangeable; whom a file's signals go to.
  constexpr std::uint32_t kEnableVerity = 0x40806685;
  constexpr std::uint32_t kControls[] = {
      TIOCSTI,           TIOCLINUX,     TIOCSCTTY, FS_IOC_SETFLAGS, FS_IOC32_SETFLAGS,
      FS_IOC_FSSETXATTR, kEnableVerity, FIOSETOWN, SIOCSPGRP};
  filter.refuse_values(SYS_ioctl, 1, kControls);
  constexpr std::uint32_t kOwners[] = {F_SETOWN, F_SETOWN_EX, F_SETSIG};
  filter.refuse_values(SYS_fcntl, 1, kOwners);
  // Its own signals and limits are the process's own business.
  const auto own = static_cast<std::uint32_t>(::getpid());
  filter.allow_values(SYS_kill, 0, {&own, 1});
  filter.allow_values(SYS_tgkill, 0, {&own, 1});
  const std::uint32_t itself[] = {0, own};
  for (const std::uint32_t call :
       {SYS_prlimit64, SYS_move_pages, SYS_sched_setscheduler, SYS_sched_setparam, SYS_sched_setattr}) {
    filter.allow_values(call, 0, itself);
  }
  if (!filter.install()) throw Error("sandbox: seccomp: " + std::generic_category().message(errno));
}

}  // namespace attnviz
