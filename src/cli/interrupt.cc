#include "cli/interrupt.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>
#include <tuple>
#include <utility>

#include "attnviz/error.h"

namespace attnviz::cli {
namespace {

std::atomic<bool> noted = false;
std::atomic<int> told = -1;
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free);

void on_stop_signals(void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  for (const int signal : {SIGINT, SIGTERM}) sigaction(signal, &action, nullptr);
}

void note(int) {
  const int before = errno;
  noted = true;
  on_stop_signals(SIG_DFL);
  std::ignore = ::write(told, "", 1);
  errno = before;
}

}  // namespace

InterruptGuard::InterruptGuard(std::function<void()> action) : action_(std::move(action)) {
  noted = false;
  if (::pipe2(pipe_, O_CLOEXEC) != 0)
    throw Error(std::string("pipe: can't be made: ") + std::strerror(errno));
  thread_ = std::thread([this, file = pipe_[0]] {
    char byte = 0;
    ssize_t count = 0;
    do count = ::read(file, &byte, 1);
    while (count < 0 && errno == EINTR);
    const std::lock_guard lock(acting_);
    if (count == 1 && action_) action_();
  });
  told = pipe_[1];
  on_stop_signals(note);
}

InterruptGuard::~InterruptGuard() {
  on_stop_signals(SIG_DFL);
  told = -1;
  ::close(pipe_[1]);
  thread_.join();
  ::close(pipe_[0]);
}

void InterruptGuard::set_action(std::function<void()> action) {
  const std::lock_guard lock(acting_);
  action_ = std::move(action);
}

bool InterruptGuard::interrupted() const { return noted; }

}  // namespace attnviz::cli
