#include <nlohmann/json.hpp>

#include "attnviz/error.h"
#include "attnviz/manifest.h"
#include "manifest/run_file.h"

namespace attnviz {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::string_view kPage =
#include "manifest/page.inc"
    ;
constexpr std::string_view kDataMark = "@data@";
constexpr const char* kPart = ".manifest-page-part-";

/// JSON that can stand inside a script element: no character of it can end the element or begin a comment.
/// < > and & occur in strings only, where their escapes mean the same.
std::string inside_a_script(std::string_view json) {
  std::string escaped;
  escaped.reserve(json.size());
  for (const char c : json) {
    switch (c) {
      case '<':
        escaped += "\\u003c";
        break;
      case '>':
        escaped += "\\u003e";
        break;
      case '&':
        escaped += "\\u0026";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

/// The run's settings and its entries, without the digests, which nobody looks at.
std::string page_data(const fs::path& directory) {
  const RunFile run = read_run_file(directory / run_file_name({}));
  Json settings = Json::object();
  for (const auto& [name, value] : run.settings) settings[name] = value;
  std::string json = "{\"settings\":" + settings.dump() + ",\"items\":[";
  const char* separator = "\n";
  for (ManifestEntry& entry : read_manifest(directory / manifest_name({}))) {
    entry.sha256.clear();
    json += std::exchange(separator, ",\n") + to_json(entry);
  }
  return json + "]}";
}

}  // namespace

void write_index_page(const fs::path& directory) {
  const std::size_t mark = kPage.find(kDataMark);
  std::string page(kPage.substr(0, mark));
  page += inside_a_script(page_data(directory));
  page += kPage.substr(mark + kDataMark.size());
  remove_parts(directory, kPart);
  const NamedFile file{"index.html", page};
  write_files(directory, {&file, 1}, kPart);
}

}  // namespace attnviz
