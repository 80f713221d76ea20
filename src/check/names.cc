#include "check/names.h"

#include <charconv>
#include <cmath>

#include "attnviz/text.h"

namespace attnviz {
namespace {

constexpr std::string_view kDot = " · ";

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
}

/// "layer 7 head 3" of "Layer 7 · Head 3".
std::string in_words(std::string title) {
  replace_all(title, kDot, " ");
  for (const auto& [title_word, word] :
       {std::pair("Layer", "layer"), std::pair("Head", "head"), std::pair("Mean of", "mean of")}) {
    replace_all(title, title_word, word);
  }
  return title;
}

std::string digits(double value, int decimals) {
  if (std::isnan(value)) return "nan";  // whatever its sign bit
  char text[400];
  return {text, std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, decimals).ptr};
}

std::string shortest(double value) {
  if (std::isnan(value)) return "nan";
  char text[64];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

/// What a map's title does not say itself is said by the figure's.
std::string place_of(const std::string& figure, const std::string& map) {
  if (map.empty()) return figure;
  const bool whole = figure.empty() || map.find("Layer") != std::string::npos;
  return whole ? map : figure + std::string(kDot) + map;
}

}  // namespace

std::string counted(std::size_t count, std::string_view thing) {
  return std::to_string(count) + " " + std::string(thing) + (count == 1 ? "" : "s");
}

std::string cited(std::string_view text) { return "\"" + visible(text) + "\""; }

std::string key_name(const Heatmap& map, std::size_t column) {
  return cited(map.keys[column].whole()) + "(" + std::to_string(map.key_token(column)) + ")";
}

std::string query_name(const Heatmap& map, std::size_t row) {
  const std::string label = map.queries[row].whole();
  return map.rows_are_layers ? in_words(visible(label))
                             : cited(label) + "(" + std::to_string(map.query_token(row)) + ")";
}

std::string change(double expected, double actual) {
  constexpr int kFewest = 3, kMost = 9;
  for (int decimals = kFewest; decimals <= kMost; ++decimals) {
    const std::string before = digits(expected, decimals), after = digits(actual, decimals);
    if (before != after) return before + " → " + after;
  }
  return shortest(expected) + " → " + shortest(actual);
}

std::string change(std::string_view expected, std::string_view actual) {
  return cited(expected) + " → " + cited(actual);
}

std::string without_models(std::string title, const std::vector<RecordedText>& texts) {
  for (const RecordedText& text : texts) {
    const std::string name = visible(text.model);
    if (name.empty()) continue;
    if (title.starts_with(name + std::string(kDot))) title.erase(0, name.size() + kDot.size());
    // The titles of two sides name their models alone, or before "−" and behind it.
    if (title == name) title.clear();
    if (title.starts_with(name + " −")) title.replace(0, name.size(), "first");
    if (title.ends_with("− " + name)) title.replace(title.size() - name.size(), name.size(), "second");
  }
  return title;
}

std::vector<std::string> map_names(const Record& record) {
  const std::vector<Heatmap> maps = maps_of(record.drawn);
  std::string figure;
  bool sides = false;
  if (const auto* const grid = std::get_if<HeatmapGrid>(&record.drawn)) {
    figure = without_models(grid->title, record.texts);
  } else if (const auto* const comparison = std::get_if<Comparison>(&record.drawn)) {
    figure = without_models(comparison->title, record.texts);
    sides = true;
  }
  std::vector<std::string> names;
  for (std::size_t i = 0; i < maps.size(); ++i) {
    const std::string own = without_models(maps[i].title, record.texts);
    names.push_back(in_words(visible(place_of(figure, own))));
    if (sides) names.back() = (i == 0 ? "first side " : "second side ") + names.back();
  }
  return names;
}

}  // namespace attnviz
