/// console: the process's own streams: what they are connected to, and output that must arrive.
#pragma once

#include <cstddef>
#include <filesystem>
#include <iosfwd>
#include <string_view>

#include "attnviz/error.h"

namespace attnviz::cli {

/// Throws Error naming the system's reason (a closed pipe, a full disk).
void print(std::ostream& out, std::string_view bytes);

/// What was printed has arrived. Throws as print() does.
void flush(std::ostream& out);

/// The path of a file that was written, on a line of its own: as it is, for programs that read it, and on a
/// terminal in printable characters.
void print_path(std::ostream& out, const std::filesystem::path& path);

/// "attnviz: <message>" and "  hint: <hint>" on a line each, in printable characters.
void report(std::ostream& err, const Error& error);

/// False for a stream that is not the process's own.
[[nodiscard]] bool is_terminal(const std::ostream& stream);

/// Columns of the terminal that the stream goes to; $COLUMNS, else 80, where it goes to none.
[[nodiscard]] std::size_t terminal_columns(const std::ostream& stream);

/// A closed pipe and a file above the system's limit become errors that can be told, and a closed
/// standard stream is not taken for the first file that is opened.
void guard_standard_streams();

}  // namespace attnviz::cli
