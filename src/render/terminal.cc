#include <glib.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include "attnviz/render.h"

namespace attnviz {
namespace {

constexpr char kReset[] = "\x1b[0m";

/// How many columns a terminal gives a character: two to East Asian letters and emoji, none to marks.
std::size_t columns_of(char32_t c) {
  if (g_unichar_iszerowidth(c)) return 0;
  return g_unichar_iswide(c) ? 2 : 1;
}

std::size_t columns_of(std::string_view text) {
  std::size_t columns = 0;
  for (std::size_t offset = 0; offset < text.size();) columns += columns_of(next_code_point(text, offset));
  return columns;
}

/// `text`, or as much of its beginning as leaves room for an ellipsis, in at most `room` columns.
std::string cut(const std::string& text, std::size_t room) {
  if (columns_of(text) <= room) return text;
  std::size_t used = 0, end = 0;
  for (std::size_t offset = 0; offset < text.size();) {
    used += columns_of(next_code_point(text, offset));
    if (used + 1 > room) break;
    end = offset;
  }
  return room == 0 ? "" : text.substr(0, end) + "…";
}

std::string right_aligned(const std::string& text, std::size_t columns) {
  return std::string(columns - std::min(columns, columns_of(text)), ' ') + text;
}

std::string hundredths(double value) {
  char text[400];
  return {text, std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, 2).ptr};
}

/// The number of `color` among 16 or 256 terminal colours, as xterm defines them.
int nearest_of_256(Color color) {
  // The 6 × 6 × 6 cube has the levels 0, 95, 135, 175, 215, 255.
  const auto level = [](int channel) { return channel < 48 ? 0 : channel < 115 ? 1 : (channel - 35) / 40; };
  return 16 + 36 * level(color.red) + 6 * level(color.green) + level(color.blue);
}

int nearest_of_16(Color color) {
  constexpr std::array<Color, 16> kColors = {{{0, 0, 0},
                                              {205, 0, 0},
                                              {0, 205, 0},
                                              {205, 205, 0},
                                              {0, 0, 238},
                                              {205, 0, 205},
                                              {0, 205, 205},
                                              {229, 229, 229},
                                              {127, 127, 127},
                                              {255, 0, 0},
                                              {0, 255, 0},
                                              {255, 255, 0},
                                              {92, 92, 255},
                                              {255, 0, 255},
                                              {0, 255, 255},
                                              {255, 255, 255}}};
  const auto distance = [color](Color other) {
    const int red = color.red - other.red, green = color.green - other.green, blue = color.blue - other.blue;
    return red * red + green * green + blue * blue;
  };
  return static_cast<int>(std::min_element(kColors.begin(), kColors.end(),
                                           [&](Color a, Color b) { return distance(a) < distance(b); }) -
                          kColors.begin());
}

std::string sequence(int plane, Color color, TerminalColors colors) {
  const std::string start = "\x1b[" + std::to_string(plane) + ";";
  if (colors == TerminalColors::truecolor) {
    return start + "2;" + std::to_string(color.red) + ";" + std::to_string(color.green) + ";" +
           std::to_string(color.blue) + "m";
  }
  return start + "5;" + std::to_string(nearest_of_256(color)) + "m";
}

std::string foreground(Color color, TerminalColors colors) { return sequence(38, color, colors); }
std::string background(Color color, TerminalColors colors) { return sequence(48, color, colors); }

/// The map as it fits the terminal: one cell for `pooled` × `pooled` weights, the strongest of them.
struct Grid {
  std::size_t rows = 0, columns = 0, pooled = 1;
  std::vector<float> weights;
  std::vector<bool> shown;  ///< false: all masked

  Grid(const Heatmap& heatmap, std::size_t pool) : pooled(pool) {
    const auto blocks = [pool](std::size_t count) { return (count + pool - 1) / pool; };
    rows = blocks(heatmap.weights.rows());
    columns = blocks(heatmap.weights.columns);
    weights.assign(rows * columns, 0);
    shown.assign(rows * columns, false);
    for (std::size_t row = 0; row < heatmap.weights.rows(); ++row) {
      for (std::size_t column = 0; column < heatmap.weights.columns; ++column) {
        if (!heatmap.shows(row, column)) continue;
        const std::size_t cell = row / pool * columns + column / pool;
        const float weight = heatmap.weights(row, column);
        if (!shown[cell] || weight > weights[cell] || !std::isfinite(weight)) weights[cell] = weight;
        if (!std::isfinite(weights[cell])) weights[cell] = std::numeric_limits<float>::quiet_NaN();
        shown[cell] = true;
      }
    }
  }
};

/// Writes cells in the terminal's colours. With 256 or more a cell is a patch of colour; 16 are too few for
/// that and lend theirs to shades; without any, digits count tenths of the scale.
class CellPen {
 public:
  CellPen(const ColorScale& scale, TerminalColors colors) : scale_(scale), colors_(colors) {}

