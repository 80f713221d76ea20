/// table: rows of text in aligned columns.
#pragma once

#include <string>
#include <vector>

namespace attnviz::cli {

class Table {
 public:
  /// A heading that begins with '>' aligns its column to the right. The last column is not padded, so
  /// that text of any script can stand there.
  explicit Table(const std::vector<std::string>& headings);

  void add(std::vector<std::string> row);

  /// Two spaces between columns, a line end behind every row, nothing behind a row's last character.
  [[nodiscard]] std::string set() const;

 private:
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace attnviz::cli
