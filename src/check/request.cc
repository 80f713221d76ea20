#include <algorithm>
#include <map>
#include <set>

#include "attnviz/text.h"
#include "check/names.h"
#include "check/steps.h"

namespace attnviz {
namespace {

/// The flags of a request that shape its picture and not its numbers, and those compared elsewhere: the
/// models.
const std::set<std::string, std::less<>> kOfNoNumber = {"--cmap",    "--annotate", "--vmin", "--vmax",
                                                        "--scale",   "--theme",    "--dpi",  "--title",
                                                        "--columns", "--model"};

const std::set<std::string, std::less<>> kWithoutValue = {"--words", "--hide-special", "--renormalize",
                                                          "--align", "--truncate",     "--with-qk"};

/// "1-3" as "1,2,3".
std::string spelled_out(const std::string& value) {
  std::string numbers;
  std::size_t first = 0, last = 0;
  for (std::size_t at = 0; at <= value.size();) {
    const std::size_t end = std::min(value.find(',', at), value.size());
    const std::string item = value.substr(at, end - at);
    const std::size_t dash = item.find('-');
    const bool range = dash != std::string::npos && dash > 0 && dash + 1 < item.size() && item.size() < 12 &&
                       item.find_first_not_of("0123456789-") == std::string::npos &&
                       item.find('-', dash + 1) == std::string::npos;
    if (range) {
      first = std::stoul(item.substr(0, dash));
      last = std::min(std::stoul(item.substr(dash + 1)), first + 10'000);
      for (; first <= last; ++first) numbers += "," + std::to_string(first);
    } else {
      numbers += "," + item;
    }
    at = end + 1;
  }
  return numbers.substr(1);
}

using Given = std::map<std::string, std::vector<std::string>>;

/// The flags that alter numbers, with their values.
Given flags_of(const std::vector<std::string>& arguments) {
  Given given;
  const std::size_t first = !arguments.empty() && arguments[0] == "view" ? 2 : 1;  // its name is of two words
  for (std::size_t i = first; i < arguments.size(); ++i) {
    const std::string& name = arguments[i];
    const bool has_value = !kWithoutValue.contains(name) && i + 1 < arguments.size();
    const std::string value = has_value ? spelled_out(arguments[++i]) : "";
    if (!kOfNoNumber.contains(name)) given[name].push_back(value);
  }
  return given;
}

std::string written(const std::string& flag, const std::vector<std::string>& values) {
  std::string text;
  for (const std::string& value : values) {
    text += (text.empty() ? "" : " ") + flag + (value.empty() ? "" : " " + visible(value));
  }
  return text;
}

/// What both give, and differently: "--layer 6 → --layer 5".
std::vector<std::string> contradictions(const Given& expected, const Given& actual) {
  std::vector<std::string> found;
  for (const auto& [flag, values] : expected) {
    const auto other = actual.find(flag);
    if (other != actual.end() && other->second != values)
      found.push_back(written(flag, values) + " → " + written(flag, other->second));
  }
  return found;
}

/// What only one of them gives: it may be the other's default.
std::vector<std::string> one_sided(const Given& given, const Given& other, const std::string& where) {
  std::vector<std::string> found;
  for (const auto& [flag, values] : given) {
    if (!other.contains(flag)) found.push_back(written(flag, values) + " only in the " + where);
  }
  return found;
}

std::vector<std::string> flags_that_differ(const Record& expected, const Record& actual) {
  const Given before = flags_of(expected.arguments), after = flags_of(actual.arguments);
  std::vector<std::string> found = contradictions(before, after);
  for (const auto& [given, other, where] :
       {std::tuple(&before, &after, "baseline"), std::tuple(&after, &before, "figure")}) {
    const std::vector<std::string> more = one_sided(*given, *other, where);
    found.insert(found.end(), more.begin(), more.end());
  }
  return found;
}

std::string kind_of(const Drawn& drawn) {
  constexpr const char* kKinds[] = {"one map", "a grid", "a comparison", "a summary", "a view"};
  return kKinds[drawn.index()];
}

/// Whatever of a figure says what its numbers are, as names and values.
using Meaning = std::vector<std::pair<std::string, std::string>>;

void add_list(Meaning& meaning, const std::string& name, const std::vector<std::string>& values) {
  std::string text;
  for (const std::string& value : values) text += (text.empty() ? "" : "; ") + value;
  meaning.emplace_back(name, text);
}

/// Without those that tell what a model predicts: its numbers are compared as numbers.
std::vector<std::string> but_predictions(std::vector<std::string> notes,
                                         const std::vector<RecordedText>& texts) {
  std::erase_if(notes, [&](const std::string& note) {
    return std::any_of(texts.begin(), texts.end(), [&](const RecordedText& text) {
      return !text.predicted.empty() && note.ends_with(prediction_note(text.predicted));
    });
  });
  return notes;
}

void add_map(Meaning& meaning, const Heatmap& map, const std::vector<RecordedText>& texts) {
  meaning.emplace_back("map", without_models(map.title, texts));
  meaning.emplace_back("quantity", map.quantity);
  meaning.emplace_back("sentence", map.subtitle);
  meaning.emplace_back("causal", map.causal ? "yes" : "no");
  meaning.emplace_back("difference", map.is_signed ? "yes" : "no");
  meaning.emplace_back("rows", map.rows_are_layers ? "layers" : map.cross ? "target tokens" : "tokens");
  meaning.emplace_back("first query and key",
                       std::to_string(map.first_query) + ", " + std::to_string(map.first_key));
  add_list(meaning, "notes", but_predictions(map.notes, texts));
}

std::vector<std::string> shown(const std::vector<int>& numbers) {
  std::vector<std::string> texts;
  for (const int number : numbers) texts.push_back(std::to_string(number));
  return texts;
}

/// What of a view is in sight.
void add_sight(Meaning& meaning, const View& view) {
  constexpr const char* kKinds[] = {"head", "model", "neuron"};
  constexpr const char* kFilters[] = {"all", "a-a", "b-b", "a-b", "b-a"};
  meaning.emplace_back("view", kKinds[static_cast<int>(view.kind)]);
  meaning.emplace_back("layer", std::to_string(view.layer));
  add_list(meaning, "heads", shown(view.shown_heads));
  const std::span<const TokenLabel> tokens = view.token_is_key ? view.key_tokens() : view.tokens;
  meaning.emplace_back(
      view.token_is_key ? "key" : "token",
      view.token ? cited(tokens[*view.token].whole()) + "(" + std::to_string(*view.token) + ")" : "all");
  meaning.emplace_back("threshold", std::to_string(view.threshold));
  meaning.emplace_back("filter", kFilters[static_cast<int>(view.filter)]);
  for (const View& other : view.others) add_sight(meaning, other);
}

Meaning meaning_of(const Record& record) {
  Meaning meaning;
  const auto add_page = [&](const std::string& title, const std::string& subtitle,
                            const std::vector<std::string>& notes) {
    meaning.emplace_back("figure", without_models(title, record.texts));
    meaning.emplace_back("sentence", subtitle);
    add_list(meaning, "notes", but_predictions(notes, record.texts));
  };
  if (const auto* const grid = std::get_if<HeatmapGrid>(&record.drawn)) {
    add_page(grid->title, grid->subtitle, grid->notes);
    add_list(meaning, "rows of panels", grid->row_names);
    add_list(meaning, "columns of panels", grid->column_names);
  } else if (const auto* const comparison = std::get_if<Comparison>(&record.drawn)) {
    add_page(comparison->title, comparison->subtitle, comparison->notes);
  } else if (const auto* const summary = std::get_if<Summary>(&record.drawn)) {
    std::vector<int> layers;
    for (const LayerMetrics& layer : summary->layers) layers.push_back(layer.layer);
    add_list(meaning, "layers", shown(layers));
  }
  if (const auto* const view = std::get_if<View>(&record.drawn)) add_sight(meaning, *view);
  for (const Heatmap& map : maps_of(record.drawn)) add_map(meaning, map, record.texts);
  return meaning;
}

void compare_texts(const Record& expected, const Record& actual, std::vector<std::string>& found) {
  if (expected.texts.size() != actual.texts.size()) {
    found.push_back(counted(expected.texts.size(), "text") + " → " + counted(actual.texts.size(), "text"));
    return;
  }
  for (std::size_t i = 0; i < expected.texts.size(); ++i) {
    const RecordedText &before = expected.texts[i], &after = actual.texts[i];
    if (before.text != after.text) found.push_back("text: " + change(before.text, after.text));
    const auto shown = [](const std::optional<std::string>& text) { return text ? cited(*text) : "none"; };
    if (before.pair != after.pair) found.push_back("pair: " + shown(before.pair) + " → " + shown(after.pair));
    if (before.target != after.target)
      found.push_back("target: " + shown(before.target) + " → " + shown(after.target));
  }
}

void compare_meaning(const Record& expected, const Record& actual, std::vector<std::string>& found) {
  const Meaning before = meaning_of(expected), after = meaning_of(actual);
  const auto kind = [](const Record& record) { return kind_of(record.drawn); };
  if (kind(expected) != kind(actual)) {
    found.push_back("drawn: " + kind(expected) + " → " + kind(actual));
    return;
  }
  const std::size_t maps = maps_of(expected.drawn).size(), others = maps_of(actual.drawn).size();
  if (maps != others) found.push_back(counted(maps, "map") + " → " + counted(others, "map"));
  for (std::size_t i = 0; i < std::min(before.size(), after.size()); ++i) {
    if (before[i].first != after[i].first || before[i].second == after[i].second) continue;
    const std::string line = before[i].first + ": " + change(before[i].second, after[i].second);
    if (std::find(found.begin(), found.end(), line) == found.end()) found.push_back(line);
  }
}

/// Files that changed, and models of another name.
std::vector<std::string> changes_of_model(const Record& expected, const Record& actual) {
  std::vector<std::string> found;
  for (std::size_t i = 0; i < std::min(expected.texts.size(), actual.texts.size()); ++i) {
    const RecordedText &before = expected.texts[i], &after = actual.texts[i];
    if (before.model != after.model) found.push_back("model " + change(before.model, after.model));
    for (const auto& [file, digest] : before.sha256) {
      const auto other = after.sha256.find(file);
      if (other == after.sha256.end()) {
        if (!after.sha256.empty()) found.push_back(visible(file) + " of the model is gone");
      } else if (other->second != digest) {
        found.push_back(visible(file) + " changed");
      }
    }
    for (const auto& [file, digest] : after.sha256) {
      if (!before.sha256.empty() && !before.sha256.contains(file))
        found.push_back(visible(file) + " of the model is new");
    }
  }
  const auto unique_end = [&] {
    std::vector<std::string> once;
    for (const std::string& line : found) {
      if (std::find(once.begin(), once.end(), line) == once.end()) once.push_back(line);
    }
    return once;
  };
  return unique_end();
}

}  // namespace

std::vector<std::string> request_notes(const Record& expected, const Record& actual) {
  std::vector<std::string> notes = changes_of_model(expected, actual);
  for (std::size_t i = 0; i < std::min(expected.texts.size(), actual.texts.size()); ++i) {
    const std::string &before = expected.texts[i].backend, &after = actual.texts[i].backend;
    if (before != after) notes.push_back("backend " + visible(before) + " → " + visible(after));
  }
  const Given before = flags_of(expected.arguments), after = flags_of(actual.arguments);
  for (const std::string& line : one_sided(before, after, "baseline")) notes.push_back(line);
  for (const std::string& line : one_sided(after, before, "figure")) notes.push_back(line);
  return notes;
}

Findings check_request(const Record& expected, const Record& actual, const CheckOptions& options) {
  std::vector<std::string> found;
  compare_texts(expected, actual, found);
  compare_meaning(expected, actual, found);
  const bool other_meaning = !found.empty();
  const std::vector<std::string> flags =
      other_meaning ? flags_that_differ(expected, actual)
                    : contradictions(flags_of(expected.arguments), flags_of(actual.arguments));
  found.insert(found.end(), flags.begin(), flags.end());
  Findings findings;
  if (!found.empty()) {
    findings.push_back({CheckStep::request, found.front(), {found.begin() + 1, found.end()}});
  }
  if (!options.same_model) return findings;
  for (const std::string& line : changes_of_model(expected, actual))
    findings.push_back({CheckStep::request, line + " (--same-model)"});
  return findings;
}

}  // namespace attnviz
