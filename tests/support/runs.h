/// Runs into a directory as the tests of the manifest make and compare them.
#pragma once

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "attnviz/file.h"
#include "attnviz/manifest.h"

namespace attnviz::test {

/// Some bytes, of another size for each item.
inline std::string figure_of(std::size_t index) {
  std::string bytes = "<svg>" + std::to_string(index) + "</svg>\n";
  bytes.resize(bytes.size() + index * 7919 % 5000, static_cast<char>('a' + index % 26));
  return bytes;
}

/// Every tenth is markup that would show that it was taken for some.
inline std::string text_of(std::size_t index) {
  if (index % 10 == 5) return "</script><img src=x onerror=\"document.title='taken'\">";
  return "text " + std::to_string(index);
}

/// A figure, an item at fault, and one left out, over and over.
inline Finished item(std::size_t index, const std::string& ending = ".svg") {
  ManifestEntry entry{.index = index, .line = index + 1, .text = text_of(index), .tokens = index + 2};
  if (index % 3 == 1) {
    entry.error = "too long";
    return {entry, {}};
  }
  if (index % 3 == 2) {
    entry.skipped = "too short";
    return {entry, {}};
  }
  entry.metrics = {{"entropy", 0.25 * static_cast<double>(index)}};
  entry.file = std::to_string(index) + ending;
  return {entry, figure_of(index)};
}

inline std::vector<std::string> names_in(const std::filesystem::path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().extension() != ".lock") names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// All files of a directory, hidden ones too.
inline std::map<std::string, std::string> contents(const std::filesystem::path& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    files[entry.path().filename().string()] = read_file(entry.path());
  }
  return files;
}

}  // namespace attnviz::test
