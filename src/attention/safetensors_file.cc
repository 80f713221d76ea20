#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "attention/number.h"
#include "attention/safetensors_header.h"
#include "attention/safetensors_layout.h"
#include "attnviz/attention.h"
#include "attnviz/error.h"

namespace attnviz {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::string_view kIndexEnding = ".index.json";
constexpr std::string_view kWeightMap = "weight_map";
/// weight_map's entries are at depth 2; what lies deeper is dropped while parsing, so nesting costs nothing.
constexpr int kDeepest = 2;
/// Some hundred bytes a tensor: one of 100,000 has about ten megabytes.
constexpr std::size_t kLargestIndex = 256 << 20;

/// The shards' names and, by tensor, the shard that the index promises.
struct Index {
  std::set<std::string> shards;
  std::map<std::string, std::string> shard_of;
};

Error bad_index(const fs::path& path, const std::string& fault) {
  return Error(path.string() + ": " + fault, "download or save it again");
}

Index read_index(const fs::path& path) {
  const json document = json::parse(
      read_file(path, kLargestIndex), [](int depth, auto, const json&) { return depth <= kDeepest; }, false);
  if (document.is_discarded()) throw bad_index(path, "not JSON");
  if (!document.is_object() || !document.contains(kWeightMap) || !document[kWeightMap].is_object() ||
      document[kWeightMap].empty()) {
    throw bad_index(path, "has no weight_map");
  }
  Index index;
  for (const auto& [tensor, shard] : document[kWeightMap].items()) {
    const std::string name = shard.is_string() ? shard.get<std::string>() : std::string();
    // A shard lies beside its index: a name that leads elsewhere could read any file.
    if (name.empty() || name == "." || name == ".." ||
        name.find_first_of(std::string("/\\\0", 3)) != std::string::npos) {
      throw bad_index(
          path, "weight_map: tensor " + in_quotes(tensor) + ": expected the name of a file beside it, got " +
                    (shard.is_string() ? in_quotes(name) : std::string("a ") + shard.type_name()));
    }
    index.shards.insert(name);
    index.shard_of.emplace(tensor, name);
  }
  return index;
}

}  // namespace

struct Safetensors::State {
  std::vector<fs::path> files;
  std::vector<MappedFile> mappings;
  std::map<std::string, TensorView, std::less<>> tensors;
  Provenance metadata;

  void add(const fs::path& path) {
    files.push_back(path);
    mappings.emplace_back(path);
    SafetensorsLayout layout = read_safetensors(mappings.back().bytes(), path.string());
    tensors.merge(layout.tensors);
    if (!layout.tensors.empty()) {
      throw Error(path.string() + ": tensor " + in_quotes(layout.tensors.begin()->first) +
                      ": is in another shard too",
                  "download or save it again");
    }
    metadata.merge(layout.metadata);
  }

  void add_shards(const fs::path& index_path) {
    const Index index = read_index(index_path);
    for (const std::string& shard : index.shards) {
      const fs::path path = index_path.parent_path() / shard;
      if (!fs::exists(path)) {
        throw Error(path.string() + ": missing, though " + index_path.filename().string() + " lists it",
                    "download or save it again");
      }
      add(path);
    }
    for (const auto& [tensor, shard] : index.shard_of) {
      if (!tensors.contains(tensor)) {
        throw bad_index(index_path, "tensor " + in_quotes(tensor) + ": not in " + shard);
      }
    }
  }
};

Safetensors::Safetensors(const fs::path& path) {
  auto state = std::make_unique<State>();
  if (path.filename().string().ends_with(kIndexEnding)) {
    state->add_shards(path);
  } else {
    state->add(path);
  }
  state_ = std::move(state);
}

Safetensors::Safetensors(Safetensors&&) noexcept = default;
Safetensors& Safetensors::operator=(Safetensors&&) noexcept = default;
Safetensors::~Safetensors() = default;

const std::map<std::string, TensorView, std::less<>>& Safetensors::tensors() const { return state_->tensors; }
const Provenance& Safetensors::metadata() const { return state_->metadata; }
const std::vector<fs::path>& Safetensors::files() const { return state_->files; }

}  // namespace attnviz
