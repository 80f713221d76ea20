// Any bytes as the files beside a tokenizer.json, a zero byte between them: tokenizer_config.json,
// config.json, special_tokens_map.json, added_tokens.json. An Error, or a tokenizer whose encodings hold together.
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "attnviz/error.h"
#include "attnviz/text.h"
#include "tokens/pipeline.h"

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kText = "[CLS] The <new> cat’s\n  Été \U0001F600 日本 a<s>b <mask>x";
constexpr std::array kFiles = {"tokenizer_config.json", "config.json", "special_tokens_map.json",
                               "added_tokens.json"};
constexpr std::array kTokenizers = {
    R"({"added_tokens": [{"id": 0, "content": "[CLS]", "single_word": false, "lstrip": false, "rstrip": true,
        "normalized": false, "special": true}], "model": {"type": "WordPiece", "unk_token": "[UNK]",
        "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
        "vocab": {"[CLS]": 0, "[SEP]": 1, "[UNK]": 2, "the": 3, "cat": 4, "##a": 5, "a": 6, "e": 7}}})",
    R"({"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true},
        "model": {"vocab": {"a": 0, "b": 1, "Ġ": 2, "Ġa": 3, "<s>": 4, "</s>": 5}, "merges": ["Ġ a"]}})",
    R"({"model": {"type": "Unigram", "unk_id": 0,
        "vocab": [["<unk>", 0], ["<s>", 0], ["</s>", 0], ["▁", -1], ["a", -2.5], ["▁the", -3]]}})"};

/// One a process, left empty of all but the files of this target.
const fs::path& directory() {
  static const fs::path path = [] {
    fs::path made = fs::temp_directory_path() / ("attnviz-fuzz-" + std::to_string(getpid()));
    fs::create_directories(made);
    std::atexit([] { fs::remove_all(directory()); });
    return made;
  }();
  return path;
}

void write(const char* name, std::string_view content) {
  std::ofstream(directory() / name, std::ios::binary) << content;
}

void require(bool condition) {
  if (!condition) std::abort();
}

void require_sound(const attnviz::Encoding& encoding) {
  const std::size_t size = encoding.size(), code_points = attnviz::count_code_points(kText);
  require(encoding.tokens.size() == size && encoding.offsets.size() == size && encoding.types.size() == size);
  require(encoding.special.size() == size && encoding.sequence.size() == size);
  for (const auto& [begin, end] : encoding.offsets) require(begin <= end && end <= code_points);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  for (const char* name : kFiles) {
    const std::size_t end = rest.find('\0');
    const std::string_view content = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    fs::remove(directory() / name);
    if (!content.empty()) write(name, content);
  }
  for (const char* tokenizer : kTokenizers) {
    write("tokenizer.json", tokenizer);
    try {
      const attnviz::tokens::Pipeline pipeline = attnviz::tokens::read_directory(directory());
      require_sound(pipeline.encode(kText, std::nullopt, {}));
      require_sound(pipeline.encode(kText, kText, {}));
    } catch (const attnviz::Error&) {
    }
  }
  return 0;
}
