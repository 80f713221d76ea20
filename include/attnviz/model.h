/// model: runs a transformer over token ids and takes out its attention. Behind it: libtorch, opened
/// only when a model runs.
#pragma once

#include <compare>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "attnviz/attention.h"
#include "attnviz/catalog.h"
#include "attnviz/tokens.h"

namespace attnviz {

enum class Backend {
  automatic,    ///< the checkpoint where its architecture is known, else TorchScript
  checkpoint,   ///< our own forward on a mapped model.safetensors
  torchscript,  ///< model.pt
};

/// What the layers compute in. Scores and what softmax makes of them are float32 in any, and so are results.
enum class Precision { fp32, bf16, fp16 };

struct ModelOptions {
  Backend backend = Backend::automatic;
  std::string device = "auto";            ///< auto, cpu, cuda or cuda:N
  int threads = 0;                        ///< 0: as many as there are physical cores
  Precision precision = Precision::fp32;  ///< another: checkpoint backend only
  bool trusted = false;                   ///< a TorchScript file runs without check_program()
  bool allow_non_finite = false;          ///< NaN and infinity are given as eager attention has them
};

/// A head of one layer, by their numbers.
struct HeadPlace {
  int layer = 1;
  int head = 0;

  friend bool operator==(const HeadPlace&, const HeadPlace&) = default;
};

/// What to take out. Empty layers or heads: all of them.
struct Selection {
  std::vector<int> layers = {};             ///< counting from 1
  std::vector<int> heads = {};              ///< counting from 0
  bool with_query_key = false;              ///< checkpoint backend only
  WeightKind kind = WeightKind::attention;  ///< norms: checkpoint backend only, without query and key vectors
  std::vector<HeadPlace> ablated = {};      ///< heads that give zeros to their layer; checkpoint backend only
  AttentionPart part = AttentionPart::encoder;  ///< which layers and heads these are
};

/// What a model was trained to say of a text.
struct Prediction {
  enum class Kind {
    one_label,    ///< of several: softmax
    many_labels,  ///< each on its own: sigmoid
    value,        ///< a regression's
    next_token    ///< what follows the text: softmax over the vocabulary
  };
  Kind kind = Kind::one_label;
  std::vector<std::string> labels = {};  ///< by index; of a next token none, the index is its id
  std::vector<float> logits = {};
  std::vector<float> probabilities = {};  ///< a regression's are its logits
};

/// A model, ready to run. One thread at a time.
class Model {
 public:
  virtual ~Model() = default;

  /// What is known of it; complete (a probe run has filled what files did not say).
  [[nodiscard]] virtual const ModelCard& card() const = 0;
  [[nodiscard]] virtual Backend backend() const = 0;  ///< never automatic
  [[nodiscard]] virtual std::string device() const = 0;

  /// Runs the encodings as one padded batch; one Attention each, without the padding. The numbers do
  /// not depend on what a sentence is batched with (≤ 1e-5). Throws Error: a layer or head out
  /// of range, more tokens than the model takes, an id outside its vocabulary; a state or score on the way
  /// that is not finite, unless that is allowed: then weights are what eager attention makes of it, NaN above
  /// the diagonal, too.
  [[nodiscard]] std::vector<Attention> run(std::span<const Encoding> encodings, const Selection& selection) {
    return run(encodings, {}, selection);
  }

  /// The same of an encoder-decoder, whose decoder and cross attention need `targets`, one for each source:
  /// the decoder's input as it is, decoder_start_id in front. Decoder maps are [target, target] tokens, those
  /// of cross attention [target, source]. Throws Error for a part that the model has not, or without targets.
  [[nodiscard]] virtual std::vector<Attention> run(std::span<const Encoding> sources,
                                                   std::span<const Encoding> targets,
                                                   const Selection& selection) = 0;

  /// What the checkpoint's own classifier or language model head says of one text, with some heads ablated.
  /// Throws Error as run(), of logits that are not finite likewise, and where the checkpoint has no such
  /// head; TorchScript gives none.
  [[nodiscard]] virtual Prediction predict(const Encoding& encoding, std::span<const HeadPlace> ablated) = 0;
};

/// How many layers a part has, and how many heads each of them.
[[nodiscard]] inline int layers_of(const ModelCard& card, AttentionPart part) {
  return part == AttentionPart::encoder ? card.layers : card.decoder_layers;
}
[[nodiscard]] inline int heads_of(const ModelCard& card, AttentionPart part) {
  return part == AttentionPart::encoder ? card.heads : card.decoder_heads;
}

/// Whether its queries see nothing behind them.
[[nodiscard]] inline bool is_causal(const ModelCard& card, AttentionPart part) {
  if (part == AttentionPart::encoder) return card.causal;
  return part == AttentionPart::decoder && card.decoder_causal;
}

/// Sentences of as many tokens each.
struct BatchShape {
  std::size_t sentences = 1;
  std::size_t tokens = 0;
  std::size_t target_tokens = 0;  ///< of the decoder and cross attention's targets
  bool padded = false;            ///< to the longest of them
};

/// So many bytes or numbers, as computed from what a configuration says, which may be anything: a sum or
/// product beyond the largest, which no machine has, is the largest, and so is half of it. Some hundred of
/// the largest can be added in a std::size_t.
class Amount {
 public:
  static constexpr std::size_t kLargest = std::size_t{1} << 56;

  constexpr Amount(std::size_t value = 0) : value_(value < kLargest ? value : kLargest) {}
  [[nodiscard]] constexpr std::size_t value() const { return value_; }

  friend constexpr Amount operator+(Amount a, Amount b) { return a.value_ + b.value_; }
  /// Nothing where b is more.
  friend constexpr Amount operator-(Amount a, Amount b) {
    if (a.value_ == kLargest) return a;
    return a.value_ > b.value_ ? a.value_ - b.value_ : 0;
  }
  friend constexpr Amount operator*(Amount a, Amount b) {
    return b.value_ != 0 && a.value_ > kLargest / b.value_ ? kLargest : a.value_ * b.value_;
  }
  friend constexpr Amount operator/(Amount a, std::size_t b) {
    return a.value_ == kLargest ? a : a.value_ / b;
  }
  friend constexpr auto operator<=>(Amount, Amount) = default;

 private:
  std::size_t value_;
};

/// About the most bytes that run() will need beyond the weights for one batch, its results included; from
/// shapes alone.
[[nodiscard]] std::size_t predicted_memory(const ModelCard& card, const BatchShape& batch,
                                           const Selection& selection, const ModelOptions& options = {});

/// The same of predict(), for a text of `tokens` and at most so many logits: labels, or a vocabulary's
/// tokens.
[[nodiscard]] std::size_t prediction_memory(const ModelCard& card, std::size_t tokens, std::size_t logits);

/// Opens libtorch on its first call, then the model. Throws Error naming the file and the fault.
[[nodiscard]] std::unique_ptr<Model> open_model(const ModelCard& card, const ModelOptions& options = {});

/// "2.13.0", of the libtorch that open_model uses; opens it.
[[nodiscard]] std::string torch_version();

}  // namespace attnviz
