#include "tokens/normal_forms.h"

#include <algorithm>

#include "tokens/byte_pair.h"
#include "tokens/transform.h"
#include "tokens/unicode.h"

namespace attnviz::tokens {
namespace {

/// Decomposes, and puts marks into canonical order. Only the first character of a decomposition replaces one.
class Decomposer {
 public:
  explicit Decomposer(bool compatible) : compatible_(compatible) {}

  std::vector<Change> operator()(std::string_view text) {
    for (std::size_t offset = 0; offset < text.size();) put(next_code_point(text, offset));
    sort_marks();
    return std::move(changes_);
  }

 private:
  void put(char32_t code_point) {
    if (code_point < 0x80) return put_part(code_point, 0);
    parts_.clear();
    if (compatible_) {
      unicode::append_compatibility_decomposition(parts_, code_point);
    } else {
      unicode::append_decomposition(parts_, code_point);
    }
    std::ptrdiff_t change = 0;
    for (const char32_t part : parts_) {
      put_part(part, change);
      change = 1;
    }
  }

  void put_part(char32_t part, std::ptrdiff_t change) {
    if (part < 0x300 || unicode::combining_class(part) == 0) sort_marks();
    changes_.push_back({part, change});
  }

  /// A starter and the marks behind it are complete.
  void sort_marks() {
    const auto begin = changes_.begin() + static_cast<std::ptrdiff_t>(sorted_);
    if (changes_.end() - begin > 1) {
      std::stable_sort(begin, changes_.end(), [](const Change& a, const Change& b) {
        return unicode::combining_class(a.code_point) < unicode::combining_class(b.code_point);
      });
    }
    sorted_ = changes_.size();
  }

  bool compatible_;
  std::vector<Change> changes_;
  std::size_t sorted_ = 0;
  std::u32string parts_;
};

/// Composes each starter with what is not blocked from it (UAX #15, D117). What two characters replaced
/// together is what their composition does.
std::vector<Change> compose(const std::vector<Change>& parts) {
  std::vector<Change> result;
  std::ptrdiff_t starter = -1;
  int last_class = 0;
  for (const Change& part : parts) {
    const int combining_class = unicode::combining_class(part.code_point);
    const bool adjacent = starter + 1 == static_cast<std::ptrdiff_t>(result.size());
    if (starter >= 0 && (adjacent || (last_class < combining_class))) {
      Change& before = result[static_cast<std::size_t>(starter)];
      if (const char32_t composite = unicode::composition(before.code_point, part.code_point)) {
        before = {composite, before.change + part.change - 1};
        continue;
      }
    }
    if (combining_class == 0) starter = static_cast<std::ptrdiff_t>(result.size());
    last_class = combining_class;
    result.push_back(part);
  }
  return result;
}

/// Each character as `map` has it.
template <class Map>
AlignedText mapped(AlignedView text, Map&& map) {
  AlignedText result(text);
  result.reserve(text.text.size());
  for (std::size_t offset = 0; offset < text.text.size();) {
    const std::uint32_t from = text.origin[offset];
    map(next_code_point(text.text, offset), from, result);
  }
  return result;
}

bool nmt_drops(char32_t c) {
  return (c >= 1 && c <= 8) || c == 0xB || (c >= 0xE && c <= 0x1F) || c == 0x7F || c == 0x8F || c == 0x9F;
}

bool nmt_spaces(char32_t c) {
  return c == '\t' || c == '\n' || c == '\f' || c == '\r' || c == 0x1680 || (c >= 0x200B && c <= 0x200F) ||
         c == 0x2028 || c == 0x2029 || c == 0x2581 || c == 0xFEFF || c == 0xFFFD;
}

}  // namespace

AlignedText NormalForm::operator()(AlignedView text) const {
  std::vector<Change> changes = Decomposer(compatible)(text.text);
  return transform(text, composed ? compose(changes) : changes);
}

AlignedText lowercase(AlignedView text) {
  return mapped(text, [](char32_t c, std::uint32_t from, AlignedText& result) {
    result.append(unicode::lowercase(c), from);
    // The only character whose lower case has two: İ becomes i and a dot above.
    if (c == 0x130) result.append(0x307, from);
  });
}

AlignedText strip_accents(AlignedView text) {
  return mapped(text, [](char32_t c, std::uint32_t from, AlignedText& result) {
    if (c < 0x300 || !unicode::is_mark(c)) result.append(c, from);
  });
}

AlignedText nmt(AlignedView text) {
  return mapped(text, [](char32_t c, std::uint32_t from, AlignedText& result) {
    if (!nmt_drops(c)) result.append(nmt_spaces(c) ? U' ' : c, from);
  });
}

AlignedText spell_bytes(AlignedView text) {
  AlignedText result(text);
  result.reserve(text.text.size() * 2);
  for (std::size_t i = 0; i < text.text.size(); ++i) {
    result.append(byte_level_character(static_cast<unsigned char>(text.text[i])), text.origin[i]);
  }
  return result;
}

AlignedText Strip::operator()(AlignedView text) const {
  std::size_t begin = 0, end = 0;
  bool inside = false;
  for (std::size_t offset = 0; offset < text.text.size();) {
    const bool space = unicode::is_whitespace(next_code_point(text.text, offset));
    if (left && space && !inside) begin = offset;
    inside = inside || !space;
    if (!right || !space) end = offset;
  }
  return AlignedText::copy(text.slice(begin, std::max(begin, end)));
}

AlignedText Prepend::operator()(AlignedView text) const {
  AlignedText result(text);
  if (text.text.empty()) return result;
  result.append(prefix, text.origin[0]);
  result.append(text);
  return result;
}

}  // namespace attnviz::tokens
