#include <algorithm>
#include <charconv>
#include <cmath>

#include "check/causes.h"
#include "check/names.h"
#include "check/steps.h"
#include "check/tolerance.h"

namespace attnviz {
namespace {

constexpr std::size_t kMostDetails = 10;

/// A number that changed: a map's cell, or one that has a name of its own.
struct Change {
  double expected, actual;
  std::size_t map = 0, row = 0, column = 0;
  std::string name{};  ///< empty for a cell

  [[nodiscard]] double size() const {
    const double size = std::abs(actual - expected);
    return std::isnan(size) ? std::numeric_limits<double>::infinity() : size;
  }
};

/// Both versions' maps and their names.
struct Maps {
  std::vector<Heatmap> expected, actual;
  std::vector<std::string> names;

  Maps(const Record& before, const Record& after)
      : expected(maps_of(before.drawn)), actual(maps_of(after.drawn)), names(map_names(before)) {}

  [[nodiscard]] std::string name_of(const Change& change) const {
    if (!change.name.empty()) return change.name;
    const Heatmap& map = expected[change.map];
    return names[change.map] + " " + query_name(map, change.row) + " → " + key_name(map, change.column);
  }
};

void add_cells(const Maps& maps, const CheckOptions& options, std::vector<Change>& changes) {
  for (std::size_t i = 0; i < maps.expected.size(); ++i) {
    const MatrixView &before = maps.expected[i].weights, &after = maps.actual[i].weights;
    for (std::size_t cell = 0; cell < before.values.size(); ++cell) {
      if (agree(before.values[cell], after.values[cell], options)) continue;
      changes.push_back(
          {before.values[cell], after.values[cell], i, cell / before.columns, cell % before.columns});
    }
  }
}

void add_number(const std::string& name, double before, double after, const CheckOptions& options,
                std::vector<Change>& changes) {
  if (!agree(before, after, options)) changes.push_back({before, after, 0, 0, 0, name});
}

void add_summary(const Summary& before, const Summary& after, const CheckOptions& options,
                 std::vector<Change>& changes) {
  add_number("uniform entropy", before.uniform_entropy, after.uniform_entropy, options, changes);
  for (std::size_t i = 0; i < std::min(before.layers.size(), after.layers.size()); ++i) {
    const std::string layer = "layer " + std::to_string(before.layers[i].layer);
    add_number(layer + " mean weight", before.layers[i].mean_weight, after.layers[i].mean_weight, options,
               changes);
    add_number(layer + " entropy", before.layers[i].entropy, after.layers[i].entropy, options, changes);
  }
  for (std::size_t key = 0; key < std::min(before.received.size(), after.received.size()); ++key) {
    add_number("received by " + key_name(before.mean, key), before.received[key], after.received[key],
               options, changes);
  }
}

/// A fact's value, taken apart: what is no number, and the numbers with what their last digit is worth.
struct Fact {
  std::string words;
  std::vector<std::pair<double, double>> numbers;

  explicit Fact(const std::string& value) {
    constexpr std::string_view kDigits = "0123456789";
    for (std::size_t at = 0; at < value.size();) {
      if (kDigits.find(value[at]) == std::string_view::npos) {
        words += value[at++];
        continue;
      }
      double number = 0;
      const char* const begin = value.data() + at;
      const char* const end = std::from_chars(begin, value.data() + value.size(), number).ptr;
      const std::string_view text(begin, static_cast<std::size_t>(end - begin));
      const std::size_t point = text.find('.');
      const auto decimals =
          static_cast<double>(point == std::string_view::npos ? 0 : text.size() - point - 1);
      numbers.emplace_back(number, decimals > 0 ? std::pow(10, -decimals) : 0);
      words += '#';
      at += text.size();
    }
  }

