/// Bytes compressed as zlib does (RFC 1950).
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace attnviz {

/// Bytes that are not written twice: a std::string would first be zeros.
class Bytes {
 public:
  explicit Bytes(std::size_t size) : bytes_(std::make_unique_for_overwrite<char[]>(size)), size_(size) {}

  [[nodiscard]] char* begin() { return bytes_.get(); }
  [[nodiscard]] const char* begin() const { return bytes_.get(); }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::string_view view() const { return {bytes_.get(), size_}; }
  void shrink(std::size_t size) { size_ = size; }

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t size_;
};

/// `level`: 1 (fast) to 12 (small).
[[nodiscard]] Bytes deflated(std::string_view bytes, int level);

/// Throws Error when `packed` is broken (its checksum says so) or holds more than `most` bytes.
[[nodiscard]] std::string inflated(std::string_view packed, std::size_t most);

}  // namespace attnviz
