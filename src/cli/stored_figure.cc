#include "cli/stored_figure.h"

#include <algorithm>
#include <filesystem>

#include "attnviz/error.h"
#include "attnviz/file.h"
#include "attnviz/render.h"
#include "cli/json.h"

namespace attnviz::cli {
namespace {

std::vector<std::string> texts_of(std::span<const TokenLabel> labels) {
  std::vector<std::string> texts;
  for (const TokenLabel& label : labels) texts.push_back(label.whole());
  return texts;
}

}  // namespace

bool is_figure_file(const std::string& path) {
  const std::string extension = std::filesystem::path(path).extension().string();
  const bool named =
      extension == ".png" || extension == ".svg" || extension == ".pdf" || extension == ".html";
  return named && is_there(path) && !is_directory_there(path);
}

StoredRecord read_stored(const std::string& path) {
  const std::optional<std::string> json = read_record(path);
  if (json) return {*json, path};
  throw Error(path + ": no record in it",
              "only figures that attnviz wrote without --no-embed carry their numbers");
}

std::vector<NamedTensor> tensors_of(const Record& record, std::vector<float>& joined) {
  const std::vector<Heatmap> maps = maps_of(record.drawn);
  const MatrixView& first = maps.front().weights;
  if (maps.size() == 1) return {{"weights", {first.rows(), first.columns}, first.values}};
  const bool alike = std::all_of(maps.begin(), maps.end(), [&](const Heatmap& map) {
    return map.weights.columns == first.columns && map.weights.rows() == first.rows();
  });
  std::vector<NamedTensor> tensors;
  for (const Heatmap& map : maps) {
    if (alike) {
      joined.insert(joined.end(), map.weights.values.begin(), map.weights.values.end());
    } else {
      tensors.push_back({"weights_" + std::to_string(tensors.size()),
                         {map.weights.rows(), map.weights.columns},
                         map.weights.values});
    }
  }
  if (alike) tensors.push_back({"weights", {maps.size(), first.rows(), first.columns}, joined});
  return tensors;
}

Provenance record_provenance(const Record& record) {
  nlohmann::ordered_json texts = nlohmann::ordered_json::array(), maps = nlohmann::ordered_json::array();
  for (const RecordedText& text : record.texts) {
    texts.push_back({{"model", text.model}, {"text", text.text}, {"tokens", text.tokens}, {"ids", text.ids}});
    if (text.pair) texts.back()["pair"] = *text.pair;
  }
  for (const Heatmap& map : maps_of(record.drawn)) {
    maps.push_back({{"title", map.title}, {"queries", texts_of(map.queries)}, {"keys", texts_of(map.keys)}});
    if (shows_norms(map)) maps.back()["quantity"] = map.quantity;
  }
  return {{"program", record.program},
          {"request", one_line(record.arguments)},
          {"texts", one_line(texts)},
          {"maps", one_line(maps)}};
}

}  // namespace attnviz::cli
