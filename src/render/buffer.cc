#include "render/buffer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

namespace attnviz {
namespace {

struct Spare {
  std::size_t size = 0;
  std::unique_ptr<std::byte[]> bytes{};
};

/// As many as are in use at a time: pixels, filtered rows, packed bytes. Larger blocks are not kept.
constexpr std::size_t kMostSpares = 3, kLargestSpare = 16 << 20;

std::array<Spare, kMostSpares>& spares() {
  thread_local std::array<Spare, kMostSpares> spares;
  return spares;
}

}  // namespace

// Powers of two, so that the pictures of a batch fit each other's blocks: what is not written to takes no
// memory.
Block::Block(std::size_t size) : size_(size > kLargestSpare ? size : std::bit_ceil(size)) {
  Spare* fitting = nullptr;
  for (Spare& spare : spares()) {
    if (spare.size >= size_ && (!fitting || spare.size < fitting->size)) fitting = &spare;
  }
  if (fitting) {
    size_ = fitting->size;
    bytes_ = std::exchange(*fitting, {}).bytes;
  } else {
    bytes_ = std::make_unique_for_overwrite<std::byte[]>(size_);
  }
}

Block::~Block() {
  if (!bytes_ || size_ > kLargestSpare) return;
  Spare& smallest = *std::min_element(spares().begin(), spares().end(),
                                      [](const Spare& a, const Spare& b) { return a.size < b.size; });
  if (smallest.size < size_) smallest = {size_, std::move(bytes_)};
}

}  // namespace attnviz
