#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>
#include <ATen/ops/arange.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/python/update_graph_executor_opt.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>
#include <utility>

#include "model/torch/backends.h"
#include "model/torch/not_finite.h"
#include "model/torch/request.h"
#include "model/torch/runtime.h"
#include "model/torch/script_module.h"

namespace attnviz {
namespace {

constexpr char kHint[] = "make one with scripts/export_model.py, which traces with any batch size and length";

enum class Input { ids, mask, types, positions };

/// What an argument takes, by its name.
std::optional<Input> input_of(const std::string& name) {
  const auto has = [&](std::string_view part) { return name.find(part) != std::string::npos; };
  if (has("embeds") || has("decoder") || has("head_mask") || has("past")) return std::nullopt;
  if (has("mask")) return Input::mask;
  if (has("type") || has("segment")) return Input::types;
  if (has("position")) return Input::positions;
  if (has("ids") || has("input") || has("tokens")) return Input::ids;
  return std::nullopt;
}

/// The inputs of forward, in order. Names that say nothing ("x") count as the usual order says.
std::vector<Input> find_inputs(const c10::FunctionSchema& schema, const std::string& path) {
  constexpr Input kUsual[] = {Input::ids, Input::mask, Input::types};
  const std::vector<c10::Argument>& arguments = schema.arguments();
  std::vector<Input> inputs;
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const c10::Argument& argument = arguments[i];
    const std::optional<Input> named = input_of(argument.name());
    const bool tensor = argument.type()->isSubtypeOf(*c10::TensorType::get());
    const bool nameless = argument.name().size() <= 2 || argument.name().starts_with("argument");
    if (named && tensor) {
      inputs.push_back(*named);
    } else if (argument.default_value()) {
      break;  // it and what follows keep their defaults
    } else if (nameless && tensor && i <= std::size(kUsual)) {
      inputs.push_back(kUsual[i - 1]);
    } else {
      throw Error(path + ": forward takes \"" + argument.name() +
                      "\", expected input_ids, attention_mask and token_type_ids",
                  kHint);
    }
  }
  if (std::find(inputs.begin(), inputs.end(), Input::ids) == inputs.end()) {
    throw Error(path + ": forward takes no token ids", kHint);
  }
  return inputs;
}

/// Whether `tensor` holds attention weights: past keys and values have the same shape where a head is as wide
/// as the text is long, but their rows do not sum to 1.
bool is_attention(const at::Tensor& tensor, const Batch& batch) {
  const std::int64_t tokens = batch.ids.size(1);
  if (!tensor.is_floating_point() || tensor.dim() != 4) return false;
  const bool square = tensor.size(2) == tokens && tensor.size(3) == tokens;
  if (tensor.size(0) != batch.ids.size(0) || !square) return false;
  constexpr double kHalfPrecision = 1e-2;
  const at::Tensor first_rows = tensor.select(2, 0).to(at::kFloat);
  // Written so that NaN passes, which a row of weights may become.
  return !first_rows.sum(-1).sub(1).abs().gt(kHalfPrecision).any().item<bool>() &&
         !first_rows.lt(0).any().item<bool>();
}

/// As float32 on the CPU. Rows that were rounded to half precision sum to 1 within 1e-3 only: they are scaled
/// to what an Attention promises, by less than their own rounding.
at::Tensor exact_rows(const at::Tensor& attention) {
  const at::Tensor rows = attention.to(at::kCPU, at::kFloat).contiguous();
  return c10::elementSize(attention.scalar_type()) < sizeof(float) ? rows.div(rows.sum(-1, true)) : rows;
}

class TorchScriptModel final : public Model {
 public:
  TorchScriptModel(const ModelCard& card, const ModelOptions& options)
      : card_(card),
        path_((card.directory / "model.pt").string()),
        device_(find_device(options.device)),
        allow_non_finite_(options.allow_non_finite) {
    if (options.precision != Precision::fp32) {
      throw Error(card.name + ": a TorchScript model runs in the precision that it was exported in",
                  "--backend checkpoint runs in others, where there is a checkpoint");
    }
    prepare_process(options.threads);
    // The profiling executor would spend 0.3 s on optimizing what runs once.
    torch::jit::setGraphExecutorOptimize(false);
    script_.emplace(path_, options.trusted, device_);
    inputs_ = find_inputs(script_->module().get_method("forward").function().getSchema(), path_);
    read_parameters();
    if (card_.sha256.contains("model.pt") && card_.layers > 0 && card_.heads > 0) {
      batches_ = takes(Input::mask);  // the exporter has compared it in batches
    } else {
      probe();
    }
  }

