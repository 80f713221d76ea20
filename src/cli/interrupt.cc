#include "cli/interrupt.h"

#include <atomic>
#include <csignal>

namespace attnviz::cli {
namespace {

std::atomic<bool> noted = false;
static_assert(std::atomic<bool>::is_always_lock_free);

void note(int) { noted = true; }

void on_stop_signals(void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = handler == SIG_DFL ? 0 : static_cast<int>(SA_RESETHAND);
  for (const int signal : {SIGINT, SIGTERM}) sigaction(signal, &action, nullptr);
}

}  // namespace

InterruptGuard::InterruptGuard() {
  noted = false;
  on_stop_signals(note);
}

InterruptGuard::~InterruptGuard() { on_stop_signals(SIG_DFL); }

bool InterruptGuard::interrupted() const { return noted; }

}  // namespace attnviz::cli
