#include <nlohmann/json.hpp>

#include "attnviz/error.h"
#include "attnviz/manifest.h"
#include "attnviz/text.h"
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

void expect_no_other_page(const fs::path& directory) {
  const fs::path path = directory / "index.html";
  if (!is_there(path)) return;
  constexpr std::string_view kTitle = "</title>";  // so far every version's page is the same
  const std::string_view start = kPage.substr(0, kPage.find(kTitle) + kTitle.size());
  if (!read_file(path).starts_with(start)) throw others_file(path);
}

void write_index_page(const fs::path& directory) {
  expect_no_other_page(directory);
  const std::size_t mark = kPage.find(kDataMark);
  std::string page(kPage.substr(0, mark));
  page += inside_a_script(page_data(directory));
  page += kPage.substr(mark + kDataMark.size());
  remove_parts(directory, kPart);
  const NamedFile file{"index.html", page};
  write_files(directory, {&file, 1}, kPart);
}

}  // namespace attnviz
