#include <array>
#include <bit>
#include <cmath>
#include <nlohmann/json.hpp>

#include "attention/number.h"
#include "attnviz/attention.h"
#include "attnviz/error.h"
#include "attnviz/file.h"

namespace attnviz {
namespace {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little, "numbers are written as they lie in memory");

/// Safetensors' writers start the data on such a boundary, and npy's likewise.
constexpr std::size_t kSafetensorsAlignment = 8;
constexpr std::size_t kNpyAlignment = 64;
constexpr std::size_t kGatheredBytes = 1 << 16;

std::vector<NamedTensor> tensors_of(const Attention& attention) {
  const std::size_t layers = attention.layers.size();
  const std::size_t heads = attention.heads.size();
  std::vector<NamedTensor> tensors = {{attention.kind == WeightKind::norm ? "norm" : "attention",
                                       {layers, heads, attention.queries, attention.keys},
                                       attention.weights}};
  if (attention.head_size != 0) {
    tensors.push_back({"query", {layers, heads, attention.queries, attention.head_size}, attention.query});
    tensors.push_back({"key", {layers, heads, attention.keys, attention.head_size}, attention.key});
  }
  return tensors;
}

void check(std::span<const NamedTensor> tensors) {
  for (const NamedTensor& tensor : tensors) {
    std::size_t size = 1;
    for (const std::size_t length : tensor.shape) size *= length;
    if (size != tensor.values.size()) {
      throw Error(tensor.name + ": wrong number of values, expected " + number_text(size) + ", got " +
                  number_text(tensor.values.size()));
    }
  }
}

Provenance with_axes(const Attention& attention, Provenance provenance) {
  provenance["layers"] = json(attention.layers).dump();
  provenance["heads"] = json(attention.heads).dump();
  provenance["causal"] = attention.causal ? "true" : "false";
  return provenance;
}

/// Text that is not UTF-8 (a path may be) loses its bad bytes, not the file.
std::string to_json(const json& value, bool ascii = false) {
  return value.dump(-1, ' ', ascii, json::error_handler_t::replace);
}

template <class Value>
std::string_view bytes_of(std::span<const Value> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}

/// The NPY format, version 1.0 (https://numpy.org/neps/nep-0001-npy-format.html).
template <class Shape>
std::string npy_header(std::string_view type, const Shape& shape) {
  // Python writes a tuple of one with a comma behind it, and accepts one behind every tuple but the empty.
  std::string header = "{'descr': '" + std::string(type) + "', 'fortran_order': False, 'shape': (";
  for (const std::size_t length : shape) header += number_text(length) + ", ";
  header += "), }";
  constexpr std::string_view magic("\x93NUMPY\x01\x00", 8);
  constexpr std::size_t length_bytes = 2;
  const std::size_t unpadded = magic.size() + length_bytes + header.size() + 1;
  header.append((kNpyAlignment - unpadded % kNpyAlignment) % kNpyAlignment, ' ');
  header += '\n';
  const auto length = static_cast<std::uint16_t>(header.size());
  return std::string(magic) + std::string(bytes_of(std::span(&length, 1))) + header;
}

/// Writes JSON piece by piece, so that no text as large as the tensor is ever held.
class JsonWriter {
 public:
  explicit JsonWriter(const Sink& sink) : sink_(sink) {}

  void add(std::string_view text) {
    gathered_ += text;
    if (gathered_.size() >= kGatheredBytes) flush();
  }

  void flush() {
    sink_(gathered_);
    gathered_.clear();
  }

  /// Nested lists, one level an axis.
  void add(std::span<const std::size_t> shape, std::span<const float> values) {
    if (shape.empty()) return add(values.front());
    add("[");
    const std::size_t step = shape.front() == 0 ? 0 : values.size() / shape.front();
    for (std::size_t i = 0; i < shape.front(); ++i) {
      if (i != 0) add(",");
      add(shape.subspan(1), values.subspan(i * step, step));
    }
    add("]");
  }

