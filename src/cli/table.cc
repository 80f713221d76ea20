#include "cli/table.h"

#include <algorithm>

#include "attnviz/text.h"

namespace attnviz::cli {

Table::Table(const std::vector<std::string>& headings) {
  std::vector<std::string> row;
  for (const std::string& heading : headings) {
    right_.push_back(heading.starts_with('>'));
    row.push_back(heading.substr(right_.back() ? 1 : 0));
  }
  rows_.push_back(std::move(row));
}

void Table::add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }

std::string Table::set() const {
  std::vector<std::size_t> widths(right_.size());
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], count_code_points(row[i]));
  }
  std::string text;
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - count_code_points(row[i]), ' ');
      text += (i == 0 ? "" : "  ") + (right_[i] ? padding : "") + row[i];
      if (!right_[i] && i + 1 < row.size()) text += padding;
    }
    text.resize(text.find_last_not_of(' ') + 1);
    text += "\n";
  }
  return text;
}

}  // namespace attnviz::cli
