/// attention: the numbers, and the tensor files they come from and go to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attnviz/file.h"

namespace attnviz {

/// Borrowed numbers, row-major; rows are queries, columns are keys.
struct MatrixView {
  std::span<const float> values;
  std::size_t columns = 0;

  [[nodiscard]] std::size_t rows() const { return columns ? values.size() / columns : 0; }
  [[nodiscard]] float operator()(std::size_t row, std::size_t column) const {
    return values[row * columns + column];
  }
};

/// What a query's weights on its keys measure.
enum class WeightKind {
  attention,  ///< α: every row of keys sums to 1
  norm,  ///< ‖α·f(x)‖, f(x) a head's share of the output for a key (Kobayashi et al. 2020): 0 or more
};

/// Whose attention, of a model that has a decoder behind its encoder. Any other model has one part: encoder.
enum class AttentionPart {
  encoder,  ///< from the source to itself
  decoder,  ///< from the target to itself: causal
  cross,    ///< of the decoder's layers, from the target to the source
};

/// Attention weights of one sentence or pair for some layers and heads of a model.
/// weights.size() == layers.size() * heads.size() * queries * keys, in that order; every row of
/// keys sums to 1 unless they are norms; above the diagonal of a causal model every weight is exactly 0.
struct Attention {
  std::vector<int> layers;  ///< the layers' numbers, counting from 1, in the order asked for
  std::vector<int> heads;   ///< the heads' numbers, counting from 0, in the order asked for
  std::size_t queries = 0;
  std::size_t keys = 0;  ///< as many as queries but in cross attention
  bool causal = false;
  WeightKind kind = WeightKind::attention;
  std::vector<float> weights;

  /// Empty, or what the weights were computed from: [layers, heads, tokens, head_size], the query and key
  /// vectors after the projections' biases, norms and rotations and before the scaling. Heads that share keys
  /// have each its copy.
  std::size_t head_size = 0;
  std::vector<float> query{};
  std::vector<float> key{};
  /// [layers]: what the dot products of query and key are multiplied with: 1/sqrt(head_size) in most models,
  /// 1 in T5 and GPT-Neo.
  std::vector<double> dot_scales{};
  /// [layers]: a query sees the keys that stand fewer tokens than that from it; 0: all that the order leaves.
  std::vector<std::size_t> windows{};

  /// By number, not index. Throws Error when it is not among layers or heads.
  [[nodiscard]] MatrixView at(int layer, int head) const;
};

/// Throws Error naming the layer, head and row that break what Attention promises: sizes, finite
/// weights in [0, 1], rows that sum to 1 within `tolerance` (norms: finite and not below 0), zeros above the
/// diagonal when causal.
void validate(const Attention& attention, float tolerance = 1e-4F);

/// The mean over heads of one layer: [queries, keys], row-major.
[[nodiscard]] std::vector<float> head_mean(const Attention& attention, int layer);

/// Name and value pairs that say where numbers come from (model, text, tokens, program version).
using Provenance = std::map<std::string, std::string>;

/// A float32 tensor to be written, row-major.
struct NamedTensor {
  std::string name;
  std::vector<std::size_t> shape;
  std::span<const float> values;
};

enum class TensorFormat { safetensors, npz, json };

/// Tensors as they are, but that JSON has null for what is not finite; the provenance becomes the file's
/// metadata. Throws Error when values do not fill a shape.
void write_tensors(std::span<const NamedTensor> tensors, const Provenance& provenance, TensorFormat format,
                   const Sink& sink);

/// `attention`, or `norm` where the weights are norms, as float32 [layers, heads, queries, keys] and, when
/// present, `query` and `key`; the provenance, with "layers" and "heads" added as JSON lists, becomes the
/// file's metadata.
void write_safetensors(const Attention& attention, const Provenance& provenance, const Sink& sink);
void write_npz(const Attention& attention, const Provenance& provenance, const Sink& sink);
void write_json(const Attention& attention, const Provenance& provenance, const Sink& sink);

/// One tensor of a safetensors file, borrowed from the mapping.
struct TensorView {
  enum class Type { f64, f32, f16, bf16, i64, i32, i16, i8, u8, boolean };
  Type type = Type::f32;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;  ///< little-endian, row-major; not necessarily aligned
};

/// A checked, mapped safetensors file, or the files of a sharded checkpoint as one. The header's
/// size, every offset, shape and type are checked before anything is used
/// (https://github.com/huggingface/safetensors, format): inside the file, no overlap, no holes
/// in what is used, sizes that fit the shape without overflow, known types, no duplicate names.
class Safetensors {
 public:
  /// `path` is a .safetensors file or a .safetensors.index.json. Throws Error naming file and fault.
  explicit Safetensors(const std::filesystem::path& path);
  Safetensors(Safetensors&&) noexcept;
  Safetensors& operator=(Safetensors&&) noexcept;
  ~Safetensors();

  [[nodiscard]] const std::map<std::string, TensorView, std::less<>>& tensors() const;
  [[nodiscard]] const Provenance& metadata() const;
  /// The files it is made of: one, or the shards.
  [[nodiscard]] const std::vector<std::filesystem::path>& files() const;

 private:
  struct State;
  std::unique_ptr<const State> state_;
};

}  // namespace attnviz
