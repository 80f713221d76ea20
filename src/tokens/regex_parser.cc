#include "tokens/regex_parser.h"

#include <algorithm>
#include <optional>

#include "attnviz/error.h"
#include "attnviz/text.h"
#include "tokens/regex_node.h"

namespace attnviz::tokens {
namespace {

using Kind = RegexNode::Kind;
using unicode::Range;

constexpr int kDeepest = 50;
constexpr std::uint32_t kMostTimes = 1000;
constexpr std::size_t kLongestPattern = 10000;  // in bytes; a class takes a thousand times as much memory

bool is_letter(char32_t c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }
bool is_digit(char32_t c) { return c >= '0' && c <= '9'; }

CharacterSet categories(std::initializer_list<std::string_view> names) {
  std::vector<Range> ranges;
  for (const std::string_view name : names) {
    const std::vector<Range> more = unicode::category_ranges(name);
    ranges.insert(ranges.end(), more.begin(), more.end());
  }
  return CharacterSet(std::move(ranges));
}

/// The set of \s, \d, \w and their negations, as Oniguruma has them.
std::optional<CharacterSet> shorthand(char32_t letter, bool in_class) {
  std::optional<CharacterSet> set;
  if ((letter | 0x20) == 's') {
    set = CharacterSet({{'\t', '\r'},
                        {' ', ' '},
                        {0x85, 0x85},
                        {0xA0, 0xA0},
                        {0x1680, 0x1680},
                        {0x2000, 0x200A},
                        {0x2028, 0x2029},
                        {0x202F, 0x202F},
                        {0x205F, 0x205F},
                        {0x3000, 0x3000}});
  } else if ((letter | 0x20) == 'd') {
    set = categories({"Nd"});
  } else if ((letter | 0x20) == 'w') {
    // The circled and squared letters are alphabetic symbols.
    std::vector<Range> ranges = categories({"L", "M", "Nd", "Nl", "Pc"}).ranges();
    ranges.insert(ranges.end(),
                  {{0x24B6, 0x24E9}, {0x1F130, 0x1F149}, {0x1F150, 0x1F169}, {0x1F170, 0x1F189}});
    // Outside of classes Oniguruma takes Latin-1's other numbers too.
    if (!in_class) ranges.insert(ranges.end(), {{0xB2, 0xB3}, {0xB9, 0xB9}, {0xBC, 0xBE}});
    set = CharacterSet(std::move(ranges));
  }
  return set && letter < 'a' ? set->complement() : set;
}

/// Both cases of an ASCII letter, and the two letters beyond ASCII that have one of them.
std::vector<Range> cases_of(char32_t letter) {
  const char32_t lower = letter | 0x20, upper = lower - 0x20;
  std::vector<Range> ranges = {{lower, lower}, {upper, upper}};
  if (lower == 's') ranges.push_back({0x17F, 0x17F});
  if (lower == 'k') ranges.push_back({0x212A, 0x212A});
  return ranges;
}

/// Pairs of letters that a single ligature matches when case is ignored.
bool may_be_ligature(char32_t first, char32_t second) {
  constexpr std::string_view kPairs = "ss st ff fi fl ";
  const char pair[] = {static_cast<char>(first | 0x20), static_cast<char>(second | 0x20), ' '};
  return kPairs.find(std::string_view(pair, 3)) != std::string_view::npos;
}

class Parser {
 public:
  explicit Parser(std::string_view pattern) : pattern_(pattern) {}

  RegexNode parse() {
    if (pattern_.size() > kLongestPattern) throw Error("is too long");
    RegexNode root = parse_choice();
    if (!at_end()) throw unsupported(")");
    if (root.shortest() == 0) throw Error("may match no character, which is not supported");
    return root;
  }

 private:
  [[nodiscard]] bool at_end() const { return offset_ == pattern_.size(); }
  [[nodiscard]] bool next_is(std::string_view text) const {
    return pattern_.substr(offset_, text.size()) == text;
  }
  bool take(std::string_view text) {
    const bool found = next_is(text);
    if (found) offset_ += text.size();
    return found;
  }
  char32_t take_character() {
    if (at_end()) throw Error("ends too early");
    return next_code_point(pattern_, offset_);
  }
  static Error unsupported(std::string_view part) {
    return Error("\"" + visible(part) + "\" is not supported");
  }

