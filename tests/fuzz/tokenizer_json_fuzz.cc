// Any bytes as a tokenizer.json: an Error, or a tokenizer whose encodings hold together.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "attnviz/error.h"
#include "attnviz/text.h"
#include "tokens/pipeline.h"

namespace {

constexpr std::string_view kText = "[CLS] The bank’s\n  Ébank \U0001F600 日本 a<s>b\u0301\u0316 x";

void require(bool condition) {
  if (!condition) std::abort();
}

void require_sound(const attnviz::Encoding& encoding) {
  const std::size_t size = encoding.size(), code_points = attnviz::count_code_points(kText);
  require(encoding.tokens.size() == size && encoding.offsets.size() == size && encoding.types.size() == size);
  require(encoding.special.size() == size && encoding.sequence.size() == size);
  require(encoding.typed.size() == size);
  // Each byte is a token at most, and twice a thousand come from a template.
  using attnviz::tokens::Growth;
  require(size <= 2 * (kText.size() + Growth::kAtLeast + Growth::kTimes * kText.size() + 1000));
  for (const auto& [begin, end] : encoding.offsets) require(begin <= end && end <= code_points);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  try {
    const attnviz::tokens::Pipeline pipeline = attnviz::tokens::read_tokenizer_json(text, "tokenizer.json");
    require_sound(pipeline.encode(kText, std::nullopt, {}));
    const attnviz::Encoding pair = pipeline.encode(kText, kText, {});
    require_sound(pair);
    for (std::size_t i = 0; i < pair.size(); ++i) {
      const attnviz::TokenLabel label = pipeline.label(pair.tokens[i], pair.ids[i], pair.special[i] != 0);
      require(attnviz::find_invalid_utf8(label.whole()) == std::string::npos);
    }
  } catch (const attnviz::Error&) {
  }
  return 0;
}
