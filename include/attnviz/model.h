/// model: runs a transformer over token ids and takes out its attention. Behind it: libtorch, opened
/// only when a model runs.
#pragma once

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

struct ModelOptions {
  Backend backend = Backend::automatic;
  std::string device = "auto";  ///< auto, cpu, cuda or cuda:N
  int threads = 0;              ///< 0: as many as there are physical cores
  bool trusted = false;         ///< a TorchScript file runs without check_program()
};

/// What to take out. Empty layers or heads: all of them.
struct Selection {
  std::vector<int> layers = {};             ///< counting from 1
  std::vector<int> heads = {};              ///< counting from 0
  bool with_query_key = false;              ///< checkpoint backend only
  WeightKind kind = WeightKind::attention;  ///< norms: checkpoint backend only, without query and key vectors
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
  /// of range, more tokens than the model takes, an id outside its vocabulary.
  [[nodiscard]] virtual std::vector<Attention> run(std::span<const Encoding> encodings,
                                                   const Selection& selection) = 0;
};

/// About the most bytes that run() will need beyond the weights for one batch of sentences of `tokens`
/// each, its results included; from shapes alone.
[[nodiscard]] std::size_t predicted_memory(const ModelCard& card, std::size_t sentences, std::size_t tokens,
                                           const Selection& selection, Backend backend = Backend::automatic);

/// Opens libtorch on its first call, then the model. Throws Error naming the file and the fault.
[[nodiscard]] std::unique_ptr<Model> open_model(const ModelCard& card, const ModelOptions& options = {});

/// "2.13.0", of the libtorch that open_model uses; opens it.
[[nodiscard]] std::string torch_version();

}  // namespace attnviz
