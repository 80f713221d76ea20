#include <string>

#include "attnviz/figure.h"
#include "figure/number.h"

namespace attnviz {
namespace {

std::string hex(Color color) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text = "#";
  for (const std::uint8_t channel : {color.red, color.green, color.blue}) {
    text += kDigits[channel >> 4];
    text += kDigits[channel & 15];
  }
  return text;
}

/// A position or length to a hundredth of a point, without trailing zeros.
std::string points(double value) {
  std::string text = fixed(value + 0.0, 2);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text == "-0" ? "0" : text;
}

struct Describe {
  std::string operator()(const Rectangle& r) const {
    return "rectangle " + points(r.x) + " " + points(r.y) + " " + points(r.width) + " " + points(r.height) +
           " " + hex(r.fill) + (r.crisp ? " crisp" : "");
  }
  std::string operator()(const Line& line) const {
    return "line " + points(line.x1) + " " + points(line.y1) + " " + points(line.x2) + " " + points(line.y2) +
           " " + points(line.width) + " " + hex(line.color);
  }
  std::string operator()(const Text& text) const {
    constexpr const char* kAlign[] = {"start", "middle", "end"};
    std::string line = "text " + points(text.x) + " " + points(text.y) + " " +
                       kAlign[static_cast<int>(text.align)] + " " + points(text.size) + " " + hex(text.color);
    if (text.angle != 0) line += " turned " + points(text.angle);
    if (text.bold) line += " bold";
    if (text.middle == Text::Middle::cap_height) line += " on capitals";
    if (text.mark_bytes > 0) line += " mark " + std::to_string(text.mark_bytes) + " " + hex(text.mark_color);
    return line + " " + text.text;
  }
  std::string operator()(const Image& image) const {
    std::string line = "image " + points(image.x) + " " + points(image.y) + " " + points(image.width) + " " +
                       points(image.height) + " columns " + std::to_string(image.columns);
    for (const Color& pixel : image.pixels) line.append(" ").append(hex(pixel));
    return line;
  }
};

}  // namespace

std::string to_text(const Figure& figure) {
  std::string text = "page " + points(figure.width) + " " + points(figure.height) + " " +
                     hex(figure.background) + "\ntitle " + figure.title + "\ndescription " +
                     figure.description + "\n";
  for (const Item& item : figure.items) text += std::visit(Describe{}, item) + "\n";
  return text;
}

}  // namespace attnviz
