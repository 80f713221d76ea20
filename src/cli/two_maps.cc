#include "cli/two_maps.h"

#include <algorithm>
#include <filesystem>

#include "cli/target.h"

namespace attnviz::cli {
namespace {

constexpr char kAlignedNote[] = "tokens aligned: the words that both models share";

/// The side's own of what was given for both or for each.
template <class T>
T of_side(const std::vector<T>& given, std::size_t side, T otherwise) {
  return given.empty() ? otherwise : given[std::min(side, given.size() - 1)];
}

MapChoice choice_of(const TwoMapsOptions& options, std::size_t side) {
  MapChoice choice = of_side(options.layers, side, MapChoice{});
  choice.head = of_side(options.heads, side, std::optional<int>{});
  return choice;
}

TwoMaps sides_of(const TwoMapsOptions& options, std::span<Subject> subjects) {
  TwoMaps maps;
  for (std::size_t i = 0; i < 2; ++i) {
    maps.sides[i].subject = &subjects[i];
    maps.sides[i].choice = choice_of(options, i);
  }
  return maps;
}

void check_differences(const Side& a, const Side& b) {
  const bool same_text = a.subject->prepared.sentence.text == b.subject->prepared.sentence.text;
  if (!same_model(a, b) || a.choice != b.choice || !same_text) return;
  throw Error("nothing to compare: both sides are the same",
              "give a second --model, --layer or --head, or another text with --against");
}

bool same_tokens_shown(const std::array<Side, 2>& sides) {
  return sides[0].subject->tokens.labels == sides[1].subject->tokens.labels &&
         sides[0].subject->shown_keys().labels == sides[1].subject->shown_keys().labels;
}

/// Merges both sides' tokens to the words that they share.
void align_sides(const TwoMapsOptions& options, std::array<Side, 2>& sides) {
  if (options.against) {
    throw Error("--against: the two texts have different tokens", "only tokens of one text can be aligned");
  }
  if (sides[0].subject->sources || sides[1].subject->sources) {
    throw Error("cross attention: the two sides have different tokens, which can't be aligned",
                "compare them as they are: attnviz compare");
  }
  const TokenizedText first = sides[0].subject->queries(), second = sides[1].subject->queries();
  const Alignment alignment = align(first.encoding, second.encoding, first.text, first.pair);
  if (alignment.first.empty()) throw Error("--align: the two models share no word of the text");
  sides[0].subject->choose(options.drawing.tokens, alignment.first);
  sides[1].subject->choose(options.drawing.tokens, alignment.second);
  for (const Side& side : sides) {
    std::vector<std::string>& notes = side.subject->tokens.notes;
    notes.insert(notes.begin(), kAlignedNote);
  }
}

/// Its name, or as it was asked for where the other model has the same.
std::string model_of(const Side& side, const Side& other) {
  const bool told_apart = side.subject->card().name != other.subject->card().name || same_model(side, other);
  return visible(told_apart ? side.subject->card().name : side.subject->reader->choice.model);
}

/// Behind a part's name, of an encoder-decoder.
std::string map_title(const Side& side) {
  const ModelCard& card = side.subject->card();
  const std::string part = card.is_encoder_decoder() ? title_of(side.subject->reader->part) + " · " : "";
  return part + side.choice.title(card);
}

std::string map_stem(const Side& side) {
  const ModelCard& card = side.subject->card();
  const std::string part = card.is_encoder_decoder() ? name_of(side.subject->reader->part) + "-" : "";
  return part + side.choice.stem(card);
}

/// What both have in common above them, what tells them apart on each.
void name(TwoMaps& maps, const TwoMapsOptions& options) {
  const auto& [a, b] = maps.sides;
  const bool one_model = same_model(a, b);
  const bool one_map = map_title(a) == map_title(b);
  if (one_model) maps.title = model_of(a, b);
  if (one_map) maps.title += (one_model ? " · " : "") + map_title(a);
  for (std::size_t i = 0; i < 2; ++i) {
    const Side& side = maps.sides[i];
    std::string& own = maps.titles[i];
    if (!one_model) own = model_of(side, maps.sides[1 - i]);
    if (!one_map) own += (own.empty() ? "" : " · ") + map_title(side);
    if (options.against) own += (own.empty() ? "" : " · ") + side.subject->prepared.sentence.shown();
  }
  maps.subtitle = options.against ? "" : a.subject->prepared.sentence.shown();
  maps.stem = a.subject->card().name + "-" + map_stem(a);
  if (!one_model) maps.stem += "-" + b.subject->card().name;
  if (map_stem(a) != map_stem(b)) maps.stem += "-" + map_stem(b);
  if (options.against) maps.stem += "-against";
}

/// Both sides' notes, each once; those of one side only say of which.
void collect_notes(TwoMaps& maps) {
  const std::vector<std::string> first = maps.sides[0].subject->notes(),
                                 second = maps.sides[1].subject->notes();
  const auto has = [](const std::vector<std::string>& notes, const std::string& note) {
    return std::find(notes.begin(), notes.end(), note) != notes.end();
  };
  for (const std::string& note : first)
    maps.notes.push_back(has(second, note) ? note : maps.titles[0] + ": " + note);
  for (const std::string& note : second) {
    if (!has(first, note)) maps.notes.push_back(maps.titles[1] + ": " + note);
  }
}

}  // namespace

void add_two_maps_flags(Flags& flags, TwoMapsOptions& options, const std::string& stem) {
  flags.group("What to compare (what is given once holds for both)");
  flags.value(
      "--layer", "N|mean",
      "the layer, counting from 1, or the mean over all; twice for two (default: the last)",
      [&](const Given& given) { read_layer(given, options.layers.emplace_back()); }, 2);
  flags.value(
      "--head", "K|mean", "the head, counting from 0, or the mean over all; twice for two (default: mean)",
      [&](const Given& given) { options.heads.push_back(read_head(given)); }, 2);
  flags.value("--against", "TEXT", "another text for the second side",
              [&](const Given& given) { options.against = given.value; });
  flags.flag("--align", "merge both models' tokens to words, so that the same words face each other",
             options.align);
  add_two_models_flags(flags, options.drawing.model, options.models);
  add_drawing_flags_but_model(flags, options.drawing, stem);
}

bool same_model(const Side& a, const Side& b) {
  return std::filesystem::equivalent(a.subject->card().directory, b.subject->card().directory);
}

FigurePlan plan_of_two(const TwoMapsOptions& options, bool subtract) {
  FigurePlan plan{.drawing = options.drawing, .sources = {}};
  for (std::size_t i = 0; i < 2; ++i) {
    Source source{options.drawing.model, selector(choice_of(options, i).wanted())};
    source.takes_targets = true;
    source.model.model = of_side(options.models, i, source.model.model);
    if (i == 1) source.against = options.against;
    plan.sources.push_back(std::move(source));
  }
  plan.ready = [options, subtract](std::span<Subject> subjects) {
    TwoMaps maps = sides_of(options, subjects);
    check_differences(maps.sides[0], maps.sides[1]);
    if (options.align || (subtract && !same_tokens_shown(maps.sides))) align_sides(options, maps.sides);
    name(maps, options);
    return Ready{maps.stem + (subtract ? "-diff" : "")};
  };
  return plan;
}

TwoMaps two_maps(const TwoMapsOptions& options, std::span<Subject> subjects) {
  TwoMaps maps = sides_of(options, subjects);
  name(maps, options);
  collect_notes(maps);
  for (Side& side : maps.sides) {
    if (!side.subject->sources) side.metrics = side.subject->metrics();
    side.subject->show();
    side.weights = overall_mean(side.subject->attention);
  }
  return maps;
}

}  // namespace attnviz::cli
