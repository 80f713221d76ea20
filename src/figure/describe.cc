#include "figure/describe.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <vector>

#include "figure/number.h"
#include "figure/panel.h"
#include "figure/ticks.h"
#include "figure/view.h"

namespace attnviz {
namespace {

struct Link {
  std::size_t query, key;
  float weight;
};

/// Where a token's weight on itself is passed over, as the least telling.
bool has_diagonal(const Heatmap& heatmap) {
  return !heatmap.rows_are_layers && !heatmap.is_signed && !heatmap.cross;
}

/// The `count` strongest links, strongest first; off the diagonal where there is one, and of a difference
/// the farthest from 0.
std::vector<Link> strongest_links(const Heatmap& heatmap, std::size_t count) {
  const MatrixView& weights = heatmap.weights;
  const bool all = !has_diagonal(heatmap);
  std::vector<Link> links;
  for (std::size_t row = 0; row < weights.rows(); ++row) {
    for (std::size_t column = 0; column < weights.columns; ++column) {
      if ((all || row != column) && weights(row, column) != 0 && std::isfinite(weights(row, column)))
        links.push_back({row, column, weights(row, column)});
    }
  }
  const auto end = links.begin() + static_cast<std::ptrdiff_t>(std::min(count, links.size()));
  std::partial_sort(links.begin(), end, links.end(), [](const Link& a, const Link& b) {
    const float first = std::abs(a.weight), second = std::abs(b.weight);
    return first != second ? first > second : a.query != b.query ? a.query < b.query : a.key < b.key;
  });
  links.erase(end, links.end());
  return links;
}

std::string quoted(const TokenLabel& label, std::size_t position) {
  return "“" + visible(label.whole()) + "” (" + std::to_string(position) + ")";
}

/// What shares are of.
std::string total_of(const std::string& quantity) {
  return quantity == kNorms ? "the sum of all norms" : "all weight";
}

std::string most_received(const Heatmap& heatmap) {
  const MatrixView& weights = heatmap.weights;
  std::vector<double> received(weights.columns, 0);
  double total = 0;
  for (std::size_t row = 0; row < weights.rows(); ++row) {
    for (std::size_t column = 0; column < weights.columns; ++column) {
      received[column] += weights(row, column);
      total += weights(row, column);
    }
  }
  const auto most =
      static_cast<std::size_t>(std::max_element(received.begin(), received.end()) - received.begin());
  if (!(total > 0) || !std::isfinite(total)) return {};
  return " The key that receives most is " + quoted(heatmap.keys[most], heatmap.key_token(most)) + ", with " +
         fixed(100 * received[most] / total, 0) + " % of " + total_of(heatmap.quantity) + ".";
}

std::string most_concentrated(const Heatmap& heatmap) {
  const MatrixView& weights = heatmap.weights;
  // The first row of a causal map has one key only: that it concentrates says nothing.
  const std::size_t first = heatmap.causal && weights.rows() > 1 ? 1 : 0;
  std::size_t most = first, key = 0;
  float peak = -1;
  for (std::size_t row = first; row < weights.rows(); ++row) {
    for (std::size_t column = 0; column < weights.columns; ++column) {
      if (std::isfinite(weights(row, column)) && weights(row, column) > peak) {
        peak = weights(row, column);
        most = row;
        key = column;
      }
    }
  }
  if (peak < 0) return {};  // nothing is finite
  return " The most concentrated row is " + quoted(heatmap.queries[most], heatmap.query_token(most)) +
         ", with " + fixed(peak, decimals_of(heatmap)) + " on " +
         quoted(heatmap.keys[key], heatmap.key_token(key)) + ".";
}

/// "“bank” (2) to “river” (14) 0.45", and so on.
std::string links_of(const Heatmap& heatmap, std::size_t count) {
  std::string links;
  for (const Link& link : strongest_links(heatmap, count)) {
    const int decimals = decimals_of(heatmap);
    const std::string weight =
        heatmap.is_signed ? signed_fixed(link.weight, decimals) : fixed(link.weight, decimals);
    const TokenLabel& query = heatmap.queries[link.query];
    links += (links.empty() ? "" : ", ") +
             (heatmap.rows_are_layers ? visible(query.text) : quoted(query, heatmap.query_token(link.query))) +
             " to " + quoted(heatmap.keys[link.key], heatmap.key_token(link.key)) + " " + weight;
  }
  return links;
}

/// " Text: The cat sat."
std::string text_sentence(const std::string& text) {
  if (text.empty()) return {};
  const bool ends = std::string_view(".!?").find(text.back()) != std::string_view::npos;
  return " Text: " + visible(text) + (ends ? "" : ".");
}

std::string note_sentences(const std::vector<std::string>& notes) {
  std::string sentences;
  for (const std::string& note : notes) sentences += " Note: " + visible(note) + ".";
  return sentences;
}

std::string colors_sentence(const ColorScale& scale) {
  const int decimals = scale.upper() > 0 ? std::max(2, decimals_of(scale.upper()) - 1) : 2;
  const std::size_t bad = scale.not_finite();
  return ", colours from " + minus_signed(fixed(scale.lower(), decimals)) + " to " +
         fixed(scale.upper(), decimals) + "." +
         (bad == 0   ? ""
          : bad == 1 ? " 1 number is not finite: nan or infinity."
                     : " " + std::to_string(bad) + " numbers are not finite: nan or infinity.");
}

/// "3 queries (rows, attending from) by 3 keys (columns, attending to)"
std::string extent_of(const Heatmap& heatmap) {
  const std::string of = heatmap.pooling.by > 1 ? " groups of " + std::to_string(heatmap.pooling.by) : "";
  const std::string rows = heatmap.rows_are_layers ? " layers (rows)"
                           : heatmap.cross         ? " target tokens (rows, attending from)"
                                                   : " queries (rows, attending from)";
  return std::to_string(heatmap.weights.rows()) + of + rows + " by " +
         std::to_string(heatmap.weights.columns) + of +
         (heatmap.cross ? " source tokens (columns, attending to)" : " keys (columns, attending to)");
}

/// What the numbers are, within a sentence.
std::string quantity_of(const Heatmap& heatmap) {
  if (heatmap.quantity == Heatmap{}.quantity) return "attention weights";
  if (heatmap.quantity == kNorms) return "norms of weighted vectors ‖αf(x)‖";
  std::string name = heatmap.quantity;
  for (char& letter : name) letter = letter >= 'A' && letter <= 'Z' ? char(letter - 'A' + 'a') : letter;
  return name;
}

constexpr char kMasked[] = " A token attends only to itself and to earlier ones; the rest is masked.";

/// " Entropy is lowest in layer 2 (1.07 nats) and highest in layer 1 (1.88 nats)", without a full stop.
std::string extremes_by_layer(const std::string& name, const std::vector<LayerMetrics>& layers,
                              double LayerMetrics::*number,
                              const std::function<std::string(double)>& written) {
  const std::string lead = " " + name + " is ";
  std::vector<LayerMetrics> finite;
  std::string others;
  for (const LayerMetrics& layer : layers) {
    if (std::isfinite(layer.*number)) {
      finite.push_back(layer);
    } else {
      others += (others.empty() ? ", and not finite in layer " : ", ") + std::to_string(layer.layer);
    }
  }
  if (finite.empty()) return lead + "not finite in any layer";
  const auto less = [&](const LayerMetrics& a, const LayerMetrics& b) { return a.*number < b.*number; };
  const auto [low, high] = std::minmax_element(finite.begin(), finite.end(), less);
  const std::string lowest = written((*low).*number), highest = written((*high).*number);
  if (finite.size() == 1) return lead + lowest + " in layer " + std::to_string(low->layer) + others;
  if (lowest == highest)
    return lead + lowest + (others.empty() ? " in every layer" : " in all others") + others;
  return lead + "lowest in layer " + std::to_string(low->layer) + " (" + lowest + ") and highest in layer " +
         std::to_string(high->layer) + " (" + highest + ")" + others;
}

}  // namespace

std::string description(const Heatmap& heatmap, const ColorScale& scale) {
  const bool weights = heatmap.quantity == Heatmap{}.quantity || heatmap.quantity == kNorms;
  std::string text = "Heatmap of " + (weights ? quantity_of(heatmap) : heatmap.quantity);
  if (!heatmap.title.empty()) text += ", " + visible(heatmap.title);
  text += ": " + extent_of(heatmap) + colors_sentence(scale);
  if (heatmap.causal) text += kMasked;
  text += text_sentence(heatmap.subtitle);
  const std::string links = links_of(heatmap, 3);
  const char* const lead = heatmap.is_signed       ? " Largest differences: "
                           : has_diagonal(heatmap) ? " Strongest links off the diagonal: "
                                                   : " Strongest weights: ";
  if (!links.empty()) text += lead + links + ".";
  if (!heatmap.is_signed && !heatmap.rows_are_layers && heatmap.pooling.by == 1)
    text += most_received(heatmap) + most_concentrated(heatmap);
  if (heatmap.zoom) text += " Larger beside it: " + zoomed(heatmap).title + ".";
  return text + note_sentences(heatmap.notes);
}

std::string description(const HeatmapGrid& grid, const ColorScale& scale) {
  const Heatmap& first = grid.panels.front();
  std::string text = "Grid of " + std::to_string(grid.panels.size()) + " heatmaps of " + quantity_of(first);
  if (!grid.title.empty()) text += ", " + visible(grid.title);
  text += ": each " + extent_of(first) + ", one scale" + colors_sentence(scale);
  if (first.causal) text += kMasked;
  text += text_sentence(grid.subtitle);

  constexpr std::size_t kMostPanels = 12;
  std::vector<std::pair<float, const Heatmap*>> strongest;
  for (const Heatmap& map : grid.panels) {
    const std::vector<Link> links = strongest_links(map, 1);
    if (!links.empty()) strongest.emplace_back(links.front().weight, &map);
  }
  const bool all = strongest.size() <= kMostPanels;
  if (!all) {
    std::stable_sort(strongest.begin(), strongest.end(),
                     [](const auto& a, const auto& b) { return a.first > b.first; });
    strongest.resize(kMostPanels);
  }
  const std::string where = has_diagonal(first) ? " off the diagonal" : "";
  if (!strongest.empty())
    text += all ? " Strongest link" + where + " of each:" : " The strongest links" + where + ":";
  for (const auto& [weight, map] : strongest) {
    text +=
        " " + visible(map->title) + ": " + links_of(*map, 1) + (map == strongest.back().second ? "." : ";");
  }
  return text + note_sentences(grid.notes);
}

std::string description(const Comparison& comparison, const ColorScale& scale) {
  std::string text = "Two heatmaps of " + quantity_of(comparison.sides[0].map) + " side by side";
  if (!comparison.title.empty()) text += ", " + visible(comparison.title);
  text += ", one scale" + colors_sentence(scale) + text_sentence(comparison.subtitle);
  for (const auto& [map, colors, facts] : comparison.sides) {
    text += " " + visible(map.title) + ":";
    for (const auto& [name, value] : facts) text += " " + name + " " + value + ";";
    const std::string links = links_of(map, 3);
    text += std::string(has_diagonal(map) ? " strongest links off the diagonal: " : " strongest links: ") +
            (links.empty() ? "none" : links) + "." + most_received(map);
  }
  return text + note_sentences(comparison.notes);
}

std::string description(const Summary& summary, const ColorScale& scale) {
  std::string text = "Summary of attention";
  if (!summary.mean.title.empty()) text += ", " + visible(summary.mean.title);
  const std::size_t count = summary.layers.size();
  text += ": " + std::to_string(count) + (count == 1 ? " layer." : " layers.");
  double largest = 1e-6;
  for (const LayerMetrics& layer : summary.layers) largest = std::max(largest, layer.mean_weight);
  const auto weight = [&](double value) { return fixed(value, decimals_of(largest)); };
  const auto nats = [](double value) { return fixed(std::max(value, 0.0), 2) + " nats"; };
  text += extremes_by_layer("Mean weight", summary.layers, &LayerMetrics::mean_weight, weight) + ".";
  text += extremes_by_layer("Entropy", summary.layers, &LayerMetrics::entropy, nats) +
          "; evenly spread attention would have " + nats(summary.uniform_entropy) + ". ";
  Heatmap mean = summary.mean;
  mean.title = "mean over all layers and heads";
  return text + description(mean, scale);
}

namespace {

std::string query_of(const View& view, std::size_t token) { return quoted(view.tokens[token], token); }
std::string key_of(const View& view, std::size_t token) { return quoted(view.key_tokens()[token], token); }

/// " Strongest lines between different tokens: head 3 “bank” (2) to “river” (14) 0.45, …"
std::string strongest_lines(const View& view, const SightLines& sight) {
  constexpr std::size_t kMost = 5;
  std::string text;
  std::size_t count = 0;
  for (auto line = sight.lines.rbegin(); line != sight.lines.rend() && count < kMost; ++line) {
    if (line->query == line->key && !view.is_cross()) continue;
    const char* const lead =
        view.is_cross() ? " Strongest lines: " : " Strongest lines between different tokens: ";
    text += ++count == 1 ? lead : ", ";
    if (view.kind == View::Kind::model) text += "layer " + std::to_string(line->layer) + " ";
    text += "head " + std::to_string(line->head) + " " + query_of(view, line->query) + " to " +
            key_of(view, line->key) + " " + fixed(line->weight, decimals_of(view, sight));
  }
  return text.empty() ? "" : text + ".";
}

/// The key that receives most of the lines' weight, and the row of the strongest line.
std::string where_lines_concentrate(const View& view, const SightLines& sight) {
  if (sight.lines.empty()) return " No line is drawn.";
  std::vector<double> received(view.key_tokens().size(), 0);
  double total = 0;
  for (const ViewLine& line : sight.lines) {
    received[line.key] += line.weight;
    total += line.weight;
  }
  const auto most =
      static_cast<std::size_t>(std::max_element(received.begin(), received.end()) - received.begin());
  const ViewLine& peak = sight.lines.back();
  std::string text;
  if (!(view.token && view.token_is_key)) {
    text = " The key that receives most is " + key_of(view, most) + ", with " +
           fixed(100 * received[most] / total, 0) + " % of " + total_of(view.quantity) + " drawn.";
  }
  return text + " The most concentrated row is " + query_of(view, peak.query) + " in " +
         (view.kind == View::Kind::model ? "layer " + std::to_string(peak.layer) + " " : "") + "head " +
         std::to_string(peak.head) + ", with " + fixed(peak.weight, decimals_of(view, sight)) + " on " +
         key_of(view, peak.key) + ".";
}

std::string lines_description(const View& view, const SightLines& sight, const ColorScale& scale) {
  const auto count = [](View::Range range) { return std::to_string(range.end - range.begin); };
  std::string text = "Lines of " + quantity_of({.weights = {}, .quantity = view.quantity});
  text +=
      view.kind == View::Kind::model ? " in every layer (rows) and head (columns), " : ", a colour a head, ";
  const bool cross = view.is_cross();
  text += title_of(view) + ": from " + count(view.queries()) + (cross ? " target tokens" : " queries") +
          " (left, attending from) to " + count(view.keys()) + (cross ? " source tokens" : " keys") +
          " (right, attending to)" + colors_sentence(scale);
  if (view.causal) text += kMasked;
  return text + text_sentence(view.subtitle) + strongest_lines(view, sight) +
         where_lines_concentrate(view, sight);
}

std::string neuron_description(const View& view) {
  const std::vector<double> dots = dot_products(view);
  const auto [begin, end] = keys_seen(view);
  const MatrixView weights = view.at(view.layer, view.shown_heads.front());
  std::size_t largest = begin;
  for (std::size_t key = begin; key < end; ++key) {
    const float weight = weights(*view.token, key), most = weights(*view.token, largest);
    if (weight > most || !std::isfinite(most)) largest = key;
  }
  const auto by_dot = static_cast<std::size_t>(std::max_element(dots.begin(), dots.end()) - dots.begin());
  const std::string size = std::to_string(view.head_size);
  std::string text = "How a query's and the keys' vectors of " + size + " numbers make attention weights, " +
                     title_of(view) + ": the query, the keys of " + std::to_string(dots.size()) +
                     " tokens, their products, " + scaled_dots(view, "the dot products", " over ") +
                     ", and their softmax.";
  if (view.causal) text += kMasked;
  return text + text_sentence(view.subtitle) + " The largest weight is " +
         fixed(weights(*view.token, largest), 2) + ", on " + key_of(view, largest) +
         "; the largest dot product is " + signed_fixed(dots[by_dot], 2) + ", with " +
         key_of(view, begin + by_dot) + ".";
}

/// " Its record holds t5 · Encoder and t5 · Decoder, too."
std::string others_sentence(const View& view) {
  std::string names;
  for (const View& other : view.others) names += (names.empty() ? "" : " and ") + visible(other.title);
  return names.empty() ? "" : " Its record holds " + names + ", too.";
}

}  // namespace

std::string description(const View& view, const SightLines& sight, const ColorScale& scale) {
  const bool neuron = view.kind == View::Kind::neuron;
  return (neuron ? neuron_description(view) : lines_description(view, sight, scale)) + others_sentence(view) +
         note_sentences(notes_of(view, sight));
}

}  // namespace attnviz