  [[nodiscard]] const ModelCard& card() const override { return card_; }
  [[nodiscard]] Backend backend() const override { return Backend::torchscript; }
  [[nodiscard]] std::string device() const override { return device_.str(); }

  [[nodiscard]] std::vector<Attention> run(std::span<const Encoding> encodings,
                                           std::span<const Encoding> /*targets*/,
                                           const Selection& selection) override {
    const Request request = checked(selection, card_);
    if (request.with_query_key) refuse("gives no query and key vectors");
    if (request.kind == WeightKind::norm) refuse("gives no norms, which need its value vectors");
    if (!request.ablated.empty()) refuse("ablates no head");
    if (request.part != AttentionPart::encoder) refuse("gives an encoder's attention only");
    check(encodings, card_, vocabulary_);
    std::vector<Attention> results = make_results({encodings, encodings}, request, card_);
    const std::size_t together = batches_ ? std::max<std::size_t>(encodings.size(), 1) : 1;
    for (std::size_t first = 0; first < encodings.size(); first += together) {
      take_out(encodings.subspan(first, together), request, std::span(results).subspan(first, together));
    }
    return results;
  }

  [[nodiscard]] Prediction predict(const Encoding& /*encoding*/,
                                   std::span<const HeadPlace> /*ablated*/) override {
    refuse("gives no prediction");
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(card_.name + ": a TorchScript model " + what, "--backend checkpoint does");
  }
  [[nodiscard]] bool takes(Input input) const {
    return std::find(inputs_.begin(), inputs_.end(), input) != inputs_.end();
  }

  /// One [sentences, heads, tokens, tokens] a layer.
  [[nodiscard]] std::vector<at::Tensor> forward(const Batch& batch);
  void take_out(std::span<const Encoding> encodings, const Request& request, std::span<Attention> results);
  [[nodiscard]] static std::optional<NotFinite> find_fault(const std::vector<at::Tensor>& layers,
                                                           const Request& request);
  static void copy(const std::vector<at::Tensor>& layers, std::size_t sentence, Attention& result);
  void read_parameters();
  void probe();

