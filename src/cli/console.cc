#include "cli/console.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <iostream>

#include "attnviz/text.h"

namespace attnviz::cli {
namespace {

void check(const std::ostream& out) {
  if (out) return;
  const std::string reason = errno ? std::string(": ") + std::strerror(errno) : "";
  throw Error("standard output: can't be written" + reason);
}

std::string printable(const std::string& text) {
  return visible(valid_utf8(text, InvalidUtf8::replace, "message"));
}

}  // namespace

void print(std::ostream& out, std::string_view bytes) {
  errno = 0;
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  check(out);
}

void print_path(std::ostream& out, const std::filesystem::path& path) {
  print(out, (is_terminal(out) ? visible(path.native()) : path.native()) + "\n");
}

void flush(std::ostream& out) {
  errno = 0;
  out.flush();
  check(out);
}

void report(std::ostream& err, const Error& error) {
  err << "attnviz: " + printable(error.what()) + "\n";
  if (!error.hint().empty()) err << "  hint: " + printable(error.hint()) + "\n";
  err.flush();
}

bool is_terminal(const std::ostream& stream) {
  if (&stream == &std::cout) return isatty(STDOUT_FILENO);
  return &stream == &std::cerr && isatty(STDERR_FILENO);
}

std::size_t terminal_columns(const std::ostream& stream) {
  constexpr std::size_t kUsual = 80;
  winsize size{};
  const int file = &stream == &std::cerr ? STDERR_FILENO : STDOUT_FILENO;
  if (ioctl(file, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  const char* const columns = std::getenv("COLUMNS");
  if (!columns) return kUsual;
  std::size_t number = 0;
  std::from_chars(columns, columns + std::strlen(columns), number);
  return number > 0 ? number : kUsual;
}

void guard_standard_streams() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    // open() takes the lowest free number: the stream that is closed. Read-only, so that what is
    // printed on a closed standard output still fails.
    if (fcntl(stream, F_GETFD) == -1 && errno == EBADF) (void)open("/dev/null", O_RDONLY);
  }
}

}  // namespace attnviz::cli
