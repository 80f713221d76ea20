/// Reads files given as hexadecimal in JSON, one a line, and prints their rows, for rows_parity.py.
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "attnviz/error.h"
#include "attnviz/text.h"

namespace {

using nlohmann::json;

std::string bytes_of(const std::string& hexadecimal) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hexadecimal.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(hexadecimal.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

json optional(const std::optional<std::string>& text) { return text ? json(*text) : json(); }

json rows_of(const json& file) {
  attnviz::RowOptions options{.format = attnviz::row_format(file["name"].get<std::string>()).value(),
                              .header = file["header"].get<bool>(),
                              .invalid_utf8 = file["replace"].get<bool>() ? attnviz::InvalidUtf8::replace
                                                                          : attnviz::InvalidUtf8::fail,
                              .block_bytes = file["block_bytes"].get<std::size_t>()};
  if (file.contains("text")) options.text_column = file["text"].get<std::string>();
  if (file.contains("id")) options.id_column = file["id"].get<std::string>();
  std::istringstream in(bytes_of(file["bytes"].get<std::string>()));
  attnviz::RowReader reader(in, options, "file");
  json rows = json::array();
  while (const auto row = reader.next()) {
    rows.push_back({row->index, row->line, row->text, optional(row->id), row->fault});
  }
  return rows;
}

}  // namespace

int main() {
  try {
    for (std::string line; std::getline(std::cin, line);) {
      try {
        std::cout << rows_of(json::parse(line)) << '\n';
      } catch (const attnviz::Error& error) {
        std::cout << json(error.what()) << '\n';
      }
    }
    return 0;
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 2;
  }
}
