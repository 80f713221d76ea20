#include "tokens/sentencepiece_normalizer.h"

#include <optional>
#include <string_view>

#include "attnviz/error.h"
#include "tokens/character_map.h"

namespace attnviz::tokens {
namespace {

constexpr char32_t kSpaceMark = U'▁';

/// Replaces beginnings of a text, and writes what becomes of them.
class Writer {
 public:
  Writer(const std::optional<CharacterMap>& map, AlignedView text) : map_(map), text_(text), result_(text) {}

  AlignedText operator()() {
    for (std::size_t begin = 0; begin < text_.text.size();) {
      const auto [size, written] = prefix(text_.text.substr(begin));
      append(written, text_.origin[begin]);
      begin += size;
    }
    remove_marks_at_end();
    return std::move(result_);
  }

 private:
  struct Prefix {
    std::size_t size = 0;
    std::string_view written;
  };

  [[nodiscard]] Prefix prefix(std::string_view text) const {
    if (map_) {
      if (const auto match = map_->longest(text)) return {match->size, match->replacement};
    }
    std::size_t end = 0;
    (void)next_code_point(text, end);
    return {end, text.substr(0, end)};
  }

  void append(std::string_view written, std::uint32_t origin) {
    while (behind_space_ && written.starts_with(' ')) written.remove_prefix(1);
    if (written.empty()) return;
    behind_space_ = written.ends_with(' ');
    if (result_.text().empty()) result_.append(kSpaceMark, origin);
    for (std::size_t offset = 0; offset < written.size();) {
      const char32_t character = next_code_point(written, offset);
      result_.append(character == U' ' ? kSpaceMark : character, origin);
    }
  }

  /// Also those that the text itself writes.
  void remove_marks_at_end() {
    std::string mark;
    append_utf8(mark, kSpaceMark);
    while (result_.text().ends_with(mark)) result_.remove_suffix(mark.size());
  }

  const std::optional<CharacterMap>& map_;
  AlignedView text_;
  AlignedText result_;
  bool behind_space_ = true;
};

}  // namespace

NormalizerStep sentencepiece_normalizer(const SentencePieceFile& file) {
  if (!file.adds_prefix || !file.removes_extra_spaces || !file.escapes_spaces || file.marks_word_ends) {
    throw Error("its white space is not treated as usual, which is not supported for this model",
                "expected add_dummy_prefix, remove_extra_whitespaces and escape_whitespaces");
  }
  std::optional<CharacterMap> map;
  if (!file.character_map.empty()) map.emplace(file.character_map);
  return [map = std::move(map)](AlignedView text) { return Writer(map, text)(); };
}

}  // namespace attnviz::tokens
