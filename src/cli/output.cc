#include "cli/output.h"

#include <algorithm>
#include <filesystem>
#include <ostream>

#include "cli/console.h"

namespace attnviz::cli {
namespace {

namespace fs = std::filesystem;

std::string joined(const std::vector<std::string>& words, const std::string& before,
                   const std::string& between, const std::string& last) {
  std::string line;
  for (std::size_t i = 0; i < words.size(); ++i) {
    line += (i == 0 ? "" : i + 1 == words.size() ? last : between) + before + words[i];
  }
  return line;
}

/// "PNG" of "figure.PNG" in lower case, or empty.
std::string extension(const fs::path& path) {
  std::string extension = path.extension().string();
  for (char& letter : extension) letter = letter >= 'A' && letter <= 'Z' ? char(letter - 'A' + 'a') : letter;
  return extension.empty() ? extension : extension.substr(1);
}

/// A name that can be part of a file name: "org/model" becomes "org-model".
std::string file_name_of(std::string stem) {
  for (char& letter : stem) {
    const auto code = static_cast<unsigned char>(letter);
    if (letter == '/' || letter == ' ' || code < 0x20 || code == 0x7F) letter = '-';
  }
  return stem.starts_with(".") || stem.starts_with("-") ? "_" + stem : stem;
}

/// The names that the system has for it: a path printed behind a figure would damage it.
bool is_standard_output(const std::string& path) {
  return path == "/dev/stdout" || path == "/dev/fd/1" || path == "/proc/self/fd/1";
}

bool is_text(const std::string& format) {
  return format == "svg" || format == "json" || format == "csv" || format == "txt";
}

}  // namespace

void add_output_flags(Flags& flags, OutputOptions& options, const std::vector<std::string>& formats,
                      const std::string& stem) {
  flags.group("Output");
  flags.value("-o,--output", "FILE",
              "the file to write, " + joined(formats, ".", ", ", " or ") +
                  "; one that exists is replaced; - is standard output (default: " + stem + "." +
                  formats.front() + " in the current directory, numbered rather than replaced)",
              [&](const Given& given) {
                if (given.value.empty()) refuse(given, "a file name, or - for standard output");
                options.path = is_standard_output(given.value) ? "-" : given.value;
              });
  flags.value(
      "--format", joined(formats, "", "|", "|"), "the format, where no extension says it",
      [&options, formats](const Given& given) { options.format = formats[read_word(given, formats)]; });
}

std::string output_format(const OutputOptions& options, const std::vector<std::string>& formats) {
  if (!options.path) return options.format.empty() ? formats.front() : options.format;
  if (*options.path == "-") {
    if (!options.format.empty()) return options.format;
    throw Error("-o -: the format is not known", "add --format " + joined(formats, "", ", ", " or "));
  }
  const std::string found = extension(*options.path);
  const bool known = std::find(formats.begin(), formats.end(), found) != formats.end();
  const std::string thing = "-o " + shown_value(*options.path);
  if (known && !options.format.empty() && options.format != found) {
    throw Error(thing + ": the extension says " + found + ", --format says " + options.format,
                "leave one out");
  }
  if (known || !options.format.empty()) return known ? found : options.format;
  throw Error(thing + (found.empty() ? ": no extension" : ": unknown extension") + ", expected " +
                  joined(formats, ".", ", ", " or "),
              "--format says it whatever the name is");
}

Output::Output(const OutputOptions& options, std::ostream& out) : out_(out) {
  if (options.path != "-") {
    file_.emplace(options.path ? OutputFile(*options.path) : OutputFile::new_here("." + options.format));
  } else if (is_terminal(out) && !is_text(options.format)) {
    throw Error("-o -: standard output is a terminal, and " + options.format + " is not text",
                "redirect it, or name a file");
  }
}

void Output::hand_over() {
  if (file_) file_->hand_over();
}

void Output::write(const std::function<void(const Sink&)>& writer, const std::string& stem) {
  if (!file_) {
    writer([this](std::string_view bytes) { print(out_, bytes); });
    flush(out_);
    return;
  }
  file_->name_after(file_name_of(stem));
  writer([this](std::string_view bytes) { file_->write(bytes); });
  print_path(out_, file_->commit());
}

}  // namespace attnviz::cli