 private:
  /// JSON has no number that is not finite.
  void add(float value) { std::isfinite(value) ? append_number(gathered_, value) : add("null"); }

  const Sink& sink_;
  std::string gathered_;
};

void add_tensors(ZipWriter& zip, std::span<const NamedTensor> tensors) {
  check(tensors);
  for (const NamedTensor& tensor : tensors) {
    zip.add(tensor.name + ".npy", {npy_header("<f4", tensor.shape), bytes_of(tensor.values)});
  }
}

/// numpy's strings are UTF-32: of ASCII, that is every byte and three zeros.
void finish(ZipWriter& zip, const Provenance& provenance) {
  const std::string text = to_json(provenance, true);
  const std::u32string wide(text.begin(), text.end());
  zip.add("provenance.npy", {npy_header("<U" + number_text(wide.size()), std::array<std::size_t, 0>{}),
                             bytes_of(std::span<const char32_t>(wide))});
  zip.finish();
}

/// `members` are complete, each with a comma before it.
void write_json_object(std::span<const NamedTensor> tensors, const Provenance& provenance,
                       const std::string& members, const Sink& sink) {
  check(tensors);
  JsonWriter writer(sink);
  writer.add("{\"provenance\":" + to_json(provenance) + members);
  for (const NamedTensor& tensor : tensors) {
    writer.add(",\"" + tensor.name + "\":");
    writer.add(tensor.shape, tensor.values);
  }
  writer.add("}\n");
  writer.flush();
}

void write_safetensors_file(std::span<const NamedTensor> tensors, const Provenance& provenance,
                            const Sink& sink) {
  check(tensors);
  json header = {{"__metadata__", provenance}};
  std::size_t offset = 0;
  for (const NamedTensor& tensor : tensors) {
    const std::size_t end = offset + tensor.values.size_bytes();
    header[tensor.name] = {{"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = to_json(header);
  text.append((kSafetensorsAlignment - text.size() % kSafetensorsAlignment) % kSafetensorsAlignment, ' ');
  const std::uint64_t length = text.size();
  sink(bytes_of(std::span(&length, 1)));
  sink(text);
  for (const NamedTensor& tensor : tensors) sink(bytes_of(tensor.values));
}

}  // namespace

void write_tensors(std::span<const NamedTensor> tensors, const Provenance& provenance, TensorFormat format,
                   const Sink& sink) {
  if (format == TensorFormat::safetensors) return write_safetensors_file(tensors, provenance, sink);
  if (format == TensorFormat::json) return write_json_object(tensors, provenance, "", sink);
  ZipWriter zip(sink);
  add_tensors(zip, tensors);
  finish(zip, provenance);
}

void write_safetensors(const Attention& attention, const Provenance& provenance, const Sink& sink) {
  write_safetensors_file(tensors_of(attention), with_axes(attention, provenance), sink);
}

void write_npz(const Attention& attention, const Provenance& provenance, const Sink& sink) {
  ZipWriter zip(sink);
  add_tensors(zip, tensors_of(attention));
  const auto add_numbers = [&zip](const char* name, const std::vector<int>& numbers) {
    const std::vector<std::int64_t> wide(numbers.begin(), numbers.end());
    zip.add(name, {npy_header("<i8", std::array{wide.size()}), bytes_of(std::span(wide))});
  };
  add_numbers("layers.npy", attention.layers);
  add_numbers("heads.npy", attention.heads);
  finish(zip, with_axes(attention, provenance));
}

void write_json(const Attention& attention, const Provenance& provenance, const Sink& sink) {
  write_json_object(tensors_of(attention), with_axes(attention, provenance),
                    ",\"layers\":" + json(attention.layers).dump() + ",\"heads\":" +
                        json(attention.heads).dump() + ",\"causal\":" + (attention.causal ? "true" : "false"),
                    sink);
}

}  // namespace attnviz
