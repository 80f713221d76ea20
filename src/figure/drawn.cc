#include "attnviz/figure.h"

namespace attnviz {
namespace {

template <class... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};

}  // namespace

Figure lay_out(const Drawn& drawn, const Look& look, const MeasureText& measure) {
  return std::visit(
      Overloaded{[&](const Heatmap& map) { return head_heatmap(map, look, measure); },
                 [&](const HeatmapGrid& grid) { return heatmap_grid(grid, look, measure); },
                 [&](const Comparison& comparison) { return comparison_figure(comparison, look, measure); },
                 [&](const Summary& summary) { return summary_figure(summary, look, measure); }},
      drawn);
}

std::vector<Heatmap> maps_of(const Drawn& drawn) {
  return std::visit(Overloaded{[](const Heatmap& map) { return std::vector{map}; },
                               [](const HeatmapGrid& grid) { return grid.panels; },
                               [](const Comparison& comparison) {
                                 return std::vector{comparison.sides[0].map, comparison.sides[1].map};
                               },
                               [](const Summary& summary) { return std::vector{summary.mean}; }},
                    drawn);
}

}  // namespace attnviz
