#include "cli/input.h"

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <istream>
#include <limits>

namespace attnviz::cli {
namespace {

const Choices<RowFormat> kFormats = {{"txt", RowFormat::lines},
                                     {"jsonl", RowFormat::json_lines},
                                     {"csv", RowFormat::csv},
                                     {"tsv", RowFormat::tsv}};
const Choices<Progress::Style> kStyles = {{"auto", Progress::Style::automatic},
                                          {"bar", Progress::Style::bar},
                                          {"plain", Progress::Style::plain},
                                          {"json", Progress::Style::json}};

std::optional<int> number_in(const char* variable) {
  const char* const text = std::getenv(variable);
  int number = 0;
  if (!text || std::from_chars(text, text + std::string_view(text).size(), number).ec != std::errc())
    return {};
  return number;
}

/// One task of a Slurm job array: the lowest index is the first shard
/// (https://slurm.schedmd.com/job_array.html, job array environment variables).
Shard slurm_shard(const Given& given) {
  const auto id = number_in("SLURM_ARRAY_TASK_ID"), count = number_in("SLURM_ARRAY_TASK_COUNT"),
             least = number_in("SLURM_ARRAY_TASK_MIN"), most = number_in("SLURM_ARRAY_TASK_MAX");
  if (!id || !count || !least || !most) {
    refuse(given, "SLURM_ARRAY_TASK_ID, _COUNT, _MIN and _MAX in the environment",
           "submit with sbatch --array=1-16, or name the shard: --shard 3/16");
  }
  if (*count < 1 || *most - *least + 1 != *count || *id < *least || *id > *most) {
    refuse(given, "an array without gaps", "submit with sbatch --array=1-" + std::to_string(*count));
  }
  return {static_cast<std::size_t>(*id - *least + 1), static_cast<std::size_t>(*count)};
}

Shard read_shard(const Given& given) {
  if (given.value == "slurm") return slurm_shard(given);
  const std::size_t slash = given.value.find('/');
  const char* const expected = "the part and how many there are, such as 3/16, or slurm";
  if (slash == std::string::npos) refuse(given, expected);
  constexpr int kMostShards = 1'000'000;
  const auto part = [&](std::size_t begin, std::size_t size) {
    return read_integer({given.flag, given.value.substr(begin, size)}, expected);
  };
  const int number = part(0, slash), count = part(slash + 1, std::string::npos);
  if (number < 1 || number > count || count > kMostShards) refuse(given, expected);
  return {static_cast<std::size_t>(number), static_cast<std::size_t>(count)};
}

std::size_t read_count(const Given& given) {
  return static_cast<std::size_t>(read_integer(given, 0, std::numeric_limits<int>::max()));
}

RowFormat format_of(const InputOptions& options) {
  if (options.format) return *options.format;
  if (*options.path == "-") return RowFormat::lines;
  if (const std::optional<RowFormat> known = row_format(*options.path)) return *known;
  throw Error(
      "--input " + shown_value(*options.path) + ": unknown extension, expected .txt, .jsonl, .csv or .tsv",
      "--input-format says it whatever the name is");
}

std::unique_ptr<std::istream> open(const std::string& path) {
  errno = std::filesystem::is_directory(path) ? EISDIR : 0;
  auto stream = std::make_unique<std::ifstream>();
  if (errno == 0) stream->open(path, std::ios::binary);
  if (errno == 0 && *stream) return stream;
  throw Error("--input " + shown_value(path) + ": can't be read: " + std::strerror(errno));
}

}  // namespace

void add_input_flags(Flags& flags, InputOptions& options) {
  flags.group("Many texts");
  const auto value = [&](const std::string& names, const std::string& placeholder, const std::string& help,
                         Read read) {
    flags.value(names, placeholder, help, [&options, read = std::move(read)](const Given& given) {
      options.first_given.push_back(given.flag);
      read(given);
    });
  };
  flags.value("--input", "FILE",
              "a file of texts, in place of TEXT: .txt with one a line, .jsonl, .csv or .tsv; - is standard "
              "input. -o then names a directory",
              [&](const Given& given) { options.path = given.value; });
  value("--input-format", "txt|jsonl|csv|tsv", "how FILE is read, where its extension does not say (-: txt)",
        [&](const Given& given) { options.format = read_choice(given, kFormats); });
  value("--column,--field", "NAME",
        "the column, or the field of .jsonl, with the texts (default: text, or the only one)",
        [&](const Given& given) { options.column = given.value; });
  value("--pair-column,--pair-field", "NAME", "the one with second sentences",
        [&](const Given& given) { options.pair_column = given.value; });
  value("--target-column,--target-field", "NAME", "the one with the texts' targets (see --target)",
        [&](const Given& given) { options.target_column = given.value; });
  value("--id-column,--id-field", "NAME",
        "the one with names of texts, for the files' names and the manifest",
        [&](const Given& given) { options.id_column = given.value; });
  flags.flag("--no-header", "the first row of .csv or .tsv is a text; columns are numbers from 1",
             options.no_header);
  value("--skip", "N", "pass over the first N rows",
        [&](const Given& given) { options.skip = read_count(given); });
  value("--limit", "N", "stop after N texts that could be taken",
        [&](const Given& given) { options.limit = read_count(given); });
  value("--min-tokens", "N", "pass over texts of fewer tokens, special tokens included",
        [&](const Given& given) { options.min_tokens = read_count(given); });
  value("--max-tokens", "N", "pass over texts of more tokens",
        [&](const Given& given) { options.max_tokens = read_count(given); });
  value("--shard", "I/N|slurm",
        "take every Nth text, from the Ith on; slurm reads I and N from a job array's environment",
        [&](const Given& given) { options.shard = read_shard(given); });
  flags.flag("--resume", "go on where a run into the same directory stopped", options.resume);
  value("--progress", "auto|bar|plain|json",
        "how progress is told on standard error (default: auto, a bar on a terminal, else plain lines)",
        [&](const Given& given) { options.progress = read_choice(given, kStyles); });
  flags.flag("-q,--quiet", "tell no progress", options.quiet);
}

Texts::Texts(const InputOptions& options, InvalidUtf8 invalid_utf8, std::istream& standard_input)
    : options_(options),
      file_(*options.path == "-" ? nullptr : open(*options.path)),
      stream_(file_ ? *file_ : standard_input) {
  std::error_code fault;
  if (file_) {
    const auto size = std::filesystem::file_size(*options.path, fault);
    if (!fault && size > 0) bytes_ = static_cast<double>(size);
  }
  constexpr std::size_t kBlockBytes = 1 << 12;  // small, so that progress is known in small steps
  const RowOptions how{.format = format_of(options),
                       .text_column = options.column,
                       .pair_column = options.pair_column,
                       .target_column = options.target_column,
                       .id_column = options.id_column,
                       .header = !options.no_header,
                       .invalid_utf8 = invalid_utf8,
                       .block_bytes = kBlockBytes};
  reader_.emplace(stream_, how, file_ ? *options.path : "standard input");
}

std::optional<Row> Texts::next() {
  while (std::optional<Row> row = reader_->next()) {
    if (row->index < options_.skip) continue;
    row->index -= options_.skip;
    rows_ = row->index + 1;
    if (row->index % options_.shard.count + 1 == options_.shard.number) return row;
  }
  return std::nullopt;
}

std::optional<double> Texts::share_read() const {
  if (!bytes_) return std::nullopt;
  const auto at = stream_.tellg();
  return at < 0 ? 1.0 : static_cast<double>(at) / *bytes_;
}

}  // namespace attnviz::cli