  RegexNode parse_choice() {
    if (++depth_ > kDeepest) throw Error("nests too deeply");
    RegexNode choice{.kind = Kind::choice};
    do choice.children.push_back(parse_sequence());
    while (take("|"));
    --depth_;
    return choice.children.size() == 1 ? std::move(choice.children[0]) : choice;
  }

  RegexNode parse_sequence() {
    RegexNode sequence{.kind = Kind::sequence};
    last_letter_ = 0;
    while (!at_end() && !next_is("|") && !next_is(")")) {
      RegexNode item = parse_item();
      int quantifiers = 0;
      while (std::optional<RegexNode> repeat = parse_quantifier()) {
        if (item.kind == Kind::look) throw Error("repeats a lookahead, which is not supported");
        if (item.kind == Kind::start) throw unsupported("\\A" + std::string(pattern_.substr(offset_ - 1, 1)));
        if (++quantifiers > kDeepest) throw Error("nests too deeply");
        repeat->children.push_back(std::move(item));
        item = std::move(*repeat);
        last_letter_ = 0;
      }
      sequence.children.push_back(std::move(item));
    }
    last_letter_ = 0;
    return sequence;
  }

  RegexNode parse_item() {
    if (take("(")) return parse_group();
    if (take("[")) return {.kind = Kind::set, .set = parse_class()};
    if (take(".")) return {.kind = Kind::set, .set = CharacterSet({{'\n', '\n'}}).complement()};
    if (take("$")) return look_at(CharacterSet({{'\n', '\n'}}).complement());
    if (take("\\A")) return {.kind = Kind::start};
    if (take("\\z")) return look_at(CharacterSet({{0, 0x10FFFF}}));
    if (next_is("^") || next_is("*") || next_is("+") || next_is("?"))
      throw unsupported(pattern_.substr(offset_, 1));
    if (next_is("\\")) {
      const std::size_t begin = offset_;
      if (std::optional<CharacterSet> set = parse_set_escape(false)) {
        if (ignore_case_)
          throw unsupported("(?i:" + std::string(pattern_.substr(begin, offset_ - begin)) + ")");
        return {.kind = Kind::set, .set = std::move(*set)};
      }
    }
    return literal(parse_character());
  }

  /// Nothing of the set comes next.
  static RegexNode look_at(CharacterSet set) {
    return {.kind = Kind::look, .children = {{.kind = Kind::set, .set = std::move(set)}}, .negated = true};
  }

  RegexNode literal(char32_t c) {
    if (!ignore_case_) return {.kind = Kind::set, .set = CharacterSet({{c, c}})};
    if (c >= 0x80) throw unsupported("(?i: beyond ASCII");
    const char32_t before = last_letter_;
    last_letter_ = is_letter(c) ? c : 0;
    if (last_letter_ == 0) return {.kind = Kind::set, .set = CharacterSet({{c, c}})};
    if (before != 0 && may_be_ligature(before, c)) throw unsupported("(?i: of letters that a ligature has");
    return {.kind = Kind::set, .set = CharacterSet(cases_of(c))};
  }

  RegexNode parse_group() {
    const bool outer = ignore_case_;
    RegexNode group;
    bool is_look = false, negated = false;
    if (take("?=")) {
      is_look = true;
    } else if (take("?!")) {
      is_look = negated = true;
    } else if (take("?i:")) {
      ignore_case_ = true;
    } else if (!take("?:") && next_is("?")) {
      throw unsupported("(" + std::string(pattern_.substr(offset_, 3)));
    }
    group = parse_choice();
    if (!take(")")) throw Error("lacks a \")\"");
    ignore_case_ = outer;
    if (!is_look) return group;
    return {.kind = Kind::look, .children = {std::move(group)}, .negated = negated};
  }

