/// Running the commands that draw, and reading what their SVG says.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "attnviz/file.h"
#include "support/command_line.h"

namespace attnviz::test {

using Arguments = std::vector<std::string>;

inline Arguments joined(Arguments first, const Arguments& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

inline std::string line_of(const Arguments& arguments) {
  std::string line = "attnviz";
  for (const std::string& argument : arguments) line += " '" + argument + "'";
  return line;
}

/// What an SVG says: its name, its description and its texts in the order in which they are drawn.
struct Svg {
  std::string bytes, title, description;
  std::vector<std::string> texts;

  explicit Svg(std::string document) : bytes(std::move(document)) {
    title = between("<title>", "</title>", 0);
    description = between("<desc>", "</desc>", 0);
    const std::string name = "aria-label=\"";
    for (std::size_t at = bytes.find(name); at != std::string::npos; at = bytes.find(name, at + 1))
      texts.push_back(between(name, "\"", at));
  }

  [[nodiscard]] bool says(const std::string& text) const {
    return std::find(texts.begin(), texts.end(), text) != texts.end();
  }

  /// The numbers in cells, row by row: they are drawn before all other numbers.
  [[nodiscard]] std::vector<double> cells(std::size_t count) const {
    std::vector<double> numbers;
    for (std::string text : texts) {
      if (text.starts_with("−")) text.replace(0, std::string("−").size(), "-");
      if (text.size() < 4 || text.find_first_not_of("0123456789.+-") != std::string::npos) continue;
      if (numbers.size() < count) numbers.push_back(std::stod(text));
    }
    return numbers;
  }

 private:
  [[nodiscard]] std::string between(const std::string& before, const std::string& after,
                                    std::size_t from) const {
    const std::size_t start = bytes.find(before, from) + before.size();
    return bytes.substr(start, bytes.find(after, start) - start);
  }
};

/// What a command draws, without a word on standard error.
inline Svg drawn(const Arguments& arguments) {
  const Outcome outcome = run(joined(arguments, {"-o", "drawn.svg"}));
  EXPECT_EQ(outcome.status, 0) << line_of(arguments);
  EXPECT_EQ(outcome.err, "") << line_of(arguments);
  EXPECT_TRUE(outcome.out.ends_with("drawn.svg\n")) << outcome.out;
  return Svg(read_file("drawn.svg"));
}

}  // namespace attnviz::test
