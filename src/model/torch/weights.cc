#include "model/torch/weights.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/index_select.h>

#include <cstring>
#include <optional>
#include <utility>

#include "attnviz/catalog.h"
#include "attnviz/error.h"

namespace attnviz {
namespace {

namespace fs = std::filesystem;

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text = "[";
  for (const std::int64_t size : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + "]";
}

std::optional<at::ScalarType> floating_type(TensorView::Type type) {
  switch (type) {
    case TensorView::Type::f64:
      return at::kDouble;
    case TensorView::Type::f32:
      return at::kFloat;
    case TensorView::Type::f16:
      return at::kHalf;
    case TensorView::Type::bf16:
      return at::kBFloat16;
    default:
      return std::nullopt;
  }
}

/// The names that early checkpoints, converted from TensorFlow, give a layer norm's two tensors.
std::string old_name(const std::string& name) {
  for (const auto& [now, then] :
       {std::pair{"LayerNorm.weight", "LayerNorm.gamma"}, std::pair{"LayerNorm.bias", "LayerNorm.beta"}}) {
    if (name.ends_with(now)) return name.substr(0, name.size() - std::strlen(now)) + then;
  }
  return {};
}

at::Tensor wrap(const TensorView& view, at::ScalarType type) {
  const std::size_t element = c10::elementSize(type);
  if (reinterpret_cast<std::uintptr_t>(view.bytes.data()) % element == 0) {
    // libtorch has no tensor of constants; nothing here writes to a weight, and the mapping forbids it.
    return at::from_blob(const_cast<std::byte*>(view.bytes.data()), view.shape, type);
  }
  at::Tensor aligned = at::empty(view.shape, type);
  std::memcpy(aligned.mutable_data_ptr(), view.bytes.data(), view.bytes.size());
  return aligned;
}

}  // namespace

at::Tensor Scratch::converted(const at::Tensor& stored) {
  for (const at::Tensor& room : rooms_) {
    if (room.numel() != stored.numel() || room.storage().use_count() > 1) continue;
    return room.view(stored.sizes()).copy_(stored);
  }
  rooms_.push_back(at::empty({stored.numel()}, type_));
  return rooms_.back().view(stored.sizes()).copy_(stored);
}

const at::Tensor& Parameter::on_device() const {
  if (device_.is_cpu()) return stored_;
  if (!sent_.defined()) sent_ = stored_.to(device_).to(scratch_->type());
  return sent_;
}

at::Tensor Parameter::converted(const at::Tensor& some) const {
  return some.scalar_type() == scratch_->type() ? some : scratch_->converted(some);
}

at::Tensor Parameter::whole() const { return converted(on_device()); }

at::Tensor Parameter::part(std::int64_t dimension, std::int64_t first, std::int64_t count) const {
  return converted(on_device().narrow(dimension, first, count));
}

at::Tensor Parameter::select(std::int64_t dimension, const at::Tensor& chosen) const {
  return converted(at::index_select(on_device(), dimension, chosen.to(device_)));
}

at::Tensor Parameter::rows(const at::Tensor& chosen) const {
  return at::index_select(stored_, 0, chosen).to(device_).to(scratch_->type());
}

Weights::Weights(const fs::path& directory, std::string_view anchor, c10::Device device, at::ScalarType type)
    : file_(weights_file(directory)),
      path_(weights_file(directory).string()),
      device_(device),
      scratch_(std::make_shared<Scratch>(type)) {
  const std::string* found = nullptr;
  for (const auto& [name, view] : file_.tensors()) {
    if (!name.ends_with(anchor)) continue;
    const std::size_t prefix = name.size() - anchor.size();
    if (prefix != 0 && name[prefix - 1] != '.') continue;
    if (found) {
      throw Error(path_ + ": two encoders, at \"" + *found + "\" and \"" + name + "\", expected one");
    }
    found = &name;
    prefix_ = name.substr(0, prefix);
  }
  if (!found)
    throw Error(path_ + ": no tensor \"" + std::string(anchor) + "\": not this architecture's weights");
}

const TensorView* Weights::locate(const std::string& name) const {
  const auto& tensors = file_.tensors();
  auto entry = tensors.find(name);
  if (entry == tensors.end()) entry = tensors.find(old_name(name));
  if (entry != tensors.end()) return &entry->second;
  // Of tensors that are one, safetensors' save_model keeps one, and says in the metadata which.
  const auto kept = file_.metadata().find(name);
  entry = kept == file_.metadata().end() ? tensors.end() : tensors.find(kept->second);
  return entry == tensors.end() ? nullptr : &entry->second;
}

const TensorView& Weights::find(const std::string& name, const std::vector<std::int64_t>& shape) const {
  if (const TensorView* const found = locate(name)) return *found;
  throw Error(path_ + ": no tensor \"" + name + "\", expected one of shape " + shape_text(shape),
              "config.json and the weights do not belong together, or the file is incomplete");
}

ParameterPointer Weights::get_beside(const std::string& name, const std::vector<std::int64_t>& shape) const {
  // "bert." is the encoder's own name in the model; what stands before that is both's.
  const std::size_t outer = prefix_.size() < 2 ? std::string::npos : prefix_.rfind('.', prefix_.size() - 2);
  return get_named(outer == std::string::npos ? name : prefix_.substr(0, outer + 1) + name, shape);
}

ParameterPointer Weights::get_named(const std::string& name, const std::vector<std::int64_t>& shape) const {
  const TensorView& view = find(name, shape);
  const std::string thing = path_ + ": tensor \"" + name + "\": ";
  if (view.shape != shape) {
    throw Error(thing + "wrong shape, expected " + shape_text(shape) + ", got " + shape_text(view.shape),
                "config.json and the weights do not belong together");
  }
  const std::optional<at::ScalarType> type = floating_type(view.type);
  if (!type) throw Error(thing + "wrong type, expected F32, F16, BF16 or F64, got integers or booleans");
  return std::make_shared<const Parameter>(wrap(view, *type), device_, scratch_);
}

}  // namespace attnviz
