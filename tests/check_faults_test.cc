// Seeded faults in figures of all kinds: each is found, at its step, and what it hit is named.
// ATTNVIZ_CHECK_FAULTS says how many to try; scripts/test tries some.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <limits>
#include <map>
#include <optional>

#include "attnviz/check.h"
#include "attnviz/file.h"
#include "attnviz/render.h"
#include "support/check_samples.h"
#include "support/support.h"

namespace attnviz::test {
namespace {

using Status = CheckResult::Status;

/// What has to come out.
struct Expected {
  CheckStep step;
  std::vector<std::string> named{};  ///< in the findings, each
  Status status = Status::different;
};

/// A figure, and a second version of it that a fault is made in.
struct Trial {
  std::mt19937 random;
  Sample sample, changed;
  std::filesystem::path baseline, figure;
  Alter alter{};                                     ///< of the figure that is written
  std::function<std::string(std::string)> damage{};  ///< of its bytes
  bool only_record = false;                          ///< what is drawn is the sample
  bool other_record = false;                         ///< the record is the sample's, whatever was drawn

  std::size_t below(std::size_t count) { return random() % count; }
  double between(double low, double high) {
    return low + (high - low) * static_cast<double>(random() % 10'000) / 10'000;
  }

  [[nodiscard]] bool causal() const { return maps_of(sample.record().drawn).front().causal; }
  [[nodiscard]] bool sums() const { return sample.kind != "max-flow"; }
  [[nodiscard]] std::size_t columns() const { return sample.keys[0].size(); }
  [[nodiscard]] std::size_t rows() const { return sample.queries[0].size(); }

  [[nodiscard]] std::string key(std::size_t i) const {
    return "\"" + sample.keys[0][i].whole() + "\"(" + std::to_string(i) + ")";
  }
  [[nodiscard]] std::string query(std::size_t i) const {
    if (sample.kind == "flow") return "layer " + std::to_string(i + 1);
    return "\"" + sample.queries[0][i].whole() + "\"(" + std::to_string(i) + ")";
  }
  float& cell(std::size_t map, std::size_t row, std::size_t column) {
    return changed.weights[map][row * columns() + column];
  }
  /// The mean map's column sums are what a summary says is received.
  void settle() {
    for (std::size_t i = 0; i < changed.received.size(); ++i) {
      changed.received[i] = 0;
      for (std::size_t row = 0; row < rows(); ++row) changed.received[i] += cell(0, row, i);
    }
  }
};

using Fault = std::function<std::optional<Expected>(Trial&)>;

// --- Numbers

std::optional<Expected> move_weight(Trial& trial) {
  const std::size_t map = trial.below(trial.sample.weights.size());
  const std::size_t row = trial.causal() ? 1 + trial.below(trial.rows() - 1) : trial.below(trial.rows());
  const std::size_t end = trial.causal() ? row + 1 : trial.columns();
  std::size_t from = 0;
  for (std::size_t i = 0; i < end; ++i) {
    if (trial.cell(map, row, i) > trial.cell(map, row, from)) from = i;
  }
  const std::size_t to = (from + 1 + trial.below(end - 1)) % end;
  const double most = std::min<double>(trial.cell(map, row, from), 1 - trial.cell(map, row, to));
  const auto moved = static_cast<float>(std::min(most, std::pow(10, trial.between(-2.6, 0))));
  trial.cell(map, row, from) -= moved;
  trial.cell(map, row, to) += moved;
  trial.settle();
  return Expected{CheckStep::numbers,
                  {trial.query(row) + " → " + trial.key(from), trial.query(row) + " → " + trial.key(to)}};
}

std::optional<Expected> add_to_cell(Trial& trial) {
  const std::size_t map = trial.below(trial.sample.weights.size()), row = trial.below(trial.rows());
  const std::size_t column =
      trial.causal() ? trial.below(std::min(row + 1, trial.columns())) : trial.below(trial.columns());
  float& cell = trial.cell(map, row, column);
  const double room = 1 - cell;
  if (room < 0.003) return std::nullopt;
  cell += static_cast<float>(std::min(room, std::pow(10, trial.between(-2.5, 0))));
  if (trial.sums()) return Expected{CheckStep::invariants, {"row " + trial.query(row)}};
  return Expected{CheckStep::numbers, {trial.query(row) + " → " + trial.key(column)}};
}

std::optional<Expected> break_number(Trial& trial) {
  const std::size_t map = trial.below(trial.sample.weights.size()), row = trial.below(trial.rows());
  const std::size_t column = trial.below(trial.columns());
  const float bad[] = {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), -1.4F,
                       1.7F};
  trial.cell(map, row, column) = bad[trial.below(4)];
  trial.only_record = true;  // no scale of colours holds it
  return Expected{CheckStep::invariants, {trial.query(row) + " → " + trial.key(column)}};
}

std::optional<Expected> look_ahead(Trial& trial) {
  if (!trial.causal()) return std::nullopt;
  const std::size_t row = trial.below(trial.rows() - 1),
                    column = row + 1 + trial.below(trial.columns() - row - 1);
  trial.cell(0, row, column) = static_cast<float>(trial.between(0.001, 0.5));
  return Expected{CheckStep::invariants, {trial.query(row) + " → " + trial.key(column)}};
}

std::optional<Expected> swap_rows(Trial& trial) {
  const std::size_t a = trial.below(trial.rows() - 1), b = a + 1 + trial.below(trial.rows() - a - 1);
  for (std::size_t i = 0; i < trial.columns(); ++i) std::swap(trial.cell(0, a, i), trial.cell(0, b, i));
  if (trial.causal()) return Expected{CheckStep::invariants, {trial.query(a) + " → " + trial.key(b)}};
  trial.settle();
  return Expected{CheckStep::numbers, {trial.query(a), trial.query(b), "swapped"}};
}

std::optional<Expected> swap_columns(Trial& trial) {
  const std::size_t a = trial.below(trial.columns() - 1), b = a + 1 + trial.below(trial.columns() - a - 1);
  for (std::size_t i = 0; i < trial.rows(); ++i) std::swap(trial.cell(0, i, a), trial.cell(0, i, b));
  if (trial.causal()) return Expected{CheckStep::invariants, {trial.query(a) + " → " + trial.key(b)}};
  trial.settle();
  return Expected{CheckStep::numbers, {"columns", trial.key(a), trial.key(b), "swapped"}};
}

std::optional<Expected> transpose(Trial& trial) {
  if (trial.rows() != trial.columns()) return std::nullopt;
  for (std::size_t row = 0; row < trial.rows(); ++row) {
    for (std::size_t column = 0; column < row; ++column)
      std::swap(trial.cell(0, row, column), trial.cell(0, column, row));
  }
  if (trial.sums() || trial.causal()) return Expected{CheckStep::invariants};
  return Expected{CheckStep::numbers, {"transposed"}};
}

std::optional<Expected> scale_all(Trial& trial) {
  for (float& weight : trial.changed.weights[0]) weight *= 0.9F;
  if (trial.sample.kind == "max-flow" || trial.sample.kind == "diff")
    return Expected{CheckStep::numbers, {"0.9 times"}};
  return Expected{CheckStep::invariants};
}

std::optional<Expected> swap_maps(Trial& trial) {
  const std::size_t count = trial.sample.weights.size();
  if (count < 2) return std::nullopt;
  const std::size_t a = trial.below(count - 1), b = a + 1 + trial.below(count - a - 1);
  std::swap(trial.changed.weights[a], trial.changed.weights[b]);
  if (trial.sample.kind == "grid")
    return Expected{
        CheckStep::numbers,
        {"layer 2 head " + std::to_string(a) + " and layer 2 head " + std::to_string(b) + " are swapped"}};
  return Expected{CheckStep::numbers, {"swapped"}};
}

std::optional<Expected> swap_layers(Trial& trial) {
  if (trial.sample.kind == "overview") {
    for (std::size_t i = 0; i < 3; ++i) std::swap(trial.changed.weights[i], trial.changed.weights[3 + i]);
    return Expected{CheckStep::numbers, {"Layer 1 and Layer 2 are swapped"}};
  }
  if (auto* const summary = std::get_if<Summary>(&trial.changed.prototype.drawn)) {
    const std::size_t a = trial.below(5);
    std::swap(summary->layers[a].entropy, summary->layers[a + 1].entropy);
    return Expected{
        CheckStep::numbers,
        {"layer " + std::to_string(a + 1) + " and layer " + std::to_string(a + 2) + " are swapped"}};
  }
  return std::nullopt;
}

std::optional<Expected> change_summary(Trial& trial) {
  auto* const summary = std::get_if<Summary>(&trial.changed.prototype.drawn);
  if (!summary) return std::nullopt;
  const std::size_t layer = trial.below(6), key = trial.below(trial.columns());
  switch (trial.below(3)) {
    case 0:
      summary->layers[layer].entropy += trial.between(0.01, 1);
      return Expected{CheckStep::numbers, {"layer " + std::to_string(layer + 1) + " entropy"}};
    case 1:
      summary->layers[layer].mean_weight += trial.between(0.002, 0.3);
      return Expected{CheckStep::numbers, {"layer " + std::to_string(layer + 1) + " mean weight"}};
    default:
      trial.changed.received[key] += trial.between(0.003, 2);
      return Expected{CheckStep::invariants, {trial.key(key)}};
  }
}

std::optional<Expected> change_fact(Trial& trial) {
  auto* const comparison = std::get_if<Comparison>(&trial.changed.prototype.drawn);
  if (!comparison) return std::nullopt;
  comparison->sides[trial.below(2)].facts[1].second = "1.47 nats (uniform 2.08)";
  return Expected{CheckStep::numbers, {"Entropy", "1.47"}};
}

// --- Request and tokens

std::optional<Expected> change_request(Trial& trial) {
  Record& record = trial.changed.prototype;
  switch (trial.below(5)) {
    case 0:
      trial.changed.texts[0].text = "Another sentence.";
      return Expected{CheckStep::request, {"Another sentence."}};
    case 1:
      trial.changed.texts[0].pair = "It sleeps.";
      return Expected{CheckStep::request, {"pair", "It sleeps."}};
    case 2:
      record.arguments[2] = "5";
      return Expected{CheckStep::request, {record.arguments[1], "5"}};
    case 3:
      if (auto* const map = std::get_if<Heatmap>(&record.drawn)) {
        map->title += " (other)";
      } else if (auto* const grid = std::get_if<HeatmapGrid>(&record.drawn)) {
        grid->title += " (other)";
      } else if (auto* const comparison = std::get_if<Comparison>(&record.drawn)) {
        comparison->title += " (other)";
      } else {
        std::get<Summary>(record.drawn).mean.title += " (other)";
      }
      return Expected{CheckStep::request, {"(other)"}};
    default:
      if (auto* const map = std::get_if<Heatmap>(&record.drawn)) {
        map->notes.emplace_back("sub-words merged");
      } else if (auto* const summary = std::get_if<Summary>(&record.drawn)) {
        summary->mean.notes.emplace_back("sub-words merged");
      } else {
        return std::nullopt;
      }
      return Expected{CheckStep::request, {"sub-words merged"}};
  }
}

std::optional<Expected> change_token(Trial& trial) {
  const std::size_t token = trial.below(trial.columns());
  RecordedText& text = trial.changed.texts[0];
  const std::string place = "token " + std::to_string(token);
  switch (trial.below(4)) {
    case 0:
      text.tokens[token] += "s";
      return Expected{CheckStep::tokens, {place, text.tokens[token]}};
    case 1:
      ++text.ids[token];
      return Expected{CheckStep::tokens, {place, std::to_string(text.ids[token])}};
    case 2:
      for (auto* const labels : {&trial.changed.keys, &trial.changed.queries}) {
        for (std::vector<TokenLabel>& list : *labels) std::rotate(list.begin(), list.begin() + 1, list.end());
      }
      return Expected{CheckStep::tokens, {"column 0", "[CLS]"}};
    default:
      text.tokens.pop_back();
      text.ids.pop_back();
      return Expected{CheckStep::tokens, {"none"}};
  }
}

// --- Pictures

Rectangle* rectangle(Figure& figure, std::size_t index) {
  for (Item& item : figure.items) {
    auto* const found = std::get_if<Rectangle>(&item);
    if (found && index-- == 0) return found;
  }
  return nullptr;
}

std::size_t cells_of_first(const Trial& trial) {
  const std::size_t n = trial.columns();
  return trial.causal() ? n * (n + 1) / 2 : trial.rows() * n;
}

std::optional<Expected> paint_cell(Trial& trial) {
  const std::size_t place = trial.below(cells_of_first(trial));
  trial.alter = [place](Figure& figure) {
    Color& fill = rectangle(figure, place)->fill;
    fill.red = static_cast<std::uint8_t>(fill.red < 128 ? fill.red + 9 : fill.red - 9);
  };
  std::size_t row = place / trial.columns(), column = place % trial.columns();
  if (trial.causal()) {
    row = 0;
    for (column = place; column > row; ++row) column -= row + 1;
  }
  return Expected{CheckStep::picture, {trial.query(row) + " → " + trial.key(column)}};
}

std::optional<Expected> shift_colors(Trial& trial) {
  const Look& look = trial.sample.prototype.look;
  ColorMap colors = look.colors;
  const bool turned = look.theme == Theme::dark && !colors.is_diverging() && colors(0).red > colors(1).red;
  if (turned) colors = colors.reversed();
  if (trial.sample.kind == "compare") return std::nullopt;
  const bool bar_too = trial.below(2) == 0;
  const std::size_t cells = cells_of_first(trial) * trial.sample.weights.size();
  trial.alter = [colors, bar_too, cells](Figure& figure) {
    for (std::size_t place = 0; Rectangle* const r = rectangle(figure, place); ++place) {
      if (!bar_too && place >= cells) return;
      for (int i = 0; i < 255; ++i) {
        if (colors((i + 0.5) / 256) != r->fill) continue;
        r->fill = colors((i + 1.5) / 256);
        break;
      }
    }
  };
  return Expected{CheckStep::picture, {"colour map"}};
}

/// Texts that are numbers on the colour bar.
std::vector<Text*> ticks_of(Figure& figure) {
  std::vector<Text*> ticks;
  for (Item& item : figure.items) {
    auto* const text = std::get_if<Text>(&item);
    const bool tick = text && text->size == 7.5 && text->align == Text::Align::start && !text->text.empty() &&
                      text->text.find_first_not_of("0123456789.−≥≤ ") == std::string::npos;
    if (tick) ticks.push_back(text);
  }
  return ticks;
}

std::optional<Expected> change_range(Trial& trial) {
  const auto number = static_cast<char>('1' + trial.below(9));
  trial.alter = [number](Figure& figure) {
    for (Text* const tick : ticks_of(figure)) {
      const std::size_t last = tick->text.find_last_of("0123456789");
      char& digit = tick->text[last];
      digit = digit == number ? '0' : number;
    }
  };
  return Expected{CheckStep::picture};
}

std::optional<Expected> change_tick(Trial& trial) {
  const std::size_t which = trial.random();
  trial.alter = [which](Figure& figure) {
    const std::vector<Text*> ticks = ticks_of(figure);
    Text& tick = *ticks[which % ticks.size()];
    const std::size_t last = tick.text.find_last_of("0123456789");
    tick.text[last] = tick.text[last] == '9' ? '8' : static_cast<char>(tick.text[last] + 1);
  };
  return Expected{CheckStep::picture};
}

std::optional<Expected> change_annotation(Trial& trial) {
  if (trial.sample.prototype.look.annotate == Annotate::never) return std::nullopt;
  if (trial.sample.kind == "overview") return std::nullopt;
  const std::size_t cell = trial.below(cells_of_first(trial));
  trial.alter = [cell](Figure& figure) {
    std::size_t left = cell;
    for (Item& item : figure.items) {
      auto* const text = std::get_if<Text>(&item);
      if (!text || text->align != Text::Align::middle || text->text.find('.') == std::string::npos ||
          left-- > 0)
        continue;
      char& digit = text->text.back();
      digit = digit == '9' ? '0' : static_cast<char>(digit + 1);
      return;
    }
  };
  return Expected{CheckStep::picture};
}

std::optional<Expected> swap_labels(Trial& trial) {
  if (trial.sample.kind == "overview") return std::nullopt;
  const std::string first = trial.sample.keys[0][1].text, second = trial.sample.keys[0][2].text;
  trial.alter = [first, second](Figure& figure) {
    for (Item& item : figure.items) {
      auto* const text = std::get_if<Text>(&item);
      if (!text || (text->text != first && text->text != second)) continue;
      text->text = text->text == first ? second : first;
    }
  };
  return Expected{CheckStep::picture, {first}};
}

std::optional<Expected> draw_other_numbers(Trial& trial) {
  const Sample other = make_sample(trial.sample.kind, static_cast<unsigned>(trial.random()));
  trial.changed = other;
  trial.other_record = true;
  return Expected{CheckStep::picture};
}

std::optional<Expected> draw_other_range(Trial& trial) {
  if (trial.sample.kind == "diff") return std::nullopt;
  Look& look = trial.changed.prototype.look;
  look.vmax = look.vmax == 0.5 ? 0.8 : 0.5;
  trial.other_record = true;
  return Expected{CheckStep::picture};
}

// --- Files

std::optional<Expected> cut_file(Trial& trial) {
  const double share = trial.between(0.001, 0.999);
  trial.damage = [share](std::string bytes) {
    bytes.resize(static_cast<std::size_t>(static_cast<double>(bytes.size()) * share));
    return bytes;
  };
  return Expected{CheckStep::file, {trial.figure.string()}, Status::failed};
}

std::optional<Expected> leave_record_out(Trial& trial) {
  trial.alter = [](Figure& figure) { figure.record.clear(); };
  return Expected{CheckStep::file, {trial.figure.string(), "no record"}, Status::missing};
}

std::optional<Expected> remove_baseline(Trial& trial) {
  trial.baseline += ".none";
  return Expected{CheckStep::file, {trial.baseline.string()}, Status::missing};
}

const std::vector<std::pair<std::string, Fault>>& faults() {
  static const std::vector<std::pair<std::string, Fault>> table = {
      {"weight moved", move_weight},
      {"added to a cell", add_to_cell},
      {"no weight", break_number},
      {"looks ahead", look_ahead},
      {"rows swapped", swap_rows},
      {"columns swapped", swap_columns},
      {"transposed", transpose},
      {"scaled", scale_all},
      {"maps swapped", swap_maps},
      {"layers swapped", swap_layers},
      {"summary changed", change_summary},
      {"fact changed", change_fact},
      {"request changed", change_request},
      {"token changed", change_token},
      {"cell painted", paint_cell},
      {"colours shifted", shift_colors},
      {"range changed", change_range},
      {"tick changed", change_tick},
      {"annotation", change_annotation},
      {"labels swapped", swap_labels},
      {"other numbers", draw_other_numbers},
      {"other range", draw_other_range},
      {"file cut", cut_file},
      {"no record", leave_record_out},
      {"no baseline", remove_baseline},
  };
  return table;
}

void write_figure(Trial& trial) {
  const Record changed = trial.changed.record(), sample = trial.sample.record();
  const Record& record = trial.only_record ? sample : changed;
  const std::string own = to_json(trial.only_record ? changed : sample);
  write_sample(record, trial.figure, [&](Figure& figure) {
    if (trial.other_record || trial.only_record) figure.record = own;
    if (trial.alter) trial.alter(figure);
  });
  if (trial.damage) write(trial.figure, trial.damage(read_file(trial.figure)));
}

std::string all_of(const CheckResult& result) {
  std::string text = report_text({&result, 1});
  return text.empty() ? "nothing" : text;
}

std::size_t tried() {
  const char* const given = std::getenv("ATTNVIZ_CHECK_FAULTS");
  constexpr std::size_t kByDefault = 250;
  return given ? std::strtoul(given, nullptr, 10) : kByDefault;
}

TEST(CheckFaults, AreFoundAtTheirStepAndNamed) {
  const TemporaryDirectory directory;
  std::filesystem::create_directory(directory / "baseline");
  std::map<std::string, std::size_t> counts;
  std::size_t done = 0;
  for (unsigned seed = 0; done < tried(); ++seed) {
    const auto& [name, fault] = faults()[seed % faults().size()];
    const std::string kind = sample_kinds()[(seed / faults().size() + seed) % sample_kinds().size()];
    const std::string file = std::string("figure.") + std::array{"png", "svg", "pdf"}[seed / 7 % 3];
    const Sample sample = make_sample(kind, seed);
    Trial trial{.random = std::mt19937(seed),
                .sample = sample,
                .changed = sample,
                .baseline = directory / "baseline" / file,
                .figure = directory / file};
    const std::optional<Expected> expected = fault(trial);
    if (!expected) continue;
    ++done;
    ++counts[name];
    write_sample(sample.record(), directory / "baseline" / file);
    write_figure(trial);
    const CheckResult result = compare_files(trial.baseline, trial.figure, {});
    const std::string what =
        name + " in " + kind + " " + file + ", seed " + std::to_string(seed) + ": " + all_of(result);
    ASSERT_FALSE(result.findings.empty()) << what;
    EXPECT_EQ(name_of(result.findings.front().step), name_of(expected->step)) << what;
    EXPECT_EQ(result.status, expected->status) << what;
    for (const std::string& word : expected->named)
      EXPECT_NE(all_of(result).find(word), std::string::npos) << word << "\n" << what;
  }
  for (const auto& [name, count] : counts) RecordProperty(name, static_cast<int>(count));
}

}  // namespace
}  // namespace attnviz::test
