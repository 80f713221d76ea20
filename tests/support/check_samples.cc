#include "support/check_samples.h"

#include <algorithm>
#include <cmath>

#include "attnviz/render.h"
#include "support/support.h"

namespace attnviz::test {
namespace {

std::vector<TokenLabel> labels(std::size_t count) {
  const std::vector<std::string> words = {"the", "bank",  "can",    "refuse", "to",  "lend", "money", "by",
                                          "a",   "river", "person", "never",  "saw", "it",   "stood", "."};
  std::vector<TokenLabel> labels;
  for (std::size_t i = 0; i < count; ++i) labels.push_back({"", words[i % words.size()], false});
  labels.front() = {"", "[CLS]", true};
  labels.back() = {"", "[SEP]", true};
  return labels;
}

/// Rows that sum to 1, no two of them alike.
std::vector<float> attention(std::size_t rows, std::size_t columns, bool causal, std::mt19937& random) {
  std::vector<float> weights;
  for (std::size_t row = 0; row < rows; ++row) {
    std::vector<double> drawn(columns);
    const std::size_t end = causal ? std::min(row + 1, columns) : columns;
    double sum = 0;
    for (std::size_t column = 0; column < end; ++column) {
      const double one = static_cast<double>(random() % 1000 + 1) / 1000;
      sum += drawn[column] = one * one;
    }
    for (const double one : drawn) weights.push_back(static_cast<float>(one / sum));
  }
  return weights;
}

/// What differs from kind to kind.
struct Plan {
  std::size_t maps = 1;
  std::string title = "minilm · Layer 6 · Head 3";
  bool causal = false;
};

Plan plan_of(const std::string& kind, std::mt19937& random) {
  Plan plan;
  plan.causal = random() % 3 == 0 && kind != "flow" && kind != "max-flow" && kind != "cross";
  if (kind == "grid" || kind == "layers") plan.maps = 4;
  if (kind == "overview") plan.maps = 6;
  if (kind == "compare") plan.maps = 2;
  if (kind == "cross") plan.title = "minilm · Cross attention · Layer 6 · Head 3";
  if (kind == "diff") plan.title = "minilm · Layer 1 · Head 0 − Layer 6 · Head 0";
  if (kind == "flow") plan.title = "minilm · From “bank” (2) · Mean of 12 heads";
  if (kind == "rollout") plan.title = "minilm · Rollout · Mean of 12 heads · Layers 1 to 6";
  if (kind == "max-flow")
    plan.title = "minilm · Attention flow (maximum flow) · Mean of 12 heads · Layers 1 to 6";
  if (kind == "summary") plan.title = "minilm · Summary";
  return plan;
}

Heatmap map_of(const Plan& plan, const std::string& kind, std::size_t index) {
  Heatmap map{.weights = {}, .causal = plan.causal, .title = plan.title, .subtitle = "A sentence."};
  if (kind == "grid") map.title = "Layer 2 · Head " + std::to_string(index);
  if (kind == "layers") map.title = "Layer " + std::to_string(index + 1);
  if (kind == "overview")
    map.title = "Layer " + std::to_string(index / 3 + 1) + " · Head " + std::to_string(index % 3);
  if (kind == "compare") map.title = "Head " + std::to_string(5 * index);
  map.is_signed = kind == "diff";
  map.cross = kind == "cross";
  map.rows_are_layers = kind == "flow";
  if (map.is_signed) map.quantity = "Difference of Weights";
  if (kind == "rollout") map.quantity = "Rollout";
  if (kind == "max-flow") map.quantity = "Maximum Flow";
  return map;
}

Drawn drawn_of(const std::string& kind, const std::vector<Heatmap>& maps, std::size_t tokens) {
  if (kind == "compare") {
    const auto side = [&](std::size_t i) {
      return Compared{maps[i],
                      ColorMap(i == 0 ? "Blues" : "Reds"),
                      {{"Tokens", std::to_string(tokens)}, {"Entropy", "1.42 nats (uniform 2.08)"}}};
    };
    return Comparison{
        .sides = {side(0), side(1)}, .title = "minilm · Layer 6", .subtitle = "A sentence.", .notes = {}};
  }
  if (kind == "summary") {
    Summary summary{.layers = {},
                    .uniform_entropy = std::log(static_cast<double>(tokens)),
                    .mean = maps[0],
                    .received = {}};
    for (int layer = 1; layer <= 6; ++layer)
      summary.layers.push_back(
          {layer, 1 / static_cast<double>(tokens), 1.9 - 0.17 * layer + 0.11 * (layer % 2)});
    return summary;
  }
  if (kind != "grid" && kind != "layers" && kind != "overview") return maps[0];
  HeatmapGrid grid{.panels = maps,
                   .columns = kind == "overview" ? 3U : 2U,
                   .title = "minilm · Layer 2",
                   .subtitle = "A sentence.",
                   .notes = {}};
  if (kind == "layers") grid.title = "minilm · Head 3 through the layers";
  if (kind == "overview") {
    grid.title = "minilm · 2 layers × 3 heads";
    grid.row_names = {"Layer 1", "Layer 2"};
    grid.column_names = {"Head 0", "Head 1", "Head 2"};
  }
  return grid;
}

std::vector<std::string> arguments_of(const std::string& kind) {
  if (kind == "grid") return {"grid", "--layer", "2", "--heads", "0-3", "--model", "minilm"};
  if (kind == "layers") return {"layers", "--head", "3", "--layers", "1-4"};
  if (kind == "flow") return {"flow", "--token", "2"};
  if (kind == "cross") return {"render", "--layer", "6", "--head", "3"};
  return {kind == "max-flow" ? "rollout" : kind, "--layer", "6", "--head", "3"};
}

}  // namespace

const std::vector<std::string>& sample_kinds() {
  static const std::vector<std::string> kinds = {"render",   "grid",    "overview", "layers",
                                                 "compare",  "diff",    "flow",     "rollout",
                                                 "max-flow", "summary", "cross"};
  return kinds;
}

Sample make_sample(const std::string& kind, unsigned seed) {
  std::mt19937 random(seed);
  const Plan plan = plan_of(kind, random);
  const std::size_t tokens = 4 + random() % 9;
  const std::size_t rows = kind == "flow" ? 6 : kind == "cross" ? 3 + random() % 15 : tokens;
  Sample sample;
  sample.kind = kind;
  std::vector<Heatmap> maps;
  for (std::size_t i = 0; i < plan.maps; ++i) {
    sample.weights.push_back(attention(rows, tokens, plan.causal, random));
    if (kind == "diff") {
      const std::vector<float> other = attention(rows, tokens, plan.causal, random);
      for (std::size_t k = 0; k < other.size(); ++k) sample.weights[i][k] -= other[k];
    }
    sample.keys.push_back(labels(tokens));
    sample.queries.push_back(labels(rows));
    for (std::size_t row = 0; kind == "flow" && row < rows; ++row)
      sample.queries[i][row] = {"", "Layer " + std::to_string(row + 1), false};
    maps.push_back(map_of(plan, kind, i));
  }
  RecordedText text{"minilm",
                    {{"model.safetensors", "ab12"}, {"tokenizer.json", "cd34"}},
                    "checkpoint",
                    "A sentence.",
                    {},
                    {},
                    {}};
  for (const TokenLabel& label : labels(tokens)) {
    text.tokens.push_back(label.text);
    text.ids.push_back(static_cast<std::int64_t>(random() % 30'000));
  }
  sample.texts = {text};
  for (std::size_t key = 0; kind == "summary" && key < tokens; ++key) {
    double sum = 0;
    for (std::size_t row = 0; row < rows; ++row) sum += sample.weights[0][row * tokens + key];
    sample.received.push_back(sum);
  }
  const std::vector<std::string> color_maps = {"Blues", "Reds", "viridis", "YlOrRd", "cividis", "magma"};
  Look look{.colors = ColorMap(kind == "diff" ? "RdBu_r" : color_maps[random() % color_maps.size()]),
            .annotate = random() % 2 ? Annotate::automatic : Annotate::never,
            .theme = random() % 4 ? Theme::light : Theme::dark};
  if (kind != "diff" && random() % 4 == 0) look.scale = Scale::sqrt;
  if (kind != "diff" && random() % 4 == 0) look.vmax = 0.5;
  sample.prototype = {"attnviz 0.1.0", arguments_of(kind), {}, look, drawn_of(kind, maps, tokens)};
  return sample;
}

Record Sample::record() const {
  Record record = prototype;
  record.texts = texts;
  const auto fill = [&](Heatmap& map, std::size_t i) {
    map.weights = {weights[i], keys[i].size()};
    map.queries = queries[i];
    map.keys = keys[i];
  };
  if (auto* const map = std::get_if<Heatmap>(&record.drawn)) fill(*map, 0);
  if (auto* const grid = std::get_if<HeatmapGrid>(&record.drawn)) {
    for (std::size_t i = 0; i < grid->panels.size(); ++i) fill(grid->panels[i], i);
  }
  if (auto* const comparison = std::get_if<Comparison>(&record.drawn)) {
    for (std::size_t i = 0; i < 2; ++i) fill(comparison->sides[i].map, i);
  }
  if (auto* const summary = std::get_if<Summary>(&record.drawn)) {
    fill(summary->mean, 0);
    summary->received = received;
  }
  return record;
}

void write_sample(const Record& record, const std::filesystem::path& path, const Alter& alter,
                  double font_scale, double dpi) {
  const MeasureText measure = text_measure();
  Figure figure = lay_out(record.drawn, record.look, [&](std::string_view text, double size, bool bold) {
    return font_scale * measure(text, size, bold);
  });
  for (Item& item : figure.items) {
    if (auto* const text = std::get_if<Text>(&item)) text->size *= font_scale;
  }
  figure.record = to_json(record);
  if (alter) alter(figure);
  std::string bytes;
  const Sink sink = [&](std::string_view piece) { bytes += piece; };
  if (path.extension() == ".png") write_png(figure, dpi, sink);
  if (path.extension() == ".svg") write_svg(figure, sink);
  if (path.extension() == ".pdf") write_pdf(figure, sink);
  write(path, bytes);
}

}  // namespace attnviz::test