  /// Rounded numbers may differ by one in their last digit.
  [[nodiscard]] bool agrees(const Fact& other, const CheckOptions& options) const {
    if (words != other.words || numbers.size() != other.numbers.size()) return false;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      CheckOptions rounded = options;
      *rounded.atol += numbers[i].second * 1.001;
      if (numbers[i].second == 0 ? numbers[i].first != other.numbers[i].first
                                 : !agree(numbers[i].first, other.numbers[i].first, rounded)) {
        return false;
      }
    }
    return true;
  }
};

std::vector<std::string> facts_that_differ(const Record& expected, const Record& actual,
                                           const CheckOptions& options) {
  const auto* const before = std::get_if<Comparison>(&expected.drawn);
  const auto* const after = std::get_if<Comparison>(&actual.drawn);
  std::vector<std::string> found;
  if (!before || !after) return found;
  for (std::size_t side = 0; side < 2; ++side) {
    const auto &facts = before->sides[side].facts, &others = after->sides[side].facts;
    const std::string where = side == 0 ? "first side, " : "second side, ";
    if (facts.size() != others.size())
      found.push_back(where + "facts: " + std::to_string(facts.size()) + " → " +
                      std::to_string(others.size()));
    for (std::size_t i = 0; i < std::min(facts.size(), others.size()); ++i) {
      if (facts[i].first != others[i].first) found.push_back(where + change(facts[i].first, others[i].first));
      if (!Fact(facts[i].second).agrees(Fact(others[i].second), options))
        found.push_back(where + facts[i].first + ": " + change(facts[i].second, others[i].second));
    }
  }
  return found;
}

std::size_t strongest(const MatrixView& weights, std::size_t row) {
  const auto begin = weights.values.begin() + static_cast<std::ptrdiff_t>(row * weights.columns);
  const auto size = static_cast<std::ptrdiff_t>(weights.columns);
  return static_cast<std::size_t>(
      std::max_element(begin, begin + size,
                       [](float a, float b) { return !std::isnan(b) && !(std::abs(a) >= std::abs(b)); }) -
      begin);
}

/// Rows that attend most to another key than before, and not by a hair.
std::vector<std::string> rows_with_another_strongest(const Maps& maps, const CheckOptions& options) {
  std::vector<std::string> found;
  for (std::size_t i = 0; i < maps.expected.size(); ++i) {
    const Heatmap &before = maps.expected[i], &after = maps.actual[i];
    for (std::size_t row = 0; row < before.weights.rows(); ++row) {
      const std::size_t was = strongest(before.weights, row), is = strongest(after.weights, row);
      const bool tie = agree(before.weights(row, was), before.weights(row, is), options) &&
                       agree(after.weights(row, was), after.weights(row, is), options);
      if (was == is || tie) continue;
      found.push_back(maps.names[i] + " row " + query_name(before, row) + ": strongest key " +
                      key_name(before, was) + " → " + key_name(after, is));
    }
  }
  return found;
}

void append_first(std::vector<std::string>& details, const std::vector<std::string>& lines) {
  const std::size_t shown = std::min(lines.size(), kMostDetails);
  details.insert(details.end(), lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(shown));
  if (shown < lines.size()) details.push_back("and " + counted(lines.size() - shown, "row") + " more");
}

/// A view's query or key vectors.
struct Vectors {
  std::string which;
  std::span<const float> before, after;
  std::span<const TokenLabel> tokens;
  std::size_t head_size;
  std::span<const std::string> names;  ///< of their layers and heads
};

/// A number agrees within the tolerances of the largest of its layer and head.
void add_vectors(const Vectors& vectors, const CheckOptions& options, std::vector<Change>& changes) {
  const auto& [which, before, after, tokens, head_size, names] = vectors;
  const std::size_t size = tokens.size() * head_size;
  for (std::size_t begin = 0; begin < before.size(); begin += size) {
    double scale = 1;
    for (const float number : before.subspan(begin, size))
      if (std::isfinite(number)) scale = std::max<double>(scale, std::abs(number));
    for (std::size_t i = begin; i < begin + size; ++i) {
      const CheckOptions of_the_largest{.atol = (*options.atol + options.rtol) * scale, .rtol = 0};
      if (agree(before[i], after[i], of_the_largest)) continue;
      const std::size_t token = (i - begin) / head_size;
      const std::string name = names[begin / size] + " " + which + " of " + cited(tokens[token].whole()) +
                               "(" + std::to_string(token) + ")[" + std::to_string(i % head_size) + "]";
      changes.push_back({before[i], after[i], 0, 0, 0, name});
    }
  }
}

/// `names` are those of its maps and of its others', in their order.
void add_view(const View& before, const View& after, std::span<const std::string> names,
              const CheckOptions& options, std::vector<Change>& changes) {
  const std::size_t maps = before.layers.size() * before.heads.size();
  if (before.query.size() != after.query.size()) {
    changes.push_back({static_cast<double>(before.query.size()), static_cast<double>(after.query.size()), 0,
                       0, 0, "query and key vectors"});
  } else {
    const std::span<const std::string> own = names.first(maps);
    add_vectors({"query", before.query, after.query, before.tokens, before.head_size, own}, options, changes);
    add_vectors({"key", before.key, after.key, before.key_tokens(), before.head_size, own}, options, changes);
  }
  for (std::size_t i = 0, begin = maps; i < std::min(before.others.size(), after.others.size()); ++i) {
    add_view(before.others[i], after.others[i], names.subspan(begin), options, changes);
    begin += before.others[i].layers.size() * before.others[i].heads.size();
  }
}

/// "12 of 289 numbers differ, in 1 of 4 maps".
std::string headline(const Maps& maps, const std::vector<Change>& changes) {
  std::size_t cells = 0, numbers = 0;
  std::vector<bool> touched(maps.expected.size());
  for (const Heatmap& map : maps.expected) cells += map.weights.values.size();
  for (const Change& change : changes) {
    numbers += !change.name.empty();
    if (change.name.empty()) touched[change.map] = true;
  }
  const auto maps_touched = static_cast<std::size_t>(std::count(touched.begin(), touched.end(), true));
  std::string line;
  if (changes.size() > numbers) {
    line = std::to_string(changes.size() - numbers) + " of " + counted(cells, "cell") + " changed";
    if (touched.size() > 1)
      line += ", in " + std::to_string(maps_touched) + " of " + counted(touched.size(), "map");
  }
  if (numbers > 0)
    line +=
        (line.empty() ? "" : ", and ") + counted(numbers, "other number") + (line.empty() ? " changed" : "");
  return line;
}

/// "“toxic”: 0.98 → 0.91", of the labels that either predicts.
std::vector<std::string> predictions_that_differ(const Record& expected, const Record& actual,
                                                 const CheckOptions& options) {
  std::vector<std::string> differing;
  const auto value_of = [](const std::vector<RecordedPrediction>& predicted, const std::string& label) {
    const auto found = std::find_if(predicted.begin(), predicted.end(),
                                    [&](const RecordedPrediction& one) { return one.label == label; });
    return found == predicted.end() ? std::nullopt : std::optional(found->value);
  };
  for (std::size_t i = 0; i < std::min(expected.texts.size(), actual.texts.size()); ++i) {
    const std::vector<RecordedPrediction>&before = expected.texts[i].predicted,
          &after = actual.texts[i].predicted;
    for (const auto& [label, value] : before) {
      const std::optional<double> other = value_of(after, label);
      // What falls out of the list is no more probable than its last.
      if (!other && (after.empty() || !agree(value, after.back().value, options)))
        differing.push_back(cited(label) + ": no longer among what is predicted");
      if (other && !agree(value, *other, options))
        differing.push_back(cited(label) + ": " + change(value, *other));
    }
    for (const auto& [label, value] : after) {
      if (!value_of(before, label) && (before.empty() || !agree(before.back().value, value, options)))
        differing.push_back(cited(label) + ": not predicted before");
    }
  }
  return differing;
}

}  // namespace