  [[nodiscard]] bool patches() const { return colors_ >= TerminalColors::ansi256; }

  /// A place on the scale (0 to 1), `width` (1 or 2) columns wide.
  [[nodiscard]] std::string at(double place, std::size_t width) const {
    if (patches()) return background(scale_.color_at(place), colors_) + std::string(width, ' ') + kReset;
    if (colors_ == TerminalColors::none) {
      const int tenth = std::min(9, static_cast<int>(place * 10));
      return std::to_string(tenth) + std::string(width - 1, ' ');
    }
    constexpr std::array kShades = {"·", "░", "▒", "▓", "█"};
    const auto shade = std::min<std::size_t>(kShades.size() - 1, static_cast<std::size_t>(place * 5));
    // The map's strong end may be as dark as the terminal: its hue is clearest before that.
    const int color = nearest_of_16(scale_.color_at(0.7));
    std::string text = "\x1b[" + std::to_string(color < 8 ? 30 + color : 82 + color) + "m" + kShades[shade];
    if (width == 2) text += shade == 0 ? " " : kShades[shade];
    return text;
  }

  /// What is no finite number, in a colour of its own where there are enough.
  [[nodiscard]] std::string not_finite(std::size_t width) const {
    const std::string text = "?" + std::string(width - 1, ' ');
    if (patches()) return background(kNotFinite, colors_) + text + kReset;
    return end() + text;
  }

  [[nodiscard]] std::string cell(const Grid& grid, std::size_t row, std::size_t column,
                                 std::size_t width) const {
    const std::size_t index = row * grid.columns + column;
    if (grid.shown[index] && !std::isfinite(grid.weights[index])) return not_finite(width);
    if (grid.shown[index]) return at(scale_.position(grid.weights[index]), width);
    return end() + std::string(width, ' ');
  }

  /// Two rows' cells in one character: its upper half in the foreground's colour.
  [[nodiscard]] std::string halves(const Grid& grid, std::size_t row, std::size_t column) const {
    const auto drawn = [&](std::size_t r) { return r < grid.rows && grid.shown[r * grid.columns + column]; };
    const auto color = [&](std::size_t r) { return scale_.color(grid.weights[r * grid.columns + column]); };
    if (drawn(row) && drawn(row + 1)) {
      return foreground(color(row), colors_) + background(color(row + 1), colors_) + "▀";
    }
    if (drawn(row)) return end() + foreground(color(row), colors_) + "▀";
    return end() + (drawn(row + 1) ? foreground(color(row + 1), colors_) + "▄" : " ");
  }

  [[nodiscard]] std::string end() const { return colors_ == TerminalColors::none ? "" : kReset; }
  [[nodiscard]] std::string bold(const std::string& text) const {
    return colors_ == TerminalColors::none ? text : "\x1b[1m" + text + kReset;
  }