  std::optional<RegexNode> parse_quantifier() {
    RegexNode repeat{.kind = Kind::repeat, .least = 0, .most = Regex::kEndless};
    bool interval = false;
    if (take("?")) {
      repeat.most = 1;
    } else if (take("+")) {
      repeat.least = 1;
    } else if (!take("*")) {
      interval = parse_interval(repeat);
      if (!interval) return std::nullopt;
    }
    // Behind an interval, ? and + have other meanings.
    if (interval && (next_is("?") || next_is("+")))
      throw unsupported("}" + std::string(pattern_.substr(offset_, 1)));
    repeat.lazy = take("?");
    repeat.possessive = !repeat.lazy && !interval && take("+");
    return repeat;
  }

  /// {2} {2,} {,3} {2,3}; any other brace stands for itself.
  bool parse_interval(RegexNode& repeat) {
    const std::size_t close = next_is("{") ? pattern_.find('}', offset_) : std::string_view::npos;
    if (close == std::string_view::npos) return false;
    const std::string_view inside = pattern_.substr(offset_ + 1, close - offset_ - 1);
    const std::size_t comma = inside.find(',');
    const std::string_view least = inside.substr(0, comma);
    const std::string_view most = comma == std::string_view::npos ? least : inside.substr(comma + 1);
    const auto is_number = [](std::string_view text) {
      return text.size() <= 4 && std::all_of(text.begin(), text.end(),
                                             [](char c) { return is_digit(static_cast<unsigned char>(c)); });
    };
    if (!is_number(least) || !is_number(most) || (least.empty() && most.empty())) return false;
    repeat.least = least.empty() ? 0 : static_cast<std::uint32_t>(std::stoul(std::string(least)));
    repeat.most = most.empty() ? Regex::kEndless : static_cast<std::uint32_t>(std::stoul(std::string(most)));
    if (repeat.least > repeat.most || repeat.least > kMostTimes ||
        (repeat.most > kMostTimes && repeat.most != Regex::kEndless)) {
      throw unsupported("{" + std::string(inside) + "}");
    }
    offset_ = close + 1;
    return true;
  }

  /// [a-z[0-9]&&[^c-f]]: what stands beside each other is joined, then && leaves what all its sides have.
  CharacterSet parse_class() {
    if (++depth_ > kDeepest) throw Error("nests too deeply");
    const bool negated = take("^");
    if (next_is("]")) throw unsupported("[]");
    CharacterSet set = parse_joined();
    while (take("&&")) set = set.intersection(parse_joined());
    if (!take("]")) throw Error("ends too early");
    --depth_;
    return negated ? set.complement() : set;
  }

  CharacterSet parse_joined() {
    if (next_is("&&") || next_is("]")) throw unsupported("&&" + std::string(pattern_.substr(offset_, 1)));
    std::vector<Range> ranges;
    while (!at_end() && !next_is("]") && !next_is("&&")) {
      const std::size_t begin = offset_;
      if (std::optional<CharacterSet> set = parse_set_in_class()) {
        if (ignore_case_)
          throw unsupported("(?i:[" + std::string(pattern_.substr(begin, offset_ - begin)) + "])");
        if (next_is("-") && !next_is("-]")) throw unsupported(pattern_.substr(begin, offset_ + 1 - begin));
        ranges.insert(ranges.end(), set->ranges().begin(), set->ranges().end());
      } else {
        append_range(ranges);
      }
    }
    if (next_is("&&") && ignore_case_) throw unsupported("(?i:[&&])");
    return CharacterSet(std::move(ranges));
  }

  /// An escape or another class; nothing is taken where there is none.
  std::optional<CharacterSet> parse_set_in_class() {
    if (next_is("[:")) throw unsupported("[:");
    if (take("[")) return parse_class();
    return next_is("\\") ? parse_set_escape(true) : std::nullopt;
  }

  void append_range(std::vector<Range>& ranges) {
    const std::size_t begin = offset_;
    const char32_t first = parse_character();
    char32_t last = first;
    if (next_is("-") && pattern_.substr(offset_, 2) != "-]") {
      ++offset_;
      if (next_is("[") || next_is("&&")) throw unsupported(pattern_.substr(begin, offset_ + 1 - begin));
      last = parse_character();
    }
    if (last < first) throw unsupported(pattern_.substr(begin, offset_ - begin));
    ranges.push_back({first, last});
    if (!ignore_case_) return;
    if (last >= 0x80) throw unsupported("(?i: beyond ASCII");
    for (char32_t c = first; c <= last; ++c) {
      if (!is_letter(c)) continue;
      const std::vector<Range> cases = cases_of(c);
      ranges.insert(ranges.end(), cases.begin(), cases.end());
    }
  }

