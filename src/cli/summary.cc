#include <algorithm>

#include "cli/command.h"
#include "cli/drawing.h"

namespace attnviz::cli {
namespace {

struct SummaryOptions {
  DrawingOptions drawing;
};

Flags summary_flags(SummaryOptions& options) {
  Flags flags(
      {"summary",
       "Draws what a model does with a text at a glance (mean weight and entropy by layer, the mean map, the "
       "attention that each token receives) and prints it in numbers.",
       {"attnviz summary \"The bank can refuse to lend money.\"",
        "attnviz summary --hide-special -o summary.pdf \"The cat sat on the mat.\""}});
  add_drawing_flags(flags, options.drawing, "minilm-summary");
  return flags;
}

std::string in_numbers(const Subject& subject, const Summary& summary) {
  const Attention& attention = subject.attention;
  double weight = 0, entropy = 0;
  for (const LayerMetrics& layer : summary.layers) {
    weight += layer.mean_weight / static_cast<double>(summary.layers.size());
    entropy += layer.entropy / static_cast<double>(summary.layers.size());
  }
  const auto most =
      std::max_element(summary.received.begin(), summary.received.end()) - summary.received.begin();
  const std::string label = subject.tokens.labels[static_cast<std::size_t>(most)].whole();
  std::string text;
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{
           {"Model", visible(subject.card().name)},
           {"Layers", std::to_string(attention.layers.size())},
           {"Heads a layer", std::to_string(attention.heads.size())},
           {"Tokens", std::to_string(attention.keys)},
           {"Mean weight", show_fixed(weight, 4)},
           {"Mean entropy",
            show_fixed(entropy, 4) + " nats (uniform " + show_fixed(summary.uniform_entropy, 4) + ")"},
           {"Most attended", "“" + label + "” (" + std::to_string(most) + "), receives " +
                                 show_fixed(summary.received[static_cast<std::size_t>(most)], 2) + " of " +
                                 std::to_string(attention.queries)}}) {
    text += name + std::string(15 - name.size(), ' ') + value + "\n";
  }
  return text;
}

void draw_summary(const DrawingOptions& options, Subject& subject, const Finish& finish) {
  subject.show();
  const Attention& attention = subject.attention;
  const std::vector<float> mean = overall_mean(attention);
  const std::vector<double> totals = received(attention);
  const Summary summary{
      .layers = layer_metrics(attention),
      .uniform_entropy = uniform_entropy(attention.keys, attention.causal),
      .mean = subject.map({mean, attention.keys}, visible(subject.card().name) + " · Summary"),
      .received = totals};
  finish(summary, options.look.with_default("YlOrRd"),
         options.output.path == "-" ? "" : in_numbers(subject, summary));
}

FigurePlan summary_plan(const SummaryOptions& options) {
  Wanted wanted;
  wanted.layers = NumberRanges{};
  FigurePlan plan{.drawing = options.drawing, .sources = {{options.drawing.model, selector(wanted)}}};
  plan.sources.front().of_shares = true;
  plan.ready = [](std::span<Subject> subjects) { return Ready{subjects[0].card().name + "-summary"}; };
  plan.draw = [drawing = options.drawing](std::span<Subject> subjects, const Finish& finish) {
    draw_summary(drawing, subjects[0], finish);
  };
  return plan;
}

}  // namespace

Command summary_command() {
  return figure_command<SummaryOptions, summary_flags, summary_plan>(
      "summary", "draw and print a model's attention at a glance");
}

}  // namespace attnviz::cli
