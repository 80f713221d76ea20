#include "manifest/run_file.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "attnviz/error.h"
#include "attnviz/file.h"
#include "attnviz/text.h"

namespace attnviz {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

/// 1 had no digests of the models' files.
constexpr int kFormat = 2;

std::string name_of(const std::string& stem, Shard shard, const std::string& ending) {
  if (shard.is_whole()) return stem + ending;
  return stem + "-" + std::to_string(shard.number) + "-of-" + std::to_string(shard.count) + ending;
}

std::string shown(const RunSettings& settings, const std::string& name) {
  for (const auto& [other, value] : settings) {
    if (other == name) return value.empty() ? "nothing" : visible(value);
  }
  return "nothing";
}

Shard shard_of(const std::string& text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos) return {0, 0};
  return {std::stoul(text.substr(0, slash)), std::stoul(text.substr(slash + 1))};
}

}  // namespace

std::string manifest_name(Shard shard) { return name_of("manifest", shard, ".jsonl"); }

std::string run_file_name(Shard shard) { return name_of("run", shard, ".json"); }

std::string hidden_name(Shard shard) { return name_of(".manifest", shard, ""); }

FileLock lock_run(const fs::path& directory, Shard shard) {
  std::optional<FileLock> lock = FileLock::take(directory / (hidden_name(shard) + ".lock"));
  if (lock) return std::move(*lock);
  throw Error(directory.string() + ": another run writes here now",
              "wait for it, or choose another directory");
}

std::string to_text(Shard shard) { return std::to_string(shard.number) + "/" + std::to_string(shard.count); }

std::string to_json(const RunFile& file) {
  Json json = {{"format", kFormat}};
  if (!file.shard.is_whole()) json["shard"] = to_text(file.shard);
  if (file.rows) json["rows"] = *file.rows;
  Json settings = Json::object();
  for (const auto& [name, value] : file.settings) settings[name] = value;
  json["settings"] = settings;
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

RunFile read_run_file(const fs::path& path) {
  const std::string text = read_file(path);
  RunFile file;
  try {
    const Json json = Json::parse(text);
    const int format = json.at("format").get<int>();
    if (format != kFormat) {
      throw Error(
          path.string() + ": format " + std::to_string(format) + ", expected " + std::to_string(kFormat),
          "another version of the program wrote it: finish it with that one, or start anew in another "
          "directory");
    }
    if (json.contains("shard")) file.shard = shard_of(json.at("shard").get<std::string>());
    if (json.contains("rows")) file.rows = json.at("rows").get<std::size_t>();
    for (const auto& [name, value] : json.at("settings").items()) {
      file.settings.emplace_back(name, value.get<std::string>());
    }
  } catch (const Json::exception&) {
    throw Error(path.string() + ": not what a run writes", "start anew in another directory");
  } catch (const std::logic_error&) {
    throw Error(path.string() + ": shard is not of the form 3/16", "start anew in another directory");
  }
  return file;
}

Error others_file(const fs::path& path) {
  return Error(path.string() + ": there is a file of this name already, which no run here wrote",
               "move it away, or choose another directory");
}

std::string difference(const RunSettings& expected, const RunSettings& got) {
  for (const RunSettings* settings : {&got, &expected}) {
    for (const auto& [name, value] : *settings) {
      const std::string before = shown(expected, name), now = shown(got, name);
      if (before != now) return name + ": expected " + before + ", got " + now;
    }
  }
  return {};
}

}  // namespace attnviz
