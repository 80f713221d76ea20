/// A module in libtorch's place whose weights are made of the ids: the program's own threads can be watched
/// by sanitizers, which understand nothing of what libtorch's do.
#include <cmath>

#include "model/module.h"
#include "model/torch/request.h"

namespace attnviz {
namespace {

constexpr std::size_t kHeadSize = 8;

/// The weight of a key before its row is made to sum to 1.
float raw_weight(int layer, int head, std::int64_t query, std::int64_t key) {
  return 1 +
         std::sin(static_cast<float>(layer * 31 + head * 7) + static_cast<float>(query % 97 * (key % 89)));
}

void fill(Attention& attention, const Encoding& queries, const Encoding& keys) {
  float* row = attention.weights.data();
  for (const int layer : attention.layers) {
    for (const int head : attention.heads) {
      for (std::size_t query = 0; query < attention.queries; ++query, row += attention.keys) {
        const std::size_t seen = attention.causal ? query + 1 : attention.keys;
        float sum = 0;
        for (std::size_t key = 0; key < seen; ++key) {
          row[key] = raw_weight(layer, head, queries.ids[query], keys.ids[key]);
          sum += row[key];
        }
        for (std::size_t key = 0; key < seen; ++key) row[key] /= sum;
      }
    }
  }
}

/// Made of the place in the tensor alone.
void fill(std::vector<float>& vectors) {
  for (std::size_t i = 0; i < vectors.size(); ++i) vectors[i] = std::sin(static_cast<float>(i % 1009));
}

class StandIn : public Model {
 public:
  explicit StandIn(const ModelCard& card) : card_(card) {}

  [[nodiscard]] const ModelCard& card() const override { return card_; }
  [[nodiscard]] Backend backend() const override { return Backend::checkpoint; }
  [[nodiscard]] std::string device() const override { return "cpu"; }

  [[nodiscard]] std::vector<Attention> run(std::span<const Encoding> sources,
                                           std::span<const Encoding> targets,
                                           const Selection& selection) override {
    Request request = checked(selection, card_);
    request.head_size = kHeadSize;
    const Texts texts{.queries = request.part == AttentionPart::encoder ? sources : targets,
                      .keys = request.part == AttentionPart::decoder ? targets : sources};
    std::vector<Attention> results = make_results(texts, request, card_);
    for (std::size_t i = 0; i < results.size(); ++i) {
      fill(results[i], texts.queries[i], texts.keys[i]);
      fill(results[i].query);
      fill(results[i].key);
    }
    return results;
  }

  [[nodiscard]] Prediction predict(const Encoding& encoding, std::span<const HeadPlace> ablated) override {
    check(ablated, card_);
    const auto logit = static_cast<float>(encoding.ids.size()) / 8;
    const float probability = 1 / (1 + std::exp(-logit));
    return {.kind = Prediction::Kind::many_labels,
            .labels = {"long"},
            .logits = {logit},
            .probabilities = {probability}};
  }

 private:
  ModelCard card_;
};

std::unique_ptr<Model> open(const ModelCard& card, const ModelOptions& /*options*/) {
  if (card.has_checkpoint)
    const Safetensors weights(weights_file(card.directory));  // refuses a broken one
  return std::make_unique<StandIn>(card);
}

std::string version() { return "none, a stand-in"; }

}  // namespace
}  // namespace attnviz

extern "C" const attnviz::ModuleFunctions attnviz_module{attnviz::share_watched_files, attnviz::open,
                                                         attnviz::version};
