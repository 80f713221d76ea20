#include "cli/model_files.h"

#include <utility>

#include "attnviz/attention.h"
#include "attnviz/file.h"

namespace attnviz::cli {
namespace {

namespace fs = std::filesystem;

/// Of a checkpoint: one file, or an index and the shards that it lists.
std::set<std::string> weights_in(const fs::path& directory) {
  const fs::path file = weights_file(directory);
  const Safetensors weights(file);
  std::set<std::string> names = {file.filename().string()};
  for (const fs::path& shard : weights.files()) names.insert(shard.filename().string());
  return names;
}

}  // namespace

ModelFiles::ModelFiles(std::span<OpenSource> sources, bool runs_models) {
  std::set<fs::path> known;
  for (OpenSource& source : sources) {
    Reader& reader = source.reader;
    if (!known.insert(reader.card.directory).second) continue;
    add(known.size() == 1 ? "model" : "model " + std::to_string(known.size()), reader, runs_models);
  }
}

void ModelFiles::add(const std::string& prefix, Reader& reader, bool runs_models) {
  const fs::path& directory = reader.card.directory;
  const std::vector<std::string>& read = opened_tokenizer(reader).files();
  std::set<std::string> names(read.begin(), read.end());
  for (const char* const name : {"config.json", "attnviz.json"}) {
    if (is_there(directory / name)) names.insert(name);
  }
  std::set<std::string> mapped;
  if (runs_models && opened(reader).backend() == Backend::checkpoint) mapped = weights_in(directory);
  if (runs_models && opened(reader).backend() == Backend::torchscript) names.insert("model.pt");
  names.insert(mapped.begin(), mapped.end());
  settings_.emplace_back(prefix, reader.card.name);
  for (const std::string& name : names) {
    SourceFile file(directory / name);
    settings_.emplace_back(prefix + "/" + name, file.digest());
    if (mapped.contains(name)) mapped_.push_back(std::move(file));
  }
}

void ModelFiles::expect_unchanged() {
  for (SourceFile& file : mapped_) file.expect_unchanged();
}

}  // namespace attnviz::cli
