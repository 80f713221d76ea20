#include <glib.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <initializer_list>
#include <iostream>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <vector>

#include "attnviz/cli.h"
#include "attnviz/file.h"

namespace {

void say(std::initializer_list<std::string_view> pieces) {
  for (const std::string_view piece : pieces) (void)!write(STDERR_FILENO, piece.data(), piece.size());
}

[[noreturn]] void leave() {
  attnviz::remove_unfinished_files();
  _exit(2);
}

[[noreturn]] void leave_without_memory() {
  say({"attnviz: memory: not enough of it\n"});
  leave();
}

/// Where memory or threads end while a library is loaded or an error is under way, nothing else can catch it;
/// there may not even be an exception, where that could not be allocated.
[[noreturn]] void end() {
  const std::exception_ptr fault = std::current_exception();
  if (!fault) {
    say({"attnviz: ended without an exception: not enough memory for one, or a fault of attnviz's\n"});
    leave();
  }
  try {
    std::rethrow_exception(fault);
  } catch (const std::bad_alloc&) {
    leave_without_memory();
  } catch (const std::system_error& error) {
    const bool of_threads = error.code() == std::errc::resource_unavailable_try_again;
    say({"attnviz: ", of_threads ? "threads: can't be started: " : "unexpected fault: ", error.what(), "\n"});
    if (of_threads) leave();
  } catch (const std::exception& error) {
    say({"attnviz: unexpected fault: ", error.what(), "\n"});
  } catch (...) {
    say({"attnviz: unexpected fault of a kind that is not known\n"});
  }
  attnviz::remove_unfinished_files();
  std::abort();
}

/// main leaves without this. Who else ends the program does so for want of something: libgomp calls exit(1),
/// check's status for a difference, where it gets no threads.
void end_for_a_library() {
  say({"attnviz: ended by a library, which could not go on: threads or memory may not suffice\n",
       "  hint: take fewer --threads, or raise the limits (ulimit -a shows them)\n"});
  leave();
}

/// GLib ends the process itself when it gets no memory or no thread, which it calls errors; Pango only warns of
/// the picture that it then draws.
GLogWriterOutput write_log(GLogLevelFlags level, const GLogField* fields, gsize count, gpointer) {
  for (const GLogField& field : std::span(fields, count)) {
    if (std::string_view(field.key) != "MESSAGE" || field.length >= 0) continue;
    const std::string_view text = static_cast<const char*>(field.value);
    if (text.find("out of memory") != std::string_view::npos) leave_without_memory();
    if (level & G_LOG_LEVEL_ERROR) {
      say({"attnviz: GLib: ", text, "\n"});
      leave();
    }
  }
  if (level & G_LOG_LEVEL_ERROR) leave_without_memory();
  return g_log_writer_default(level, fields, count, nullptr);
}

/// Before what is initialized ahead of main.
[[gnu::constructor(101)]] void watch_the_end() {
  std::set_terminate(end);
  std::ignore = std::atexit(end_for_a_library);  // before all others, so that it comes after them
  g_log_set_writer_func(write_log, nullptr, nullptr);
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const int status = attnviz::cli::run(arguments, {std::cin, std::cout, std::cerr, /*own_process=*/true});
  // Everything is flushed and closed: leaving at once saves the 0.08 s that libtorch's destructors take.
  _exit(status);
}
