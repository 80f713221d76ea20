/// Text that remembers where each of its bytes comes from, and how much more of it there may be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "attnviz/text.h"

namespace attnviz::tokens {

/// The bytes by which a text may grow on its way to tokens, all steps of all its parts together. A tokenizer
/// is a file from anywhere: thirty steps that each write two letters for one would make gigabytes of a
/// letter.
class Growth {
 public:
  /// Of the known steps a compatibility decomposition makes most of a text, 33 bytes of the three of U+FDFA,
  /// and spelling bytes as characters doubles what there is: together 21 bytes more for each byte. Marks of
  /// spaces before words of one letter are three. The rest is for what a tokenizer writes before a short
  /// text.
  static constexpr std::size_t kTimes = 32, kAtLeast = 4096;

  /// Of a text of so many bytes; `thing` begins the error.
  Growth(std::size_t text_bytes, std::string thing)
      : text_bytes_(text_bytes), left_(kAtLeast + kTimes * text_bytes), thing_(std::move(thing)) {}

  /// Throws Error when fewer are left.
  void take(std::size_t bytes) {
    if (bytes > left_) refuse();
    left_ -= bytes;
  }
  void expect(std::size_t bytes) const {
    if (bytes > left_) refuse();
  }

 private:
  [[noreturn]] void refuse() const;

  std::size_t text_bytes_, left_;
  std::string thing_;
};

/// A part of an AlignedText, borrowed.
struct AlignedView {
  std::string_view text;
  const std::uint32_t* origin = nullptr;  ///< one a byte of text: a code point of the user's text
  Growth* growth = nullptr;               ///< never null: whatever is made of the text takes from it

  /// Bytes [begin, end).
  [[nodiscard]] AlignedView slice(std::size_t begin, std::size_t end) const {
    return {text.substr(begin, end - begin), origin + begin, growth};
  }
};

/// UTF-8 and, for each byte, the number of the code point of the user's text that it stands for. Every
/// change made to a text (a character split, removed, inserted, replaced) keeps them in order. It is made of
/// another text, and what it has more than that is taken from its growth: whatever appends may throw Error.
class AlignedText {
 public:
  /// Empty, to be made of `source`.
  explicit AlignedText(AlignedView source) : growth_(source.growth), allowed_(source.text.size()) {}

  [[nodiscard]] static AlignedText copy(AlignedView source) {
    AlignedText result(source);
    result.append(source);
    return result;
  }

  void reserve(std::size_t bytes) {
    text_.reserve(bytes);
    origin_.reserve(bytes);
  }
  void append(char32_t code_point, std::uint32_t from) {
    append_utf8(text_, code_point);
    account();
    origin_.resize(text_.size(), from);
  }
  void append(std::string_view text, std::uint32_t from) {
    text_ += text;
    account();
    origin_.resize(text_.size(), from);
  }
  void append(AlignedView part) {
    text_ += part.text;
    account();
    origin_.insert(origin_.end(), part.origin, part.origin + part.text.size());
  }
  void remove_suffix(std::size_t bytes) {
    text_.resize(text_.size() - bytes);
    origin_.resize(text_.size());
  }

  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] const std::vector<std::uint32_t>& origin() const { return origin_; }
  [[nodiscard]] AlignedView view() const { return {text_, origin_.data(), growth_}; }

 private:
  void account() {
    if (text_.size() <= allowed_) return;
    growth_->take(text_.size() - allowed_);
    allowed_ = text_.size();
  }

  std::string text_;
  std::vector<std::uint32_t> origin_;
  Growth* growth_;
  std::size_t allowed_;  ///< the source's bytes, and those taken from the growth
};

}  // namespace attnviz::tokens
