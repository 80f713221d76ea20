// Encodes batches of texts for a comparison with the reference (tests/sweep/comparison.py, which
// describes the exchange from its side).
//
// usage: tokens_sweep DIRECTORY [target]      target: the tokenizer of the texts that a model translates into
//
// A batch on stdin, every number a little-endian uint32: records, max_tokens, special_tokens (0 or 1);
// then for each record its number of texts (1 or 2), and for each text its length and its bytes.
// The answer on stdout, one column after the other for all records together: tokens of each record
// (uint32); ids (uint32); offsets (2 uint32 each); types, special, sequence (1 byte each); length of
// the names (uint32) and the names, each followed by a zero byte.
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attnviz/error.h"
#include "attnviz/tokens.h"

namespace attnviz {
namespace {

std::optional<std::uint32_t> read_number() {
  std::uint32_t number = 0;
  if (std::fread(&number, sizeof number, 1, stdin) != 1) return std::nullopt;
  return number;
}

std::uint32_t read_expected_number() {
  const std::optional<std::uint32_t> number = read_number();
  if (!number) throw Error("standard input: ends inside a batch");
  return *number;
}

std::string read_text() {
  std::string text(read_expected_number(), '\0');
  if (std::fread(text.data(), 1, text.size(), stdin) != text.size()) {
    throw Error("standard input: ends inside a text");
  }
  return text;
}

template <class Value>
void write_column(const std::vector<Value>& column) {
  std::fwrite(column.data(), sizeof(Value), column.size(), stdout);
}

struct Columns {
  std::vector<std::uint32_t> tokens, ids, offsets;
  std::vector<std::uint8_t> types, special;
  std::vector<std::int8_t> sequence;
  std::vector<char> names;

  void append(const Encoding& encoding) {
    tokens.push_back(static_cast<std::uint32_t>(encoding.size()));
    ids.insert(ids.end(), encoding.ids.begin(), encoding.ids.end());
    for (const auto& offset : encoding.offsets) offsets.insert(offsets.end(), offset.begin(), offset.end());
    types.insert(types.end(), encoding.types.begin(), encoding.types.end());
    special.insert(special.end(), encoding.special.begin(), encoding.special.end());
    sequence.insert(sequence.end(), encoding.sequence.begin(), encoding.sequence.end());
    for (const std::string& token : encoding.tokens) {
      names.insert(names.end(), token.begin(), token.end());
      names.push_back('\0');
    }
  }

  void write() const {
    write_column(tokens);
    write_column(ids);
    write_column(offsets);
    write_column(types);
    write_column(special);
    write_column(sequence);
    write_column(std::vector<std::uint32_t>{static_cast<std::uint32_t>(names.size())});
    write_column(names);
    std::fflush(stdout);
  }
};

void answer_batches(const Tokenizer& tokenizer, bool target) {
  while (const std::optional<std::uint32_t> records = read_number()) {
    EncodeOptions options;
    options.max_tokens = read_expected_number();
    options.special_tokens = read_expected_number() != 0;
    Columns columns;
    for (std::uint32_t record = 0; record < *records; ++record) {
      const bool is_pair = read_expected_number() == 2;
      const std::string text = read_text();
      const std::optional<std::string> pair = is_pair ? std::optional(read_text()) : std::nullopt;
      columns.append(target ? tokenizer.encode_target(text, options) : tokenizer.encode(text, pair, options));
    }
    columns.write();
  }
}

}  // namespace
}  // namespace attnviz

int main(int argc, char** argv) {
  const bool target = argc == 3 && std::string_view(argv[2]) == "target";
  if (argc != 2 && !target) {
    std::fputs("usage: tokens_sweep DIRECTORY [target]\n", stderr);
    return 2;
  }
  try {
    attnviz::answer_batches(attnviz::Tokenizer(argv[1]), target);
  } catch (const attnviz::Error& error) {
    std::fprintf(stderr, "tokens_sweep: %s\n", error.what());
    return 2;
  }
}
