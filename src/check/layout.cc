#include "check/layout.h"

#include <algorithm>

#include "attnviz/render.h"
#include "check/names.h"

namespace attnviz {
namespace {

constexpr std::size_t kStepsOfBar = 128;

/// Adds an item's shapes. A text ends a block: what is drawn behind it may be moved by it.
class Collector {
 public:
  void operator()(const Rectangle& r) {
    shapes_.push_back({r.x, r.y, r.width, r.height, r.fill, r.crisp, block_});
  }

  void operator()(const Image& image) {
    if (image.columns == 0 || image.pixels.empty()) return;
    const std::size_t rows = image.pixels.size() / image.columns;
    const double width = image.width / static_cast<double>(image.columns),
                 height = image.height / static_cast<double>(rows);
    for (std::size_t i = 0; i < image.pixels.size(); ++i) {
      const auto row = static_cast<double>(i / image.columns),
                 column = static_cast<double>(i % image.columns);
      shapes_.push_back(
          {image.x + width * column, image.y + height * row, width, height, image.pixels[i], false, block_});
    }
  }

  void operator()(const Text&) { block_ += !shapes_.empty() && shapes_.back().block == block_; }
  void operator()(const Line&) {}

  [[nodiscard]] std::vector<Shape> take() { return std::move(shapes_); }

 private:
  std::vector<Shape> shapes_;
  std::size_t block_ = 0;
};

/// As a page pools it.
struct PooledMap {
  std::vector<float> weights;
  Heatmap map;

  PooledMap(const Heatmap& whole, std::size_t by)
      : weights(pooled_weights(whole, {by, whole.pooling.how})), map(whole) {
    map.weights = {weights, (whole.weights.columns + by - 1) / by};
    map.pooling.by *= by;
  }
};

/// How many cells a map has where one stands for `pooled` × `pooled`.
std::size_t cells_of(const Heatmap& map, std::size_t pooled, bool masked_too) {
  const std::size_t rows = (map.weights.rows() + pooled - 1) / pooled,
                    columns = (map.weights.columns + pooled - 1) / pooled;
  if (masked_too) return rows * columns;
  std::size_t cells = 0;
  if (!map.windowed && map.first_query == map.first_key) {
    for (std::size_t row = 0; row < rows; ++row) cells += map.causal ? std::min(row + 1, columns) : columns;
    return cells;
  }
  const PooledMap small(map, pooled);
  for (std::size_t i = 0; i < rows * columns; ++i) cells += small.map.shows(i / columns, i % columns);
  return cells;
}

/// How the shapes of a page become cells of its maps.
struct Cells {
  std::size_t pooled = 0;              ///< 0: it can't be told
  std::vector<const Image*> images{};  ///< which have cells above the diagonal as well

  [[nodiscard]] bool draws_as_image(const Heatmap& map) const {
    const std::size_t rows = (map.weights.rows() + pooled - 1) / pooled,
                      columns = (map.weights.columns + pooled - 1) / pooled;
    return std::any_of(images.begin(), images.end(), [&](const Image* image) {
      return image->columns == columns && image->pixels.size() == rows * columns;
    });
  }
};

/// By what is left once the maps' cells and the colour bar are taken away: nothing but in a summary.
Cells cells_on(const Record& record, std::size_t shapes, const Figure& figure) {
  Cells how;
  for (const Item& item : figure.items) {
    if (const auto* const image = std::get_if<Image>(&item)) how.images.push_back(image);
  }
  const std::vector<Heatmap> maps = maps_of(record.drawn);
  const bool grid = std::holds_alternative<HeatmapGrid>(record.drawn);
  if (std::holds_alternative<View>(record.drawn)) return {};
  const std::size_t most = grid ? std::max(maps.front().weights.rows(), maps.front().weights.columns) : 1;
  for (how.pooled = 1; how.pooled <= most; ++how.pooled) {
    std::size_t cells = 0;
    for (const Heatmap& map : maps) cells += cells_of(map, how.pooled, how.draws_as_image(map));
    if (!grid || cells + kStepsOfBar == shapes) return how;
  }
  return {};
}

std::string cell_name(const Record& record, std::size_t shape, const Cells& how) {
  const std::vector<Heatmap> maps = maps_of(record.drawn);
  for (std::size_t i = 0; i < maps.size(); ++i) {
    const Heatmap& map = maps[i];
    const bool masked_too = how.draws_as_image(map);
    const std::size_t count = cells_of(map, how.pooled, masked_too);
    if (shape >= count) {
      shape -= count;
      continue;
    }
    const PooledMap small(map, how.pooled);
    const std::size_t rows = small.map.weights.rows(), columns = small.map.weights.columns;
    for (std::size_t row = 0; row < rows; ++row) {
      for (std::size_t column = 0; column < columns; ++column) {
        if (!masked_too && !small.map.shows(row, column)) continue;
        if (shape-- > 0) continue;
        return map_names(record)[i] + " " + query_name(map, row * how.pooled) + " → " +
               key_name(map, column * how.pooled);
      }
    }
  }
  return "a cell";
}

}  // namespace

std::vector<Shape> shapes_of(const Figure& figure) {
  Collector collector;
  for (const Item& item : figure.items) std::visit(collector, item);
  return collector.take();
}

ExpectedPicture::ExpectedPicture(const Record& record, double font_scale) {
  const MeasureText measure = text_measure();
  figure = lay_out(record.drawn, record.look, [&](std::string_view text, double size, bool bold) {
    return font_scale * measure(text, size, bold);
  });
  shapes = shapes_of(figure);
  for (const Item& item : figure.items) {
    if (const auto* const text = std::get_if<Text>(&item)) texts.push_back(*text);
    if (const auto* const line = std::get_if<Line>(&item)) lines.push_back(*line);
  }
  const auto* const single = std::get_if<Heatmap>(&record.drawn);
  if (single && single->zoom) zoom_lines = lines;
  const Cells how = cells_on(record, shapes.size(), figure);
  for (const Heatmap& map : maps_of(record.drawn))
    cells += how.pooled ? cells_of(map, how.pooled, how.draws_as_image(map)) : 0;
}

std::string ExpectedPicture::name_of(const Record& record, std::size_t shape) const {
  const Cells how = cells_on(record, shapes.size(), figure);
  if (shape < cells && how.pooled > 0) return cell_name(record, shape, how);
  if (std::holds_alternative<View>(record.drawn)) return "a tile, a band or a bar";
  const bool bar = shapes[shape].crisp && !std::holds_alternative<Summary>(record.drawn);
  if (bar || shape < cells + kStepsOfBar) return "the colour bar";
  return "a chart";
}

}  // namespace attnviz
