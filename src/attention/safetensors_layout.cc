#include "attention/safetensors_layout.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>
#include <vector>

#include "attention/number.h"
#include "attention/safetensors_header.h"
#include "attnviz/error.h"

namespace attnviz {
namespace {

static_assert(std::endian::native == std::endian::little, "tensors are used as they lie in the file");

constexpr std::size_t kLengthBytes = 8;
/// The reference implementation's limit.
constexpr std::size_t kLargestHeader = 100'000'000;

struct TypeName {
  std::string_view name;
  TensorView::Type type;
  std::size_t bytes;
};

constexpr std::array kTypes = {
    TypeName{"F64", TensorView::Type::f64, 8}, TypeName{"F32", TensorView::Type::f32, 4},
    TypeName{"F16", TensorView::Type::f16, 2}, TypeName{"BF16", TensorView::Type::bf16, 2},
    TypeName{"I64", TensorView::Type::i64, 8}, TypeName{"I32", TensorView::Type::i32, 4},
    TypeName{"I16", TensorView::Type::i16, 2}, TypeName{"I8", TensorView::Type::i8, 1},
    TypeName{"U8", TensorView::Type::u8, 1},   TypeName{"BOOL", TensorView::Type::boolean, 1},
};

Error damaged(const std::string& name, const std::string& fault) {
  return Error(name + ": not a usable safetensors file: " + fault, "download or save it again");
}

const TypeName& type_named(const std::string& name, const HeaderEntry& entry) {
  const auto* const found = std::find_if(kTypes.begin(), kTypes.end(),
                                         [&](const TypeName& type) { return type.name == entry.type; });
  if (found != kTypes.end()) return *found;
  std::string known;
  for (const TypeName& type : kTypes) known += (known.empty() ? "" : ", ") + std::string(type.name);
  throw Error(name + ": tensor " + in_quotes(entry.name) + ": unknown type, expected one of " + known +
                  ", got " + in_quotes(entry.type),
              "save it as F32, F16 or BF16");
}

std::uint64_t bytes_of(const std::string& name, const HeaderEntry& entry, std::size_t element_bytes) {
  std::uint64_t bytes = element_bytes;
  for (const std::int64_t length : entry.shape) {
    if (__builtin_mul_overflow(bytes, static_cast<std::uint64_t>(length), &bytes)) {
      throw damaged(name, "tensor " + in_quotes(entry.name) + ": its shape [" + joined(entry.shape) +
                              "] has more elements than fit into memory");
    }
  }
  return bytes;
}

std::string_view header_text(std::span<const std::byte> file, const std::string& name) {
  if (file.size() < kLengthBytes) {
    throw damaged(
        name, "expected at least " + number_text(kLengthBytes) + " bytes, got " + number_text(file.size()));
  }
  std::uint64_t length = 0;
  std::memcpy(&length, file.data(), kLengthBytes);
  if (length > kLargestHeader) {
    throw damaged(name, "expected a header of at most " + number_text(kLargestHeader) + " bytes, got " +
                            number_text(length));
  }
  if (length > file.size() - kLengthBytes) {
    throw damaged(name, "cut short: its header has " + number_text(length) + " bytes, the file " +
                            number_text(file.size()));
  }
  return {reinterpret_cast<const char*>(file.data()) + kLengthBytes, static_cast<std::size_t>(length)};
}

/// Tensors lie one behind the other, from the data's first byte to its last.
void check_order(const std::string& name, const std::vector<HeaderEntry>& entries, std::uint64_t data_bytes) {
  std::vector<const HeaderEntry*> ordered;
  for (const HeaderEntry& entry : entries) ordered.push_back(&entry);
  std::sort(ordered.begin(), ordered.end(), [](const HeaderEntry* a, const HeaderEntry* b) {
    return std::tie(a->begin, a->end) < std::tie(b->begin, b->end);
  });
  std::uint64_t behind_last = 0;
  for (const HeaderEntry* entry : ordered) {
    if (entry->begin != behind_last) {
      throw damaged(
          name, "tensor " + in_quotes(entry->name) +
                    (entry->begin < behind_last ? ": overlaps another" : ": leaves a hole before it") +
                    ", expected it at " + number_text(behind_last) + ", got " + number_text(entry->begin));
    }
    behind_last = entry->end;
  }
  if (behind_last > data_bytes) {
    throw damaged(name, "cut short: its tensors need " + number_text(behind_last) + " bytes, it has " +
                            number_text(data_bytes));
  }
  if (behind_last < data_bytes) {
    throw damaged(name, "its tensors end at " + number_text(behind_last) + " of " + number_text(data_bytes) +
                            " bytes of data");
  }
}

}  // namespace

SafetensorsLayout read_safetensors(std::span<const std::byte> file, const std::string& name) {
  const std::string_view text = header_text(file, name);
  Header header;
  try {
    header = parse_header(text);
  } catch (const Error& error) {
    throw damaged(name, error.what());
  }
  const std::span<const std::byte> data = file.subspan(kLengthBytes + text.size());
  for (const HeaderEntry& entry : header.entries) {
    const std::uint64_t bytes = bytes_of(name, entry, type_named(name, entry).bytes);
    if (entry.end < entry.begin || entry.end - entry.begin != bytes) {
      throw damaged(name, "tensor " + in_quotes(entry.name) + ": " + entry.type + " [" + joined(entry.shape) +
                              "] has " + number_text(bytes) + " bytes, its offsets are " +
                              number_text(entry.begin) + " to " + number_text(entry.end));
    }
  }
  check_order(name, header.entries, data.size());

  SafetensorsLayout layout{.tensors = {}, .metadata = std::move(header.metadata)};
  for (HeaderEntry& entry : header.entries) {
    TensorView view{.type = type_named(name, entry).type,
                    .shape = std::move(entry.shape),
                    .bytes = data.subspan(entry.begin, entry.end - entry.begin)};
    layout.tensors.emplace(std::move(entry.name), std::move(view));
  }
  return layout;
}

}  // namespace attnviz
