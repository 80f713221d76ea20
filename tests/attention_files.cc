// attention_files: writes and reads the attention room's files, for the comparison with Python's libraries.
//
//   attention_files write RAW PROVENANCE OUT.{safetensors,npz,json}
//   attention_files read FILE.{safetensors,safetensors.index.json}
//
// RAW: seven little-endian int64 (layers, heads, queries, keys, head_size, causal, first layer), then the
// weights, query and key as float32. PROVENANCE: a JSON object of strings. `read` prints one JSON object.
#include <array>
#include <cstring>
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>

#include "attnviz/attention.h"

namespace {

using attnviz::Attention;
using nlohmann::json;

std::vector<float> take(std::string_view& raw, std::size_t count) {
  std::vector<float> values(count);
  if (count != 0)
    std::memcpy(values.data(), raw.substr(0, count * sizeof(float)).data(), count * sizeof(float));
  raw.remove_prefix(count * sizeof(float));
  return values;
}

Attention read_raw(std::string_view raw) {
  std::array<std::int64_t, 7> numbers{};
  std::memcpy(numbers.data(), raw.data(), sizeof numbers);
  raw.remove_prefix(sizeof numbers);
  Attention attention;
  attention.layers.resize(static_cast<std::size_t>(numbers[0]));
  attention.heads.resize(static_cast<std::size_t>(numbers[1]));
  attention.queries = static_cast<std::size_t>(numbers[2]);
  attention.keys = static_cast<std::size_t>(numbers[3]);
  attention.head_size = static_cast<std::size_t>(numbers[4]);
  attention.causal = numbers[5] != 0;
  std::iota(attention.layers.begin(), attention.layers.end(), static_cast<int>(numbers[6]));
  std::iota(attention.heads.begin(), attention.heads.end(), 0);
  const std::size_t matrices = attention.layers.size() * attention.heads.size();
  attention.weights = take(raw, matrices * attention.queries * attention.keys);
  attention.query = take(raw, matrices * attention.queries * attention.head_size);
  attention.key = take(raw, matrices * attention.keys * attention.head_size);
  return attention;
}

void write(const char* raw, const char* provenance_path, const std::string& target) {
  const Attention attention = read_raw(attnviz::read_file(raw));
  const auto provenance = json::parse(attnviz::read_file(provenance_path)).get<attnviz::Provenance>();
  attnviz::OutputFile file(target);
  const attnviz::Sink sink = [&file](std::string_view piece) { file.write(piece); };
  const auto writer = target.ends_with(".npz")    ? attnviz::write_npz
                      : target.ends_with(".json") ? attnviz::write_json
                                                  : attnviz::write_safetensors;
  writer(attention, provenance, sink);
  file.commit();
}

std::string hexadecimal(std::span<const std::byte> bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const std::byte byte : bytes) {
    text += digits[std::to_integer<unsigned>(byte) >> 4];
    text += digits[std::to_integer<unsigned>(byte) & 15];
  }
  return text;
}

void read(const char* path) {
  const attnviz::Safetensors file(path);
  json found = {{"metadata", file.metadata()}, {"files", file.files().size()}, {"tensors", json::object()}};
  for (const auto& [name, tensor] : file.tensors()) {
    found["tensors"][name] = {{"type", static_cast<int>(tensor.type)},
                              {"shape", tensor.shape},
                              {"bytes", hexadecimal(tensor.bytes)}};
  }
  std::cout << found << '\n';
}

}  // namespace

int main(int count, char** arguments) {
  try {
    const std::string command = count > 1 ? arguments[1] : "";
    if (command == "write" && count == 5) {
      write(arguments[2], arguments[3], arguments[4]);
    } else if (command == "read" && count == 3) {
      read(arguments[2]);
    } else {
      std::cerr << "usage: attention_files write RAW PROVENANCE OUT | read FILE\n";
      return 2;
    }
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 2;
  }
  return 0;
}
