#include "file/deputy.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <new>
#include <system_error>
#include <tuple>

namespace attnviz {
namespace {

/// Its own copies of them would keep pipes open that others wait for the end of.
void close_all_but(int one, int other) {
  const auto [low, high] = std::minmax({one, other >= 0 ? other : one});
  // Numbers 0 to 2 are open in any case (see guard_standard_streams), so both are above.
  std::ignore = ::close_range(0, static_cast<unsigned>(low) - 1, 0);
  if (low + 1 < high)
    std::ignore = ::close_range(static_cast<unsigned>(low) + 1, static_cast<unsigned>(high) - 1, 0);
  std::ignore = ::close_range(static_cast<unsigned>(high) + 1, UINT_MAX, 0);
}

int attempt(const std::function<int(const std::string&)>& deed, const std::string& word) {
  try {
    return deed(word);
  } catch (const std::bad_alloc&) {
    return -ENOMEM;
  } catch (...) {
    return -EIO;
  }
}

[[noreturn]] void serve(int socket, int file, const std::function<int(const std::string&)>& deed,
                        const std::function<void()>& last) {
  // A terminal's Ctrl-C reaches it, too: it ends when the other process does, and cleans up after it.
  for (const int number : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE}) std::signal(number, SIG_IGN);
  close_all_but(socket, file);
  std::array<char, PATH_MAX> word{};
  for (;;) {
    const ssize_t size = ::recv(socket, word.data(), word.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    const int result = attempt(deed, {word.data(), static_cast<std::size_t>(size) - 1});
    std::ignore = ::send(socket, &result, sizeof result, MSG_NOSIGNAL);
  }
  std::ignore = attempt(
      [&](const std::string&) {
        last();
        return 0;
      },
      {});
  ::_exit(0);
}

}  // namespace

Deputy::Deputy(const std::function<int(const std::string&)>& deed, const std::function<void()>& last,
               int file) {
  const auto refuse = [] {
    throw Error("process: none can be started to keep the output: " + std::generic_category().message(errno),
                "raise the limit on processes (ulimit -u) or on open files (ulimit -n)");
  };
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) refuse();
  socket_ = Descriptor(ends[0]);
  const Descriptor other(ends[1]);
  process_ = ::fork();
  if (process_ == 0) serve(other.number(), file, deed, last);
  if (process_ < 0) refuse();
}

Deputy::~Deputy() {
  // Others may have copies of the socket where the kernel knows no close_range.
  std::ignore = ::shutdown(socket_.number(), SHUT_RDWR);
  while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

int Deputy::ask(const std::string& word) const {
  int result = 0;
  // Its end included, since nothing is what it reads when this process ends.
  if (::send(socket_.number(), word.c_str(), word.size() + 1, MSG_NOSIGNAL) < 0) return -errno;
  ssize_t size = 0;
  do size = ::recv(socket_.number(), &result, sizeof result, 0);
  while (size < 0 && errno == EINTR);
  return size == sizeof result ? result : -EPIPE;
}

}  // namespace attnviz
