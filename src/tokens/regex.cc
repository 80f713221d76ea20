#include "tokens/regex.h"

#include <optional>

#include "attnviz/error.h"
#include "attnviz/text.h"
#include "tokens/regex_parser.h"

namespace attnviz::tokens {
namespace {

using Kind = Regex::Instruction::Kind;

// Patterns of tokenizers take some ten steps a byte.
constexpr std::size_t kStepsOfByte = 500, kStepsAtLeast = 10000;
// Of what could still be tried, they keep one or two.
constexpr std::size_t kChoicesOfByte = 16, kChoicesAtLeast = 10000;

/// A backtracking search over one text. What could still be tried is on a stack, so that only nesting in the
/// pattern, not the text, makes calls nest.
class Search {
 public:
  Search(const Regex::Program& program, std::string_view text)
      : program_(program),
        text_(text),
        steps_left_(kStepsAtLeast + text.size() * kStepsOfByte),
        most_choices_(kChoicesAtLeast + text.size() * kChoicesOfByte) {}

  /// Where the match that begins at `offset` ends, of the instructions from `at` up to an end.
  std::optional<std::size_t> match(std::uint32_t at, std::size_t offset) {
    const std::size_t base = choices_.size();
    while (true) {
      step(1);
      const Regex::Instruction& instruction = program_.instructions[at];
      if (instruction.kind == Kind::end) {
        choices_.resize(base);
        return offset;
      }
      if (advance(instruction, at, offset)) continue;
      if (choices_.size() == base) return std::nullopt;
      Choice& choice = choices_.back();
      at = choice.at;
      offset = choice.offset;
      if (choice.offset > choice.floor) {
        choice.offset = before(choice.offset);
      } else {
        choices_.pop_back();
      }
    }
  }

 private:
  /// To go on with instruction `at` at `offset`, then at each character before it down to `floor`.
  struct Choice {
    std::uint32_t at = 0;
    std::size_t offset = 0, floor = 0;
  };

  /// Carries out what is no end; false when it does not match.
  bool advance(const Regex::Instruction& instruction, std::uint32_t& at, std::size_t& offset) {
    switch (instruction.kind) {
      case Kind::repeat:
        return repeat(instruction, at, offset);
      case Kind::split:
        keep({instruction.lazy ? at + 1 : instruction.other, offset, offset});
        at = instruction.lazy ? instruction.other : at + 1;
        return true;
      case Kind::jump:
        at = instruction.other;
        return true;
      case Kind::look:
        if (match(at + 1, offset).has_value() == instruction.negated) return false;
        at = instruction.other;
        return true;
      case Kind::start:
        if (offset > 0) return false;
        ++at;
        return true;
      case Kind::atom:
        if (const std::optional<std::size_t> end = match(at + 1, offset)) {
          offset = *end;
          at = instruction.other;
          return true;
        }
        return false;
      case Kind::end:
        break;
    }
    return false;
  }

  bool repeat(const Regex::Instruction& instruction, std::uint32_t& at, std::size_t& offset) {
    const CharacterSet& set = program_.sets[instruction.set];
    std::size_t end = offset, floor = offset;
    std::uint32_t count = 0;
    while (count < instruction.most && end < text_.size()) {
      std::size_t next = end;
      if (!set.contains(next_code_point(text_, next))) break;
      end = next;
      if (++count == instruction.least) floor = end;
    }
    step(count);
    if (count < instruction.least) return false;
    ++at;
    offset = end;
    if (!instruction.possessive && end > floor) keep({at, before(end), floor});
    return true;
  }

  void keep(const Choice& choice) {
    if (choices_.size() == most_choices_) throw Error("leaves too much to be tried");
    choices_.push_back(choice);
  }

  [[nodiscard]] std::size_t before(std::size_t offset) const {
    do --offset;
    while ((static_cast<unsigned char>(text_[offset]) & 0xC0) == 0x80);
    return offset;
  }

  void step(std::size_t count) {
    if (count >= steps_left_) throw Error("takes too many steps");
    steps_left_ -= count;
  }

  const Regex::Program& program_;
  std::string_view text_;
  std::size_t steps_left_, most_choices_;
  std::vector<Choice> choices_;
};

bool is_special(char c) { return std::string_view("\\^$.|?*+()[]{}").find(c) != std::string_view::npos; }

}  // namespace

Regex::Regex(std::string_view pattern) : pattern_(pattern), program_(read_regex(pattern)) {}

Regex Regex::literal(std::string_view text) {
  std::string pattern;
  for (const char c : text) {
    if (is_special(c)) pattern += '\\';
    pattern += c;
  }
  return Regex(pattern);
}

std::vector<Regex::Match> Regex::find_all(std::string_view text) const {
  std::vector<Match> matches;
  Search search(program_, text);
  try {
    for (std::size_t offset = 0; offset < text.size();) {
      if (const std::optional<std::size_t> end = search.match(0, offset)) {
        matches.push_back({offset, *end});
        offset = *end;
      } else {
        (void)next_code_point(text, offset);
      }
    }
  } catch (const Error& error) {
    throw Error("pattern \"" + visible(pattern_) + "\": " + error.what() + " in a text of " +
                    std::to_string(text.size()) + " bytes",
                "cut the text into several");
  }
  return matches;
}

}  // namespace attnviz::tokens