Findings check_numbers(const Record& expected, const Record& actual, const CheckOptions& options) {
  const Maps maps(expected, actual);
  std::vector<Change> changes;
  add_cells(maps, options, changes);
  const auto* const before = std::get_if<Summary>(&expected.drawn);
  const auto* const after = std::get_if<Summary>(&actual.drawn);
  if (before && after) add_summary(*before, *after, options, changes);
  const auto* const view = std::get_if<View>(&expected.drawn);
  const auto* const other_view = std::get_if<View>(&actual.drawn);
  if (view && other_view) add_view(*view, *other_view, maps.names, options, changes);

  Findings findings;
  if (!changes.empty()) {
    const std::string line = headline(maps, changes);
    const std::size_t worst = std::min(changes.size(), kMostDetails);
    std::partial_sort(changes.begin(), changes.begin() + static_cast<std::ptrdiff_t>(worst), changes.end(),
                      [](const Change& a, const Change& b) { return a.size() > b.size(); });
    CheckFinding finding{CheckStep::numbers, line, causes(expected, actual, options)};
    for (std::size_t i = 0; i < worst; ++i)
      finding.details.push_back(maps.name_of(changes[i]) + ": " +
                                change(changes[i].expected, changes[i].actual));
    append_first(finding.details, rows_with_another_strongest(maps, options));
    findings.push_back(std::move(finding));
  }
  const std::vector<std::string> predictions = predictions_that_differ(expected, actual, options);
  if (!predictions.empty()) findings.push_back({CheckStep::numbers, "predictions changed", predictions});
  const std::vector<std::string> facts = facts_that_differ(expected, actual, options);
  if (!facts.empty()) findings.push_back({CheckStep::numbers, "facts changed", facts});
  return findings;
}

std::vector<DifferingMap> differing_maps(const Record& expected, const Record& actual,
                                         const CheckOptions& options) {
  constexpr std::size_t kMost = 12;
  const Maps maps(expected, actual);
  std::vector<DifferingMap> found;
  for (std::size_t i = 0; i < maps.expected.size() && found.size() < kMost; ++i) {
    const Heatmap &before = maps.expected[i], &after = maps.actual[i];
    if (maps_agree(before.weights, after.weights, options)) continue;
    found.push_back({.title = maps.names[i],
                     .expected = {before.weights.values.begin(), before.weights.values.end()},
                     .actual = {after.weights.values.begin(), after.weights.values.end()},
                     .queries = {before.queries.begin(), before.queries.end()},
                     .keys = {before.keys.begin(), before.keys.end()},
                     .causal = before.causal,
                     .cross = before.cross,
                     .is_signed = before.is_signed,
                     .rows_are_layers = before.rows_are_layers});
  }
  return found;
}

}  // namespace attnviz
