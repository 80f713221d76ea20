#include <algorithm>

#include "cli/command.h"
#include "cli/drawing.h"
#include "cli/token_choice.h"
#include "cli/view_parts.h"

namespace attnviz::cli {
namespace {

const Choices<View::Filter> kFilters = {{"all", View::Filter::all},
                                        {"a-a", View::Filter::a_to_a},
                                        {"b-b", View::Filter::b_to_b},
                                        {"a-b", View::Filter::a_to_b},
                                        {"b-a", View::Filter::b_to_a}};

/// The layers that a view holds; a still head or neuron view holds the one that it shows.
struct HeldLayers {
  bool automatic = false;  ///< as many as a page has room for
  NumberRanges layers{};
};

template <View::Kind kind>
struct ViewOptions {
  std::optional<int> layer{};          ///< unset: the last
  std::optional<HeldLayers> layers{};  ///< of a page, or of the model view
  NumberRanges heads{};                ///< empty: all; of the neuron view one
  std::optional<Given> token{}, key{};
  double threshold = 0;
  View::Filter filter = View::Filter::all;
  bool with_query_key = kind == View::Kind::neuron;
  DrawingOptions drawing = [] {
    DrawingOptions options;
    options.formats = {"html", "svg", "png", "pdf"};
    return options;
  }();
};

constexpr const char* word(View::Kind kind) {
  return kind == View::Kind::head ? "head" : kind == View::Kind::model ? "model" : "neuron";
}

Usage usage_of(View::Kind kind) {
  switch (kind) {
    case View::Kind::head:
      return {
          "view head",
          "Shows one layer as BertViz's head view does: the tokens that attend at the left, those attended "
          "to at the right, a line a weight, a colour a head. As a page (.html) that works offline it holds "
          "the other layers and the other views too.",
          {"attnviz view head \"The bank can refuse to lend money.\"",
           "attnviz view head --layer 6 --heads 0,3 --token bank -o head.svg \"The bank can refuse.\"",
           "attnviz view head --filter a-b --pair \"It was late.\" -o pair.html \"The bank had closed.\""}};
    case View::Kind::model:
      return {
          "view model",
          "Shows all layers and heads at a glance as BertViz's model view does: a row a layer, a column a "
          "head, a line a weight. As a page (.html) each can be opened.",
          {"attnviz view model \"The cat sat on the mat.\"",
           "attnviz view model --layers 1-3 --heads 0-5 -o model.pdf \"The cat sat on the mat.\""}};
    default:
      return {"view neuron",
              "Shows how one token's attention comes about, as BertViz's neuron view does: its query vector, "
              "every key vector, their products, and the weights that they make (checkpoint backend).",
              {"attnviz view neuron \"The bank can refuse to lend money.\"",
               "attnviz view neuron --layer 6 --head 0 --query bank -o neuron.svg \"The bank can refuse.\""}};
  }
}

template <View::Kind kind>
void add_layer_flags(Flags& flags, ViewOptions<kind>& options) {
  if constexpr (kind != View::Kind::model) {
    flags.value("--layer", "N", "the layer in sight, counting from 1 (default: the last)",
                [&](const Given& given) { options.layer = read_integer(given); });
  }
  const std::string what = kind == View::Kind::model ? "the layers to show: 1,4,8 or 1-4"
                                                     : "the layers that a page holds: 1,4,8 or 1-4";
  flags.value("--layers", "LIST|all|auto",
              what + " (default: auto, all of them; in a page, as many as keep its numbers under 10 MB)",
              [&](const Given& given) {
                options.layers = HeldLayers{.automatic = given.value == "auto"};
                if (given.value != "auto") options.layers->layers = read_ranges(given);
              });
}

template <View::Kind kind>
void add_sight_flags(Flags& flags, ViewOptions<kind>& options) {
  if constexpr (kind == View::Kind::neuron) {
    flags.value("--head", "K", "the head in sight, counting from 0 (default: 0)", [&](const Given& given) {
      options.heads = {{{read_integer(given), read_integer(given)}}};
    });
    flags.value("--query", "T",
                "the token that attends: its position, counting from 0, or the token itself, with #2 for the "
                "second that is written so (default: the first that is no special token; of a decoder, whose "
                "first tokens see little, the last such)",
                [&](const Given& given) { options.token = given; });
  } else {
    flags.value("--heads", "LIST|all",
                std::string(kind == View::Kind::head ? "the heads in sight" : "the heads to show") +
                    ", counting from 0: 0,3,7,11 or 0-5 (default: all)",
                [&](const Given& given) { options.heads = read_ranges(given); });
    flags.value(
        "--token", "T",
        "only what this token attends to: its position, counting from 0, or the token itself, with #2 "
        "for the second that is written so",
        [&](const Given& given) { options.token = given; });
    flags.value("--key", "T", "only what attends to this token", [&](const Given& given) {
      if (options.token) throw Error("--key: --token names a token already", "leave one of them out");
      options.key = given;
    });
    flags.value("--threshold", "WEIGHT", "leave out weights below it (default: 0)", [&](const Given& given) {
      options.threshold = read_number(given);
      if (options.threshold < 0) refuse(given, "a weight from 0 to 1");
    });
    flags.flag("--with-qk",
               "in a page, the query and key vectors too, for its neuron view (checkpoint backend)",
               options.with_query_key);
  }
}

template <View::Kind kind>
Flags view_flags(ViewOptions<kind>& options) {
  Flags flags(usage_of(kind));
  flags.group("What to show");
  add_layer_flags(flags, options);
  add_sight_flags(flags, options);
  flags.value("--filter", "all|a-a|b-b|a-b|b-a",
              "of a pair, only what the tokens of sentence A or B give those of A or B (default: all)",
              [&](const Given& given) { options.filter = read_choice(given, kFilters); });
  add_drawing_flags(flags, options.drawing, std::string("minilm-") + word(kind) + "-view");
  return flags;
}

/// A recorded request names no format: a page's says which layers it holds.
template <View::Kind kind>
bool is_page(const ViewOptions<kind>& options) {
  const std::string& format = options.drawing.output.format;
  if (!format.empty()) return format == "html";
  return options.layers && (kind != View::Kind::model || options.layers->automatic);
}

/// Of a neuron view.
template <View::Kind kind>
int head_of(const ViewOptions<kind>& options) {
  return options.heads.ranges.empty() ? 0 : options.heads.ranges.front().first;
}

template <View::Kind kind>
Selection selection_of(const ViewOptions<kind>& options, const ModelCard& card) {
  const bool page = is_page(options);
  const int layer = options.layer.value_or(card.layers);
  Wanted wanted;
  wanted.layer_flag = "--layer";
  wanted.layers = NumberRanges{{{layer, layer}}};
  std::ignore = select(card, wanted);
  if (kind == View::Kind::model || page) {
    wanted.layer_flag = "--layers";
    wanted.layers = options.layers ? options.layers->layers : NumberRanges{};
  }
  wanted.head_flag = kind == View::Kind::neuron ? "--head" : "--heads";
  wanted.heads = options.heads;
  if (kind == View::Kind::neuron) wanted.heads = {{{head_of(options), head_of(options)}}};
  wanted.with_query_key = options.with_query_key;
  Selection selection = select(card, wanted);
  if (page && kind != View::Kind::model) selection.heads.clear();
  const std::vector<int>& held = selection.layers;
  if (options.layer && !held.empty() && std::find(held.begin(), held.end(), layer) == held.end()) {
    throw Error("--layer " + std::to_string(layer) + ": not among --layers, which the page holds",
                "add it to --layers, or leave --layer out");
  }
  return selection;
}

/// Those from `first` to `last`.
std::vector<int> within(const NumberRanges& ranges, int first, int last) {
  std::vector<int> numbers = ranges.numbers();
  std::erase_if(numbers, [&](int number) { return number < first || number > last; });
  return numbers;
}

/// Of a part beside cross attention, which the options are about: what it has of what they ask for, or all.
template <View::Kind kind>
Selection selection_beside(const ViewOptions<kind>& options, const ModelCard& card) {
  Selection selection{.with_query_key = options.with_query_key};
  if (options.layers) selection.layers = within(options.layers->layers, 1, card.layers);
  if (kind == View::Kind::model) selection.heads = within(options.heads, 0, card.heads - 1);
  return selection;
}

/// The model's, or where the page holds all parts of its attention, one for each: cross attention first.
template <View::Kind kind>
std::vector<Source> sources_of(const ViewOptions<kind>& options) {
  Source source{options.drawing.model,
                [options](const ModelCard& card) { return selection_of(options, card); },
                {},
                /*takes_windows=*/false,
                /*takes_targets=*/true};
  source.of_shares = kind == View::Kind::neuron;
  if (kind == View::Kind::neuron || !options.drawing.model.all_parts) return {source};
  source.one_of_all = true;
  std::vector<Source> sources = {source};
  source.select = [options](const ModelCard& card) { return selection_beside(options, card); };
  for (const AttentionPart part : {AttentionPart::encoder, AttentionPart::decoder}) {
    source.model.part = part;
    sources.push_back(source);
  }
  return sources;
}

template <View::Kind kind>
void check_options(const ViewOptions<kind>& options) {
  const std::string& format = options.drawing.output.format;
  const bool still = !format.empty() && format != "html";
  if (still && options.layers && (kind != View::Kind::model || options.layers->automatic)) {
    throw Error(
        "--layers: only a page (.html) " +
            std::string(kind == View::Kind::model ? "chooses them by itself" : "holds several") +
            ", the output is " + format,
        kind == View::Kind::model ? "name the layers, as in --layers 1-4" : "--layer names the one in sight");
  }
  if (still && options.drawing.model.all_parts) {
    throw Error("--attention all: only a page (.html) holds all of it, the output is " + format,
                "name one of them: encoder, decoder or cross");
  }
  if (still && kind != View::Kind::neuron && options.with_query_key)
    throw Error("--with-qk: only a page (.html) holds query and key vectors, the output is " + format,
                "leave it out");
  if (format == "html" && options.drawing.no_embed)
    throw Error("--no-embed: a page draws the numbers that it holds", "leave it out");
  const bool norms = options.drawing.model.weights == WeightKind::norm;
  if (options.threshold > 1 && !norms)
    throw Error("--threshold " + show_general(options.threshold, 6) + ": expected a weight from 0 to 1");
  if (options.with_query_key && norms && kind != View::Kind::neuron) {
    throw Error("--with-qk: query and key vectors do not make up norms, which need the value vectors",
                "leave --weights norm or --with-qk out");
  }
  if (options.with_query_key && options.drawing.model.options.backend == Backend::torchscript) {
    throw Error(std::string(kind == View::Kind::neuron ? "view neuron" : "--with-qk") +
                    ": a TorchScript export does not give query and key vectors",
                "leave --backend torchscript out");
  }
}

/// The query in sight that is looked at first: one that is no special token, where there is one.
std::size_t usual_query(const View& view) {
  const auto [begin, end] = view.queries();
  for (std::size_t i = begin; i < end; ++i) {
    const std::size_t token = view.causal ? begin + end - 1 - i : i;
    if (!view.tokens[token].special) return token;
  }
  return begin;
}

template <View::Kind kind>
std::optional<std::size_t> token_of(const ViewOptions<kind>& options, const Subject& subject) {
  if (options.token) return find_token(*options.token, subject.tokens.labels);
  if (options.key) return find_token(*options.key, subject.shown_keys().labels);
  return std::nullopt;
}

template <View::Kind kind>
Ready ready(const ViewOptions<kind>& options, const Subject& subject) {
  if (options.filter != View::Filter::all && !subject.prepared.sentence.pair)
    throw Error("--filter: it parts the sentences of a pair, there is one text",
                "give the second with --pair");
  if (options.filter != View::Filter::all && subject.prepared.sentence.target)
    throw Error("--filter: it parts the sentences of a pair, a target's attention has none",
                "leave --filter or --target out");
  if (kind == View::Kind::neuron && (subject.tokens.altered || subject.shown_keys().altered)) {
    throw Error("view neuron: " + subject.notes().front() + ", expected single tokens",
                "leave --words, --hide-special and --range out: vectors are of one token each");
  }
  std::ignore = token_of(options, subject);
  std::string stem = options.drawing.model.all_parts ? subject.card().name : subject.stem();
  stem += std::string("-") + word(kind) + "-view";
  if (kind != View::Kind::model)
    stem += "-layer" + std::to_string(options.layer.value_or(subject.card().layers));
  if (kind == View::Kind::neuron) stem += "-head" + std::to_string(head_of(options));
  return {stem};
}

/// Layer, heads and threshold are in sight as asked for, where the subject has them.
template <View::Kind kind>
View view_in_sight(const ViewOptions<kind>& options, const Subject& subject) {
  View view = view_of(subject, kind);
  const auto held = [](const std::vector<int>& numbers, int number) {
    return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
  };
  const int layer = options.layer.value_or(subject.card().layers);
  if (held(view.layers, layer)) view.layer = layer;
  std::vector<int> heads = options.heads.numbers();
  std::erase_if(heads, [&](int head) { return !held(view.heads, head); });
  if (!heads.empty()) view.shown_heads = heads;
  view.threshold = options.threshold;
  view.filter = options.filter;
  return view;
}

template <View::Kind kind>
void draw_view(const ViewOptions<kind>& options, std::span<Subject> subjects, const Finish& finish) {
  for (Subject& subject : subjects) subject.show();
  std::vector<std::string> left_out(subjects.size());
  if (is_page(options) && options.layers.value_or(HeldLayers{true}).automatic)
    left_out = keep_what_fits(subjects, options.layer);
  std::vector<View> views;
  for (std::size_t i = 0; i < subjects.size(); ++i) {
    View& view = views.emplace_back(view_in_sight(options, subjects[i]));
    if (!left_out[i].empty()) view.notes.push_back(left_out[i]);
    if (subjects.size() > 1) view.part = subjects[i].selection.part;
  }
  View view = views.front();
  view.others.assign(views.begin() + 1, views.end());
  if (kind == View::Kind::neuron) view.shown_heads = {head_of(options)};
  view.token = token_of(options, subjects.front());
  view.token_is_key = options.key.has_value();
  if (kind == View::Kind::neuron && !view.token) view.token = usual_query(view);
  finish(view, options.drawing.look.with_default("Blues"), "");
}

/// In its place, behind --layer, so that check knows the request for a page's.
void name_held_layers(std::vector<std::string>& request) {
  const std::vector<std::string> held = {"--layers", "auto"};
  const std::ptrdiff_t place = request.size() > 2 && request[2] == "--layer" ? 4 : 2;
  request.insert(request.begin() + place, held.begin(), held.end());
}

/// Where nothing else is asked for. Query and key vectors not every part of every model has.
template <View::Kind kind>
bool shows_all_parts_by_itself(const ViewOptions<kind>& options) {
  const TextOptions& text = options.drawing.text;
  return kind != View::Kind::neuron && (text.target || text.input.target_column) &&
         !options.drawing.model.part && !options.drawing.model.all_parts && !options.with_query_key;
}

template <View::Kind kind>
FigurePlan view_plan(const ViewOptions<kind>& given) {
  ViewOptions<kind> options = given;
  check_options(options);
  if (options.drawing.output.format == "html" && !options.layers) {
    options.layers = HeldLayers{.automatic = true};
    name_held_layers(options.drawing.request);
  }
  if (options.drawing.output.format == "html" && shows_all_parts_by_itself(options)) {
    options.drawing.model.all_parts = true;
    options.drawing.request.insert(options.drawing.request.end(), {"--attention", "all"});
  }
  FigurePlan plan{.drawing = options.drawing, .sources = sources_of(options)};
  plan.ready = [options](std::span<Subject> subjects) { return ready(options, subjects[0]); };
  plan.draw = [options](std::span<Subject> subjects, const Finish& finish) {
    draw_view(options, subjects, finish);
  };
  return plan;
}

template <View::Kind kind>
Command command_of(const std::string& summary) {
  return figure_command<ViewOptions<kind>, view_flags<kind>, view_plan<kind>>(usage_of(kind).command,
                                                                              summary);
}

}  // namespace

Command view_head_command() {
  return command_of<View::Kind::head>("show a layer's heads as lines between tokens: a page, or a figure");
}

Command view_model_command() {
  return command_of<View::Kind::model>("show every layer and head so, small: a page, or a figure");
}

Command view_neuron_command() {
  return command_of<View::Kind::neuron>(
      "show how query and key vectors make a head's weights: a page, or a figure");
}

}  // namespace attnviz::cli
