/// Large blocks of memory that a thread uses again.
#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <string_view>

namespace attnviz {

/// Memory from the thread's own store, and back into it: blocks fresh from the system have to be cleared page
/// by page, which takes as long as drawing into them.
class Block {
 public:
  explicit Block(std::size_t size);
  Block(Block&&) = default;
  Block& operator=(Block&&) = delete;
  ~Block();

  [[nodiscard]] std::byte* bytes() const { return bytes_.get(); }

 private:
  std::size_t size_;
  std::unique_ptr<std::byte[]> bytes_;
};

/// Items that are not written twice: a vector's would first be zeros.
template <class Item>
class Buffer {
 public:
  explicit Buffer(std::size_t size) : block_(size * sizeof(Item)), size_(size) {}

  [[nodiscard]] Item* begin() { return reinterpret_cast<Item*>(block_.bytes()); }
  [[nodiscard]] Item* end() { return begin() + size_; }
  [[nodiscard]] const Item* begin() const { return reinterpret_cast<const Item*>(block_.bytes()); }
  [[nodiscard]] const Item* end() const { return begin() + size_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::string_view view() const requires std::same_as<Item, char> { return {begin(), size_}; }
  void shrink(std::size_t size) { size_ = size; }

 private:
  Block block_;
  std::size_t size_;
};

using Bytes = Buffer<char>;

}  // namespace attnviz
