#include "tokens/character_map.h"

#include "attnviz/error.h"
#include "tokens/graphemes.h"

namespace attnviz::tokens {
namespace {

// Longer clusters are not looked up whole.
constexpr std::size_t kLongestCluster = 5;

std::uint32_t read_unit(std::string_view bytes, std::size_t offset) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[offset + i]);
  return value;
}

// A unit of darts-clone: a label in the low byte with the highest bit, a leaf's value in the low 31 bits.
std::uint32_t label_of(std::uint32_t unit) { return unit & (1U << 31 | 0xFF); }
bool has_leaf(std::uint32_t unit) { return (unit >> 8 & 1) != 0; }
std::size_t value_of(std::uint32_t unit) { return unit & ~(1U << 31); }
std::size_t step_of(std::uint32_t unit) {
  return static_cast<std::size_t>(unit >> 10) << ((unit & 1U << 9) >> 6);
}

/// The mapped text and where it comes from. The reference counts characters: a replacement takes the origins
/// of as many source characters as it has, what is longer the last one's, and what the shorter leaves over is
/// skipped behind the last character written, if there is one: at the start of a text, what vanishes moves
/// all that follows.
class Output {
 public:
  explicit Output(AlignedView source) : source_(source) {}

  void keep(char32_t character) { written_.push_back({character, 0}); }

  void replace(std::string_view old_text, std::string_view new_text) {
    // Refused before it is gathered: a replacement may be as long as the map.
    if (new_text.size() > old_text.size()) grown_ += new_text.size() - old_text.size();
    source_.growth->expect(grown_ > source_.text.size() ? grown_ - source_.text.size() : 0);
    const auto old_count = static_cast<std::int64_t>(count_code_points(old_text));
    std::int64_t count = 0;
    for (std::size_t offset = 0; offset < new_text.size(); ++count) {
      written_.push_back({next_code_point(new_text, offset), count < old_count ? 0 : 1});
    }
    if (count < old_count && !written_.empty()) written_.back().change += count - old_count;
  }

  [[nodiscard]] AlignedText aligned() const {
    AlignedText result(source_);
    result.reserve(source_.text.size());
    std::size_t next = 0;
    std::uint32_t origin = source_.text.empty() ? 0 : source_.origin[0];
    for (const auto& [character, change] : written_) {
      if (change <= 0 && next < source_.text.size()) {
        origin = source_.origin[next];
        for (std::int64_t count = change; count <= 0 && next < source_.text.size(); ++count) {
          (void)next_code_point(source_.text, next);
        }
        result.append(character, origin);
      } else {
        // What is new has the origin of the source character before it, skipped or not.
        result.append(character, next > 0 ? source_.origin[next - 1] : origin);
      }
    }
    return result;
  }

 private:
  struct Written {
    char32_t character = 0;
    std::int64_t change = 0;  ///< 1: new; else it stands for a source character, and skips -change more
  };

  AlignedView source_;
  std::size_t grown_ = 0;  ///< bytes that replacements have more than what they replace
  std::vector<Written> written_;
};

}  // namespace

CharacterMap::CharacterMap(std::string_view bytes) {
  const std::string name = "character map: ";
  if (bytes.size() < 4) throw Error(name + std::to_string(bytes.size()) + " bytes, expected at least 4");
  const std::size_t size = read_unit(bytes, 0);
  if (size == 0 || size % 4 != 0 || size > bytes.size() - 4) {
    throw Error(name + "a trie of " + std::to_string(size) + " bytes, expected a multiple of 4, up to " +
                std::to_string(bytes.size() - 4));
  }
  for (std::size_t offset = 4; offset < size + 4; offset += 4) units_.push_back(read_unit(bytes, offset));
  replacements_ = bytes.substr(4 + size);
  const std::size_t bad = find_invalid_utf8(replacements_);
  if (bad != std::string::npos) {
    throw Error(name + "replacements are not UTF-8 at byte " + std::to_string(4 + size + bad));
  }
}

std::uint32_t CharacterMap::unit(std::size_t place) const {
  if (place >= units_.size()) throw Error("character map: its trie leads outside itself");
  return units_[place];
}

std::string_view CharacterMap::replacement_at(std::size_t place) const {
  const bool inside_character =
      place < replacements_.size() && (static_cast<unsigned char>(replacements_[place]) & 0xC0) == 0x80;
  if (place > replacements_.size() || inside_character) {
    throw Error("character map: a replacement at byte " + std::to_string(place) + " is none");
  }
  const std::string_view rest = std::string_view(replacements_).substr(place);
  return rest.substr(0, rest.find('\0'));
}

template <class Take>
void CharacterMap::for_each_prefix(std::string_view text, Take&& take) const {
  std::size_t place = step_of(unit(0));
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == 0) return;
    place ^= byte;
    const std::uint32_t found = unit(place);
    if (label_of(found) != byte) return;
    place ^= step_of(found);
    if (has_leaf(found) && !take(Match{i + 1, replacement_at(value_of(unit(place)))})) return;
  }
}

std::optional<std::string_view> CharacterMap::replacement(std::string_view text) const {
  std::optional<std::string_view> shortest;
  for_each_prefix(text, [&](const Match& match) {
    shortest = match.replacement;
    return false;
  });
  return shortest;
}

std::optional<CharacterMap::Match> CharacterMap::longest(std::string_view text) const {
  std::optional<Match> longest;
  for_each_prefix(text, [&](const Match& match) {
    longest = match;
    return true;
  });
  return longest;
}

AlignedText CharacterMap::operator()(AlignedView text) const {
  Output output(text);
  for (std::size_t begin = 0; begin < text.text.size();) {
    const std::size_t end = grapheme_end(text.text, begin);
    const std::string_view cluster = text.text.substr(begin, end - begin);
    begin = end;
    if (cluster.size() <= kLongestCluster) {
      if (const auto whole = replacement(cluster)) {
        output.replace(cluster, *whole);
        continue;
      }
    }
    for (std::size_t offset = 0; offset < cluster.size();) {
      const std::size_t start = offset;
      const char32_t character = next_code_point(cluster, offset);
      const std::string_view part = cluster.substr(start, offset - start);
      if (const auto replaced = replacement(part)) {
        output.replace(part, *replaced);
      } else {
        output.keep(character);
      }
    }
  }
  return output.aligned();
}

std::optional<std::string> decode_base64(std::string_view text) {
  const auto value_of_letter = [](char c) -> std::uint32_t {
    if (c >= 'A' && c <= 'Z') return static_cast<std::uint32_t>(c - 'A');
    if (c >= 'a' && c <= 'z') return static_cast<std::uint32_t>(c - 'a' + 26);
    if (c >= '0' && c <= '9') return static_cast<std::uint32_t>(c - '0' + 52);
    return c == '+' ? 62 : c == '/' ? 63 : 64;
  };
  if (text.size() % 4 != 0) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  text.remove_suffix(padding);
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t bits = 0, count = 0;
  for (const char c : text) {
    const std::uint32_t value = value_of_letter(c);
    if (value > 63) return std::nullopt;
    bits = bits << 6 | value;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 0xFF);
  }
  return (bits & ((1U << count) - 1)) == 0 ? std::optional(std::move(bytes)) : std::nullopt;
}

}  // namespace attnviz::tokens
