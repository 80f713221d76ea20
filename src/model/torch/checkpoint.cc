#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "model/torch/architecture.h"
#include "model/torch/backends.h"
#include "model/torch/not_finite.h"
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
        precision_(options.precision),
        allow_non_finite_(options.allow_non_finite),
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
      return run_alike(sources, targets, request);
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
      return predict_alike(encoding, request);
    });
  }

 private:
  [[nodiscard]] static Vocabulary vocabulary_of(const Stack& stack) {
    return {stack.architecture().vocabulary, stack.architecture().types};
  }
  void refuse_unexplained(const Request& request, const Stack& stack) const;
  [[noreturn]] void refuse_unpaired(std::size_t sources, std::size_t targets) const;
  /// What a run gave, and whether it is what eager attention gives.
  struct Outcome {
    std::vector<Attention> results;
    bool sound = true;
    std::optional<NotFinite> fault = {};  ///< of an eager run
  };
  [[nodiscard]] std::vector<Attention> run_alike(std::span<const Encoding> sources,
                                                 std::span<const Encoding> targets,
                                                 const Request& request) const;
  [[nodiscard]] Prediction predict_alike(const Encoding& encoding, const Request& request) const;
  [[nodiscard]] Outcome attend(std::span<const Encoding> encodings, const Request& request) const;
  [[nodiscard]] Outcome decode(std::span<const Encoding> sources, std::span<const Encoding> targets,
                               const Request& request) const;
  void refuse_not_finite(const NotFinite& fault, const Encoding& queries, const Encoding& keys) const {
    if (!allow_non_finite_) throw not_finite_error(fault, card_, precision_, queries, keys);
  }

  ModelCard card_;
  Precision precision_;
  bool allow_non_finite_;
  Architecture architecture_;
  c10::Device device_;
  Weights weights_;
  Stack first_;                  ///< the only one of most models, the encoder of some
  std::optional<Stack> second_;  ///< the decoder behind it
  std::optional<Top> top_;       ///< bound by the first prediction: attention needs none
};

/// As eager attention gives it. Fused kernels drop NaN that it lets through, and a mask that is added, as its
/// is, spreads what is not finite in one text's padding: where a run meets any of that, texts run one by one.
std::vector<Attention> CheckpointModel::run_alike(std::span<const Encoding> sources,
                                                  std::span<const Encoding> targets,
                                                  const Request& request) const {
  const auto run = [&](const Request& wanted) {
    return request.part == AttentionPart::encoder ? attend(sources, wanted)
                                                  : decode(sources, targets, wanted);
  };
  Outcome outcome = run(request);
  if (outcome.sound) return std::move(outcome.results);
  outcome.results.clear();
  if (sources.size() == 1) {
    Request eager = request;
    eager.eager = true;
    outcome = run(eager);
    if (const auto& fault = outcome.fault) {
      const bool of_target = fault->of != AttentionPart::encoder;
      refuse_not_finite(*fault, of_target ? targets[0] : sources[0],
                        of_target && !fault->cross ? targets[0] : sources[0]);
    }
    return std::move(outcome.results);
  }
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const std::span<const Encoding> target = targets.empty() ? targets : targets.subspan(i, 1);
    std::vector<Attention> alone = run_alike(sources.subspan(i, 1), target, request);
    outcome.results.push_back(std::move(alone.front()));
  }
  return std::move(outcome.results);
}

Prediction CheckpointModel::predict_alike(const Encoding& encoding, const Request& request) const {
  const Batch batch = make_batch({&encoding, 1});
  Run run = first_.start(batch, request);
  const at::Tensor states = first_.run_through(batch, run);
  if (!run.is_sound()) {
    Request eager = request;
    eager.eager = true;
    return predict_alike(encoding, eager);
  }
  if (run.fault) refuse_not_finite(*run.fault, encoding, encoding);
  Prediction made = (*top_)(states, encoding.ids);
  const auto finite = [](float logit) { return std::isfinite(logit); };
  if (!allow_non_finite_ && !std::all_of(made.logits.begin(), made.logits.end(), finite)) {
    throw not_finite_logits(card_, precision_);
  }
  return made;
}

CheckpointModel::Outcome CheckpointModel::attend(std::span<const Encoding> encodings,
                                                 const Request& request) const {
  const Batch batch = make_batch(encodings);
  Run run = first_.start(batch, request);
  run.results = make_results({encodings, encodings}, request, card_);
  first_.take_out(batch, run);
  return {std::move(run.results), run.is_sound(), run.fault};
}

CheckpointModel::Outcome CheckpointModel::decode(std::span<const Encoding> sources,
                                                 std::span<const Encoding> targets,
                                                 const Request& request) const {
  const bool cross = request.part == AttentionPart::cross;
  std::optional<Source> source;
  std::optional<NotFinite> fault;
  bool sound = true;
  // The first layer looks at the target before it looks at the source.
  if (cross || request.deepest > 1) {
    const Batch batch = make_batch(sources);
    Request of_no_map;
    of_no_map.eager = request.eager;
    Run run = first_.start(batch, of_no_map);
    source.emplace(Source{first_.encode(batch, run), Scores(batch, device_, request.eager)});
    sound = run.is_sound();
    fault = run.fault;
  }
  const Batch batch = make_batch(targets);
  Run run = second_->start(batch, request);
  run.source = std::move(source);
  run.results = make_results({targets, cross ? sources : targets}, request, card_);
  second_->take_out(batch, run);
  if (!fault && run.fault) {
    fault = run.fault;
    fault->of = AttentionPart::decoder;
  }
  return {std::move(run.results), sound && run.is_sound(), fault};
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
