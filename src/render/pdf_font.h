/// pdf_font: the characters of a PDF's texts (ISO 32000-1, 9.10.3), and how much may be made of a file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "attnviz/error.h"
#include "render/pdf_objects.h"
#include "render/picture.h"

namespace attnviz {

/// The bytes that may be unpacked and made of one file: parts that name each other, forms that draw forms and
/// fonts that share a table, would make any number of a few kilobytes. The largest figures take some tenths.
class PdfBudget {
 public:
  /// Of an item, of a character of a font, and of a part that is looked up: some times what they take, so
  /// that half a million items and 16,000 parts are the most. Of an item and a character a figure has a
  /// tenth, of parts a hundredth.
  static constexpr std::size_t kItem = 512, kCharacter = 1024, kPart = 16384;

  void take_pixels(std::uint64_t pixels) {
    if (pixels > pixels_left_) throw too_much();
    pixels_left_ -= pixels;
  }

  void take(std::size_t bytes) {
    if (bytes > left_) throw too_much();
    left_ -= bytes;
  }
  [[nodiscard]] std::size_t left() const { return left_; }

 private:
  static Error too_much() { return Error("it makes more of itself than a figure could need"); }

  std::size_t left_ = std::size_t{1} << 28;
  std::uint64_t pixels_left_ = kMostImagePixels;
};

/// The bytes of a stream object, taken from the budget.
[[nodiscard]] std::string unpacked(const Pdf& pdf, std::string_view stream, const std::string& what,
                                   PdfBudget& budget);

/// The bytes of "(literal)" or "<hexadecimal>".
[[nodiscard]] std::string pdf_string(std::string_view token);

/// How a font's codes become characters.
class PdfFont {
 public:
  PdfFont(const Pdf& pdf, std::string_view font, PdfBudget& budget);

  [[nodiscard]] std::string text_of(std::string_view codes, PdfBudget& budget) const;

 private:
  void read_characters(PdfTokens& tokens, PdfBudget& budget);
  void read_ranges(PdfTokens& tokens, PdfBudget& budget);

  std::size_t bytes_ = 1;  ///< a code
  std::map<std::uint32_t, std::string> characters_;
};

}  // namespace attnviz