  ModelCard card_;
  std::string path_;
  c10::Device device_;
  bool allow_non_finite_;
  std::optional<ScriptModule> script_;
  std::vector<Input> inputs_;
  Vocabulary vocabulary_;
  bool batches_ = false;  ///< whether padded batches give each sentence its own numbers
};

std::vector<at::Tensor> TorchScriptModel::forward(const Batch& batch) {
  const c10::InferenceMode guard;
  const std::string size =
      std::to_string(batch.ids.size(0)) + " × " + std::to_string(batch.ids.size(1)) + " tokens";
  std::vector<c10::IValue> arguments;
  for (const Input input : inputs_) {
    switch (input) {
      case Input::ids:
        arguments.emplace_back(batch.ids.to(device_));
        break;
      case Input::mask:
        arguments.emplace_back(batch.mask.to(at::kLong).to(device_));
        break;
      case Input::types:
        arguments.emplace_back(batch.types.to(device_));
        break;
      case Input::positions:
        arguments.emplace_back(at::arange(batch.ids.size(1), at::kLong).expand_as(batch.ids).to(device_));
        break;
    }
  }
  const c10::IValue output =
      translated(path_ + ": fails on " + size, kHint, [&] { return script_->forward(std::move(arguments)); });
  std::vector<at::Tensor> layers;
  for (const at::Tensor& tensor : tensors_in(output)) {
    if (is_attention(tensor, batch)) layers.push_back(exact_rows(tensor));
  }
  const auto expected = static_cast<std::size_t>(card_.layers);
  const bool heads_agree = std::all_of(layers.begin(), layers.end(), [&](const at::Tensor& layer) {
    return layer.size(1) == (card_.heads > 0 ? card_.heads : layers[0].size(1));
  });
  if (!layers.empty() && heads_agree && (expected == 0 || layers.size() == expected)) return layers;
  throw Error(path_ + ": gives " + std::to_string(layers.size()) + " attention tensors for " + size +
                  ", expected " +
                  (expected ? std::to_string(expected) + " of " + std::to_string(card_.heads) + " heads"
                            : "one [batch, heads, tokens, tokens] a layer"),
              "trace it with output_attentions=True and attn_implementation=\"eager\"");
}

/// A batch, or where something in it is not finite its texts one by one: masks that are added spread NaN of
/// one text's padding.
void TorchScriptModel::take_out(std::span<const Encoding> encodings, const Request& request,
                                std::span<Attention> results) {
  const std::vector<at::Tensor> layers = forward(make_batch(encodings));
  if (const std::optional<NotFinite> fault = find_fault(layers, request)) {
    if (encodings.size() > 1) {
      for (std::size_t i = 0; i < encodings.size(); ++i)
        take_out(encodings.subspan(i, 1), request, results.subspan(i, 1));
      return;
    }
    if (!allow_non_finite_)
      throw not_finite_error(*fault, card_, Precision::fp32, encodings[0], encodings[0]);
  }
  for (std::size_t i = 0; i < encodings.size(); ++i) copy(layers, i, results[i]);
}

/// The first layer and head on the way to what is asked for with weights that are not finite.
std::optional<NotFinite> TorchScriptModel::find_fault(const std::vector<at::Tensor>& layers,
                                                      const Request& request) {
  for (int number = 1; number <= request.deepest; ++number) {
    const at::Tensor& layer = layers[static_cast<std::size_t>(number - 1)];
    if (std::isfinite(layer.sum().item<float>())) continue;
    for (int head = 0; head < static_cast<int>(layer.size(1)); ++head) {
      const auto& asked = request.heads;
      const bool needed =
          number < request.deepest || std::find(asked.begin(), asked.end(), head) != asked.end();
      if (needed && !std::isfinite(layer.select(1, head).sum().item<float>()))
        return NotFinite{.layer = number, .head = head};
    }
  }
  return std::nullopt;
}

void TorchScriptModel::copy(const std::vector<at::Tensor>& layers, std::size_t sentence, Attention& result) {
  const std::size_t size = result.queries * result.keys;
  float* to = result.weights.data();
  for (const int number : result.layers) {
    for (const int head : result.heads) {
      const at::Tensor map = layers[static_cast<std::size_t>(number - 1)].narrow(1, head, 1);
      copy_heads(map, sentence, result.queries, result.keys, {to, size});
      to += size;
    }
  }
}

/// What the names and shapes of a traced Hugging Face model's parameters tell, where no file does.
void TorchScriptModel::read_parameters() {
  for (const auto& parameter : script_->module().named_parameters()) {
    if (parameter.value.dim() != 2) continue;
    const std::int64_t rows = parameter.value.size(0);
    if (parameter.name.ends_with("word_embeddings.weight") || parameter.name.ends_with("wte.weight")) {
      vocabulary_.ids = rows;
      if (card_.hidden == 0) card_.hidden = static_cast<int>(parameter.value.size(1));
    } else if (parameter.name.ends_with("token_type_embeddings.weight")) {
      vocabulary_.types = rows;
    } else if (parameter.name.ends_with("position_embeddings.weight") ||
               parameter.name.ends_with("wpe.weight")) {
      if (card_.max_tokens == 0) card_.max_tokens = static_cast<std::size_t>(rows);
    }
  }
}

/// Finds layers, heads and direction by a run, and whether padding is masked, by two sentences alone and
/// together.
void TorchScriptModel::probe() {
  const auto sentence = [&](std::int64_t length) {
    Encoding encoding;
    for (std::int64_t i = 0; i < length; ++i) {
      encoding.ids.push_back(vocabulary_.ids > 0 ? (i + 2) % vocabulary_.ids : i + 2);
      encoding.types.push_back(0);
    }
    return encoding;
  };
  const std::vector<Encoding> both = {sentence(7), sentence(4)};
  const std::vector<at::Tensor> longer = forward(make_batch({both.data(), 1}));
  card_.layers = static_cast<int>(longer.size());
  card_.heads = static_cast<int>(longer[0].size(1));
  card_.causal = std::all_of(longer.begin(), longer.end(), [](const at::Tensor& layer) {
    return layer.nan_to_num(0).triu(1).count_nonzero().item<std::int64_t>() == 0;
  });
  const std::vector<at::Tensor> shorter = forward(make_batch({both.data() + 1, 1}));
  if (!takes(Input::mask)) return;
  try {
    const std::vector<at::Tensor> together = forward(make_batch(both));
    batches_ = true;
    for (std::size_t i = 0; i < together.size(); ++i) {
      const at::Tensor padded = together[i][1].narrow(1, 0, 4).narrow(2, 0, 4);
      batches_ = batches_ && padded.sub(shorter[i][0]).abs().max().item<float>() <= 1e-5F;
    }
  } catch (const Error&) {
    // A trace for single sentences: they are run one by one.
  }
}

}  // namespace

std::unique_ptr<Model> open_torchscript(const ModelCard& card, const ModelOptions& options) {
  return translated(card.name, "", [&] { return std::make_unique<TorchScriptModel>(card, options); });
}

}  // namespace attnviz