  /// \s, \p{L} and their like; nothing is taken where there is none.
  std::optional<CharacterSet> parse_set_escape(bool in_class) {
    const std::size_t begin = offset_;
    ++offset_;
    const char32_t letter = take_character();
    if (letter == 'p' || letter == 'P') {
      const std::size_t close = next_is("{") ? pattern_.find('}', offset_) : std::string_view::npos;
      if (close == std::string_view::npos) throw unsupported(pattern_.substr(begin, 3));
      std::string_view name = pattern_.substr(offset_ + 1, close - offset_ - 1);
      offset_ = close + 1;
      const bool negated = (letter == 'P') != name.starts_with('^');
      if (name.starts_with('^')) name.remove_prefix(1);
      const CharacterSet set(unicode::category_ranges(name));
      if (set.ranges().empty()) throw unsupported(pattern_.substr(begin, offset_ - begin));
      return negated ? set.complement() : set;
    }
    std::optional<CharacterSet> set = shorthand(letter, in_class);
    if (!set) offset_ = begin;
    return set;
  }

  char32_t parse_character() {
    const std::size_t begin = offset_;
    const char32_t c = take_character();
    if (c != '\\') return c;
    const char32_t escaped = take_character();
    switch (escaped) {
      case 'n':
        return '\n';
      case 'r':
        return '\r';
      case 't':
        return '\t';
      case 'f':
        return '\f';
      case 'v':
        return '\v';
      case 'u':
        return parse_hexadecimal(4, begin);
      case 'x':
        return next_is("{") ? parse_braced_hexadecimal(begin) : parse_hexadecimal(2, begin);
      default:
        if (!is_letter(escaped) && !is_digit(escaped)) return escaped;
    }
    throw unsupported(pattern_.substr(begin, offset_ - begin));
  }

  char32_t parse_hexadecimal(std::size_t digits, std::size_t begin) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    char32_t value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      const char32_t digit = take_character();
      const std::size_t found = digit < 0x80
                                    ? kDigits.find(static_cast<char>(is_digit(digit) ? digit : digit | 0x20))
                                    : std::string_view::npos;
      if (found == std::string_view::npos) throw unsupported(pattern_.substr(begin, offset_ - begin));
      value = value * 16 + static_cast<char32_t>(found);
    }
    const bool is_part_of_a_character = digits == 2 && value >= 0x80;
    if (is_part_of_a_character || value > 0x10FFFF || (value >= 0xD800 && value < 0xE000))
      throw unsupported(pattern_.substr(begin, offset_ - begin));
    return value;
  }

  /// {1F600}
  char32_t parse_braced_hexadecimal(std::size_t begin) {
    constexpr std::size_t kFewest = 3, kMost = 6;  // two are a byte's elsewhere
    const std::size_t close = pattern_.find('}', offset_);
    const std::size_t digits = close == std::string_view::npos ? 0 : close - offset_ - 1;
    if (digits < kFewest || digits > kMost) throw unsupported(pattern_.substr(begin, 3));
    take("{");
    const char32_t value = parse_hexadecimal(digits, begin);
    take("}");
    return value;
  }

  std::string_view pattern_;
  std::size_t offset_ = 0;
  int depth_ = 0;
  bool ignore_case_ = false;
  char32_t last_letter_ = 0;  ///< the literal before, where case is ignored
};

}  // namespace

Regex::Program read_regex(std::string_view pattern) {
  try {
    return compile(Parser(pattern).parse());
  } catch (const Error& error) {
    throw Error("pattern \"" + visible(pattern) + "\": " + error.what(),
                "supported: literals, classes, their unions and intersections, \\p{..} of general "
                "categories, groups, (?i: ), alternation, "
                "quantifiers, lookahead; no other is approximated");
  }
}

}  // namespace attnviz::tokens
