#include <glib.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <iostream>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attnviz/cli.h"

namespace {

[[noreturn]] void leave_without_memory() {
  constexpr std::string_view kMessage = "attnviz: memory: not enough of it\n";
  (void)!write(STDERR_FILENO, kMessage.data(), kMessage.size());
  _exit(2);
}

/// Where memory ends while a library is loaded or an error is under way, nothing else can catch it; there may
/// not even be an exception, since it could not be allocated.
[[noreturn]] void end() {
  const std::exception_ptr fault = std::current_exception();
  if (!fault) leave_without_memory();
  try {
    std::rethrow_exception(fault);
  } catch (const std::bad_alloc&) {
    leave_without_memory();
  } catch (...) {
  }
  __gnu_cxx::__verbose_terminate_handler();
  std::abort();
}

/// GLib ends the process itself when it gets no memory, and calls nothing else an error; Pango only warns of
/// the picture that it then draws.
GLogWriterOutput write_log(GLogLevelFlags level, const GLogField* fields, gsize count, gpointer) {
  for (const GLogField& field : std::span(fields, count)) {
    const bool message = std::string_view(field.key) == "MESSAGE" && field.length < 0;
    const auto* const text = static_cast<const char*>(field.value);
    if (message && std::string_view(text).find("out of memory") != std::string_view::npos)
      leave_without_memory();
  }
  if (level & G_LOG_LEVEL_ERROR) leave_without_memory();
  return g_log_writer_default(level, fields, count, nullptr);
}

/// Before what is initialized ahead of main.
[[gnu::constructor(101)]] void watch_the_end() {
  std::set_terminate(end);
  g_log_set_writer_func(write_log, nullptr, nullptr);
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const int status = attnviz::cli::run(arguments, {std::cin, std::cout, std::cerr, /*own_process=*/true});
  // Everything is flushed and closed: leaving at once saves the 0.08 s that libtorch's destructors take.
  _exit(status);
}
