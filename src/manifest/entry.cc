#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "attnviz/error.h"
#include "attnviz/file.h"
#include "attnviz/manifest.h"
#include "attnviz/text.h"
#include "manifest/run_file.h"

namespace attnviz {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::string_view, 12> kMembers = {"index", "line",   "id",     "text",
                                                       "pair",  "target", "tokens", "metrics",
                                                       "file",  "sha256", "error",  "skipped"};

/// Reads members with checks of what they are. A manifest is a file that anyone may have written.
class EntryReader {
 public:
  EntryReader(std::string_view line, const std::string& what) : what_(what) {
    // The parser takes a zero byte for the end.
    if (line.find('\0') != std::string_view::npos) refuse("not JSON");
    try {
      json_ = Json::parse(line);
    } catch (const Json::exception&) {
      refuse("not JSON");
    }
    if (!json_.is_object()) refuse(std::string("expected a JSON object, got ") + json_.type_name());
    for (const auto& member : json_.items()) {
      if (std::find(kMembers.begin(), kMembers.end(), member.key()) == kMembers.end()) {
        refuse(visible(member.key()) + " is no member of an entry");
      }
    }
  }

  [[nodiscard]] ManifestEntry read() const {
    ManifestEntry entry{.index = number("index"), .line = number("line"), .id = text("id")};
    if (!has("text")) refuse("text is missing");
    entry.text = *text("text");
    entry.pair = text("pair");
    entry.target = text("target");
    if (has("tokens")) entry.tokens = number("tokens");
    if (has("metrics")) entry.metrics = metrics();
    entry.file = text("file").value_or("");
    entry.sha256 = text("sha256").value_or("");
    entry.error = text("error").value_or("");
    entry.skipped = text("skipped").value_or("");
    check(entry);
    return entry;
  }

 private:
  [[noreturn]] void refuse(const std::string& fault) const { throw Error(what_ + ": " + fault); }

  [[nodiscard]] bool has(const char* name) const { return json_.contains(name); }

  [[nodiscard]] std::size_t number(const char* name) const {
    if (!has(name)) refuse(std::string(name) + " is missing");
    if (!json_[name].is_number_unsigned()) refuse(std::string(name) + " is no whole number");
    return json_[name].get<std::size_t>();
  }

  [[nodiscard]] std::optional<std::string> text(const char* name) const {
    if (!has(name)) return std::nullopt;
    if (!json_[name].is_string()) refuse(std::string(name) + " is no string");
    return json_[name].get<std::string>();
  }

  [[nodiscard]] std::map<std::string, double> metrics() const {
    std::map<std::string, double> metrics;
    if (!json_["metrics"].is_object()) refuse("metrics is no object");
    for (const auto& [name, value] : json_["metrics"].items()) {
      if (!value.is_number()) refuse("metrics: " + visible(name) + " is no number");
      metrics.emplace(name, value.get<double>());
    }
    return metrics;
  }

  void check(const ManifestEntry& entry) const {
    const int outcomes = !entry.file.empty() + !entry.error.empty() + !entry.skipped.empty();
    if (outcomes != 1) refuse("expected one of file, error and skipped, got " + std::to_string(outcomes));
    if (entry.file.empty() != entry.sha256.empty()) refuse("file and sha256 belong together");
    if (entry.file.empty()) return;
    if (!is_file_name(entry.file)) refuse("file is " + visible(entry.file) + ", which is no name for one");
    const bool digest =
        entry.sha256.size() == 64 && entry.sha256.find_first_not_of("0123456789abcdef") == std::string::npos;
    if (!digest) refuse("sha256 is no digest");
  }

  const std::string& what_;
  Json json_;
};

}  // namespace

std::string to_json(const ManifestEntry& entry) {
  Json json = {{"index", entry.index}, {"line", entry.line}};
  if (entry.id) json["id"] = *entry.id;
  json["text"] = entry.text;
  if (entry.pair) json["pair"] = *entry.pair;
  if (entry.target) json["target"] = *entry.target;
  if (entry.tokens > 0) json["tokens"] = entry.tokens;
  Json metrics = Json::object();
  for (const auto& [name, value] : entry.metrics) {
    if (std::isfinite(value)) metrics[name] = value;
  }
  if (!metrics.empty()) json["metrics"] = metrics;
  if (!entry.file.empty()) json["file"] = entry.file;
  if (!entry.sha256.empty()) json["sha256"] = entry.sha256;
  if (!entry.error.empty()) json["error"] = entry.error;
  if (!entry.skipped.empty()) json["skipped"] = entry.skipped;
  // What the system says of a path need not be UTF-8: what is not becomes U+FFFD.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

ManifestEntry manifest_entry(std::string_view line, const std::string& what) {
  return EntryReader(line, what).read();
}

std::vector<ManifestEntry> read_manifest(const std::filesystem::path& path) {
  const std::string bytes = read_file(path);
  std::vector<ManifestEntry> entries;
  for (std::size_t begin = 0; begin < bytes.size();) {
    const std::string what = path.string() + ":" + std::to_string(entries.size() + 1);
    const std::size_t end = bytes.find('\n', begin);
    if (end == std::string::npos) throw Error(what + ": the line is cut", kResumeHint);
    entries.push_back(manifest_entry(std::string_view(bytes).substr(begin, end - begin), what));
    begin = end + 1;
  }
  return entries;
}

}  // namespace attnviz
