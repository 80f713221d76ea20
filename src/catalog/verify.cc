#include "attnviz/catalog.h"
#include "attnviz/error.h"
#include "attnviz/file.h"
#include "catalog/files.h"

namespace attnviz {

std::vector<std::string> verify_files(const ModelCard& card) {
  std::vector<std::string> faults;
  for (const auto& [name, expected] : card.sha256) {
    const std::filesystem::path path = card.directory / name;
    if (!is_there(path)) {
      faults.push_back(name + ": missing");
      continue;
    }
    try {
      const std::string found = sha256_of_file(path);
      if (found == expected) continue;
      faults.push_back(name + ": changed: sha256 " + found + " of " + std::to_string(file_size(path)) +
                       " bytes, expected " + expected);
    } catch (const Error& error) {
      faults.emplace_back(error.what());
    }
  }
  return faults;
}

}  // namespace attnviz
