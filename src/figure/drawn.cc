#include "attnviz/figure.h"

namespace attnviz {
namespace {

template <class... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};

std::vector<Heatmap> maps_of_view(const View& view) {
  std::vector<Heatmap> maps;
  const std::string part = view.part ? view.title + " · " : "";
  for (const int layer : view.layers) {
    for (const int head : view.heads) {
      maps.push_back({.weights = view.at(layer, head),
                      .queries = view.tokens,
                      .keys = view.key_tokens(),
                      .causal = view.causal,
                      .cross = view.is_cross(),
                      .title = part + "Layer " + std::to_string(layer) + " · Head " + std::to_string(head),
                      .subtitle = view.subtitle,
                      .notes = view.notes,
                      .quantity = view.quantity});
    }
  }
  for (const View& other : view.others) {
    const std::vector<Heatmap> more = maps_of_view(other);
    maps.insert(maps.end(), more.begin(), more.end());
  }
  return maps;
}

}  // namespace

Figure lay_out(const Drawn& drawn, const Look& look, const MeasureText& measure) {
  return std::visit(
      Overloaded{[&](const Heatmap& map) { return head_heatmap(map, look, measure); },
                 [&](const HeatmapGrid& grid) { return heatmap_grid(grid, look, measure); },
                 [&](const Comparison& comparison) { return comparison_figure(comparison, look, measure); },
                 [&](const Summary& summary) { return summary_figure(summary, look, measure); },
                 [&](const View& view) { return view_figure(view, look, measure); }},
      drawn);
}

std::vector<Heatmap> maps_of(const Drawn& drawn) {
  return std::visit(Overloaded{[](const Heatmap& map) {
                                 return map.zoom ? std::vector{map, zoomed(map)} : std::vector{map};
                               },
                               [](const HeatmapGrid& grid) { return grid.panels; },
                               [](const Comparison& comparison) {
                                 return std::vector{comparison.sides[0].map, comparison.sides[1].map};
                               },
                               [](const Summary& summary) { return std::vector{summary.mean}; },
                               [](const View& view) { return maps_of_view(view); }},
                    drawn);
}

}  // namespace attnviz
