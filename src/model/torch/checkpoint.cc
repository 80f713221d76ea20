#include <c10/core/InferenceMode.h>

#include <optional>
#include <utility>

#include "model/torch/architecture.h"
#include "model/torch/backends.h"
#include "model/torch/request.h"
#include "model/torch/runtime.h"
#include "model/torch/stack.h"
#include "model/torch/top.h"
#include "model/torch/weights.h"

namespace attnviz {
namespace {

constexpr char kLessMemory[] = "a shorter text, fewer layers or heads, or a smaller batch needs less memory";

class CheckpointModel final : public Model {
 public:
  CheckpointModel(const ModelCard& card, const ModelOptions& options)
      : card_(card),
        architecture_(read_architecture(Config(card.directory / "config.json"))),
        device_(find_device(options.device)),
        weights_(card.directory, architecture_.anchor(), device_, type_of(options.precision)),
        first_(architecture_, weights_, device_) {
    card_.layers = static_cast<int>(architecture_.layers.size());
    card_.heads = static_cast<int>(architecture_.heads);
    card_.hidden = static_cast<int>(architecture_.hidden);
    card_.max_tokens = architecture_.max_tokens();
    card_.causal = architecture_.causal;
    card_.decoder_layers = card_.decoder_heads = 0;
    if (const Architecture* const decoder = architecture_.decoder.get()) {
      second_.emplace(*decoder, weights_, device_);
      card_.decoder_layers = static_cast<int>(decoder->layers.size());
      card_.decoder_heads = static_cast<int>(decoder->heads);
      card_.decoder_causal = decoder->causal;
    }
    prepare_process(options.threads);
  }

  [[nodiscard]] const ModelCard& card() const override { return card_; }
  [[nodiscard]] Backend backend() const override { return Backend::checkpoint; }
  [[nodiscard]] std::string device() const override { return device_.str(); }

  using Model::run;
  [[nodiscard]] std::vector<Attention> run(std::span<const Encoding> sources,
                                           std::span<const Encoding> targets,
                                           const Selection& selection) override {
    Request request = checked(selection, card_);
    const Stack& stack = request.part == AttentionPart::encoder ? first_ : *second_;
    request.head_size = static_cast<std::size_t>(stack.architecture().head_size);
    for (const int layer : request.layers) {
      const LayerPlan& plan = stack.architecture().layers[static_cast<std::size_t>(layer - 1)];
      request.dot_scales.push_back(plan.scale);
      request.windows.push_back(static_cast<std::size_t>(plan.window));
    }
    refuse_unexplained(request, stack);
    check(sources, card_, vocabulary_of(first_));
    if (&stack != &first_) {
      if (targets.size() != sources.size()) refuse_unpaired(sources.size(), targets.size());
      check(targets, card_, vocabulary_of(stack));
    }
    if (sources.empty()) return {};
    return translated(card_.name, kLessMemory, [&] {
      const c10::InferenceMode guard;
      return &stack == &first_ ? attend(sources, request) : decode(sources, targets, request);
    });
  }

  [[nodiscard]] Prediction predict(const Encoding& encoding, std::span<const HeadPlace> ablated) override {
    if (second_) {
      throw Error(card_.name + ": predictions of an encoder-decoder are not implemented",
                  "take a classifier or a language model of one stack");
    }
    Request request;  // of no map
    request.ablated.assign(ablated.begin(), ablated.end());
    check(ablated, card_);
    check({&encoding, 1}, card_, vocabulary_of(first_));
    return translated(card_.name, "a shorter text needs less memory", [&] {
      if (!top_) {
        const Config config(card_.directory / "config.json");
        top_.emplace(architecture_, read_task(config, architecture_), weights_);
      }
      const c10::InferenceMode guard;
      const Batch batch = make_batch({&encoding, 1});
      Run run = first_.start(batch, request);
      return (*top_)(first_.run_layers(architecture_.layers.size(), batch, run), encoding.ids);
    });
  }

 private:
  [[nodiscard]] static Vocabulary vocabulary_of(const Stack& stack) {
    return {stack.architecture().vocabulary, stack.architecture().types};
  }
  void refuse_unexplained(const Request& request, const Stack& stack) const;
  [[noreturn]] void refuse_unpaired(std::size_t sources, std::size_t targets) const;
  [[nodiscard]] std::vector<Attention> attend(std::span<const Encoding> encodings,
                                              const Request& request) const;
  [[nodiscard]] std::vector<Attention> decode(std::span<const Encoding> sources,
                                              std::span<const Encoding> targets,
                                              const Request& request) const;

  ModelCard card_;
  Architecture architecture_;
  c10::Device device_;
  Weights weights_;
  Stack first_;                  ///< the only one of most models, the encoder of some
  std::optional<Stack> second_;  ///< the decoder behind it
  std::optional<Top> top_;       ///< bound by the first prediction: attention needs none
};

std::vector<Attention> CheckpointModel::attend(std::span<const Encoding> encodings,
                                               const Request& request) const {
  const Batch batch = make_batch(encodings);
  Run run = first_.start(batch, request);
  run.results = make_results({encodings, encodings}, request, card_);
  first_.take_out(batch, run);
  return std::move(run.results);
}

std::vector<Attention> CheckpointModel::decode(std::span<const Encoding> sources,
                                               std::span<const Encoding> targets,
                                               const Request& request) const {
  const bool cross = request.part == AttentionPart::cross;
  std::optional<Source> source;
  // The first layer looks at the target before it looks at the source.
  if (cross || request.deepest > 1) {
    const Batch batch = make_batch(sources);
    source.emplace(Source{first_.encode(batch), Scores(batch, device_)});
  }
  const Batch batch = make_batch(targets);
  Run run = second_->start(batch, request);
  run.source = std::move(source);
  run.results = make_results({targets, cross ? sources : targets}, request, card_);
  second_->take_out(batch, run);
  return std::move(run.results);
}

/// Query and key vectors are asked for to see where the weights come from.
void CheckpointModel::refuse_unexplained(const Request& request, const Stack& stack) const {
  if (!request.with_query_key) return;
  if (request.kind == WeightKind::norm) {
    throw Error(card_.name + ": query and key vectors do not make up norms, which need the value vectors",
                "ask for attention weights, or for the norms alone");
  }
  if (!stack.has_bias() || request.part == AttentionPart::cross) return;
  throw Error(card_.name + ": query and key vectors do not make up the weights of a model of type " +
                  card_.architecture + ", which adds a bias by distance",
              "ask for the weights alone");
}

void CheckpointModel::refuse_unpaired(std::size_t sources, std::size_t targets) const {
  throw Error(card_.name + ": " + std::to_string(targets) + " target texts for " + std::to_string(sources) +
                  " source texts, expected one each",
              "a decoder reads what it is to say of the source");
}

}  // namespace

std::unique_ptr<Model> open_checkpoint(const ModelCard& card, const ModelOptions& options) {
  return translated(card.name, "", [&] { return std::make_unique<CheckpointModel>(card, options); });
}

}  // namespace attnviz
