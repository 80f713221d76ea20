#include <algorithm>

#include "cli/command.h"
#include "cli/console.h"
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

int summarize(const SummaryOptions& options, const Streams& streams) {
  Drawing drawing(options.drawing, streams);
  Wanted wanted;
  wanted.layers = NumberRanges{};
  Subject subject = drawing.prepare(wanted);
  drawing.open(subject.card().name + "-summary");
  drawing.attend(subject);
  const Attention& attention = subject.attention;
  const std::vector<float> mean = overall_mean(attention);
  const std::vector<double> totals = received(attention);
  const Summary summary{
      .layers = layer_metrics(attention),
      .uniform_entropy = uniform_entropy(attention.keys, attention.causal),
      .mean = subject.map({mean, attention.keys}, visible(subject.card().name) + " · Summary"),
      .received = totals};
  const Look look = options.drawing.look.with_default("YlOrRd");
  if (options.drawing.output.path != "-") print(streams.out, in_numbers(subject, summary));
  drawing.finish(summary, look);
  return 0;
}

}  // namespace

Command summary_command() {
  return {"summary", "draw and print a model's attention at a glance",
          run_command<SummaryOptions, summary_flags, summarize>};
}

}  // namespace attnviz::cli