 private:
  const ColorScale& scale_;
  TerminalColors colors_;
};

/// The keys' labels under their columns, from top to bottom, one character a line.
std::string key_lines(std::span<const TokenLabel> keys, const Grid& grid, std::size_t indent,
                      std::size_t width) {
  constexpr std::size_t kMostLines = 8;
  std::vector<std::vector<std::string>> letters(grid.columns);  // each with the marks that belong to it
  std::size_t lines = 0;
  const std::size_t every = width == 1 ? 2 : 1;  // side by side they could not be told apart
  for (std::size_t column = 0; column < grid.columns; column += every) {
    const std::string label = visible(keys[column * grid.pooled].whole());
    for (std::size_t offset = 0; offset < label.size();) {
      const std::size_t start = offset;
      const std::size_t columns = columns_of(next_code_point(label, offset));
      const std::string letter = label.substr(start, offset - start);
      if (columns == 0) {
        if (!letters[column].empty()) letters[column].back() += letter;
      } else if (letters[column].size() == kMostLines) {
        letters[column].back() = "…";
        break;
      } else {
        letters[column].push_back(columns > width ? "·" : letter);
      }
    }
    lines = std::max(lines, letters[column].size());
  }
  std::string text;
  for (std::size_t line = 0; line < lines; ++line) {
    std::string row(indent, ' ');
    for (const std::vector<std::string>& label : letters) {
      const std::string letter = line < label.size() ? label[line] : "";
      row += letter + std::string(width - columns_of(letter), ' ');
    }
    row.erase(row.find_last_not_of(' ') + 1);
    text += row + "\n";
  }
  return text;
}

/// The scale, and what else must be known to read the map.
std::string legend(const ColorScale& scale, const CellPen& pen, const Grid& grid, const Heatmap& heatmap,
                   std::size_t columns) {
  constexpr std::size_t kSteps = 10;
  const std::string low = hundredths(scale.lower()) + " ",
                    high = std::string(" ").append(hundredths(scale.upper()));
  const std::size_t used = low.size() + kSteps + high.size();
  std::string text;
  if (used <= columns) {
    text += low;
    for (std::size_t i = 0; i < kSteps; ++i) text += pen.at((static_cast<double>(i) + 0.5) / kSteps, 1);
    const std::string blank = blank_cells(heatmap);
    const std::string name = "  " + heatmap.quantity + (blank.empty() ? "" : ", blank: " + blank);
    text += pen.end() + high + cut(name, columns - used) + "\n";
  } else {
    text += cut(low + "to" + high, columns) + "\n";
  }
  if (grid.pooled > 1) {
    const std::string side = std::to_string(grid.pooled);
    text += cut("each cell: strongest of " + side + " × " + side, columns) + "\n";
  }
  if (scale.not_finite() > 0) text += pen.not_finite(1) + pen.end() + cut(" not finite", columns - 1) + "\n";
  return text;
}

}  // namespace

TerminalColors terminal_colors(bool is_terminal) {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value ? value : "");
  };
  const std::string term = variable("TERM"), color_term = variable("COLORTERM");
  const auto term_says = [&term](const char* part) { return term.find(part) != std::string::npos; };
  if (!is_terminal || !variable("NO_COLOR").empty() || term.empty() || term == "dumb")
    return TerminalColors::none;
  if (color_term == "truecolor" || color_term == "24bit" || term_says("-direct"))
    return TerminalColors::truecolor;
  return term_says("256color") ? TerminalColors::ansi256 : TerminalColors::ansi16;
}

std::string to_terminal(const Heatmap& heatmap, const Look& look, TerminalColors colors,
                        std::size_t columns) {
  const ColorScale scale({&heatmap, 1}, look);
  const CellPen pen(scale, colors);

  // Labels take at most a third; then two columns a cell, one where two rows share a line, or pooled cells.
  std::size_t label_width = 0;
  for (const TokenLabel& label : heatmap.queries)
    label_width = std::max(label_width, columns_of(visible(label.whole())));
  label_width = std::min({label_width, columns / 3, std::size_t{24}});
  const std::size_t indent = label_width + 1;
  const std::size_t room = std::max<std::size_t>(columns - std::min(columns, indent), 1);
  const std::size_t width = heatmap.weights.columns * 2 <= room ? 2 : 1;
  const Grid grid(heatmap, (heatmap.weights.columns + room - 1) / room);
  const bool halves = width == 1 && pen.patches();

  std::string text;
  const std::string title = visible(look.title.value_or(heatmap.title));
  if (!title.empty()) text += pen.bold(cut(title, columns)) + "\n";
  if (!heatmap.subtitle.empty()) text += cut(visible(heatmap.subtitle), columns) + "\n";
  for (std::size_t row = 0; row < grid.rows; row += halves ? 2 : 1) {
    text +=
        right_aligned(cut(visible(heatmap.queries[row * grid.pooled].whole()), label_width), label_width) +
        " ";
    for (std::size_t column = 0; column < grid.columns; ++column) {
      text += halves ? pen.halves(grid, row, column) : pen.cell(grid, row, column, width);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    text += pen.end() + "\n";
  }
  text += key_lines(heatmap.keys, grid, indent, width);
  text += legend(scale, pen, grid, heatmap, columns);
  for (const std::string& note : heatmap.notes) text += cut(visible(note), columns) + "\n";
  return text;
}

}  // namespace attnviz
