#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <vector>

#include "attnviz/error.h"
#include "attnviz/text.h"
#include "render/pdf_objects.h"
#include "render/picture.h"
#include "render/record.h"

namespace attnviz {
namespace {

/// (x, y) becomes (a x + c y + e, b x + d y + f).
struct Transform {
  double a = 1, b = 0, c = 0, d = 1, e = 0, f = 0;

  /// `first`, then this.
  [[nodiscard]] Transform after(const Transform& first) const {
    return {first.a * a + first.b * c, first.a * b + first.b * d,     first.c * a + first.d * c,
            first.c * b + first.d * d, first.e * a + first.f * c + e, first.e * b + first.f * d + f};
  }
};

double number(std::string_view token) {
  double value = 0;
  const auto [end, fault] = std::from_chars(token.data(), token.data() + token.size(), value);
  if (fault != std::errc() || end != token.data() + token.size() || !std::isfinite(value))
    throw Error("it is broken: " + visible(valid_utf8(token.substr(0, 40), InvalidUtf8::replace, "")) +
                " is no number");
  return value;
}

std::vector<double> numbers_in(std::string_view array) {
  PdfTokens tokens(array);
  std::vector<double> numbers;
  if (tokens.next() != "[") return numbers;
  for (std::string_view token = tokens.next(); !token.empty() && token != "]"; token = tokens.next())
    numbers.push_back(number(token));
  return numbers;
}

/// The bytes of "(literal)" or "<hexadecimal>".
std::string string_in(std::string_view token) {
  std::string bytes;
  if (token.starts_with('<')) {
    std::string digits;
    for (const char c : token) {
      if (std::isxdigit(static_cast<unsigned char>(c))) digits += c;
    }
    if (digits.size() % 2) digits += '0';
    for (std::size_t i = 0; i < digits.size(); i += 2) {
      unsigned byte = 0;
      std::from_chars(digits.data() + i, digits.data() + i + 2, byte, 16);
      bytes += static_cast<char>(byte);
    }
    return bytes;
  }
  if (!token.starts_with('(')) return bytes;
  token = token.substr(1, token.size() - std::min<std::size_t>(2, token.size()));
  for (std::size_t i = 0; i < token.size(); ++i) {
    if (token[i] != '\\' || i + 1 == token.size()) {
      bytes += token[i];
      continue;
    }
    const char escaped = token[++i];
    constexpr std::string_view kLetters = "nrtbf", kMeanings = "\n\r\t\b\f";
    if (const std::size_t letter = kLetters.find(escaped); letter != std::string_view::npos) {
      bytes += kMeanings[letter];
    } else if (escaped >= '0' && escaped <= '7') {
      std::size_t end = i;
      while (end < token.size() && end < i + 3 && token[end] >= '0' && token[end] <= '7') ++end;
      unsigned code = 0;
      std::from_chars(token.data() + i, token.data() + end, code, 8);
      bytes += static_cast<char>(code);
      i = end - 1;
    } else if (escaped != '\n') {
      bytes += escaped;
    }
  }
  return bytes;
}

std::uint32_t big_endian(std::string_view bytes) {
  std::uint32_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

/// UTF-16, as a ToUnicode table has it.
std::string utf8_of(std::string_view utf16) {
  std::string text;
  for (std::size_t i = 0; i + 1 < utf16.size(); i += 2) {
    std::uint32_t code = big_endian(utf16.substr(i, 2));
    if (code >= 0xD800 && code < 0xDC00 && i + 3 < utf16.size()) {
      code = 0x10000 + ((code - 0xD800) << 10) + (big_endian(utf16.substr(i + 2, 2)) - 0xDC00);
      i += 2;
    }
    append_utf8(text, code < 0x110000 && (code < 0xD800 || code >= 0xE000) ? code : 0xFFFD);
  }
  return text;
}

constexpr std::size_t kLargestStream = std::size_t{1} << 28;

/// How a font's codes become characters.
struct Font {
  std::size_t bytes = 1;  ///< a code
  std::map<std::uint32_t, std::string> characters;

  Font(const Pdf& pdf, std::string_view font) {
    if (pdf_value(font, "/Subtype") == "/Type0") bytes = 2;
    const std::string_view table = pdf.resolved(pdf_value(font, "/ToUnicode"));
    if (table.empty()) return;
    const std::string map = stream_bytes(pdf, table, "a font's table of characters", kLargestStream);
    PdfTokens tokens(map);
    for (std::string_view token = tokens.next(); !token.empty(); token = tokens.next()) {
      if (token == "beginbfchar") read_characters(tokens);
      if (token == "beginbfrange") read_ranges(tokens);
    }
  }

  [[nodiscard]] std::string text_of(std::string_view codes) const {
    std::string text;
    for (std::size_t i = 0; i + bytes <= codes.size(); i += bytes) {
      const std::uint32_t code = big_endian(codes.substr(i, bytes));
      const auto found = characters.find(code);
      if (found != characters.end()) {
        text += found->second;
      } else {
        append_utf8(text, bytes == 1 && code < 0x80 ? static_cast<char32_t>(code) : 0xFFFD);
      }
    }
    return text;
  }

 private:
  void read_characters(PdfTokens& tokens) {
    for (std::string_view code = tokens.next(); code.starts_with('<'); code = tokens.next())
      characters[big_endian(string_in(code))] = utf8_of(string_in(tokens.next()));
  }

  void read_ranges(PdfTokens& tokens) {
    for (std::string_view first = tokens.next(); first.starts_with('<'); first = tokens.next()) {
      const std::uint32_t from = big_endian(string_in(first)), to = big_endian(string_in(tokens.next()));
      const std::string start = string_in(tokens.object());
      for (std::uint32_t code = from; code <= to && code - from < 0x10000 && start.size() == 2; ++code) {
        const std::uint32_t character = big_endian(start) + code - from;
        characters[code] =
            utf8_of(std::string{static_cast<char>(character >> 8), static_cast<char>(character)});
      }
    }
  }
};

/// What Cairo draws (ISO 32000-1, 8 and 9): filled rectangles, lines, images, texts.
class Interpreter {
 public:
  Interpreter(const Pdf& pdf, Figure& figure) : pdf_(pdf), figure_(figure) {}

  void run(std::string_view content, std::string_view resources);

 private:
  struct State {
    Transform transform;
    Color fill, stroke;
    double width = 1;
  };
  struct Point {
    double x, y;
  };

  void execute(std::string_view name, std::string_view resources);
  void paint(std::string_view name);
  void show(std::string_view name);
  void draw_object(std::string_view resources);
  void draw_image(std::string_view image);

  [[nodiscard]] double operand(std::size_t i) const {
    if (i >= operands_.size()) throw Error("it is broken: an operator lacks its operands");
    return number(operands_[i]);
  }

  [[nodiscard]] Color color(std::size_t count) const {
    std::array<std::uint8_t, 3> channels{};
    for (std::size_t i = 0; i < 3; ++i)
      channels[i] =
          static_cast<std::uint8_t>(std::lround(std::clamp(operand(count == 1 ? 0 : i), 0.0, 1.0) * 255));
    return {channels[0], channels[1], channels[2]};
  }

  /// On the page, y down.
  [[nodiscard]] Point placed(double x, double y) const {
    const Transform& t = state_.transform;
    return {t.a * x + t.c * y + t.e, figure_.height - (t.b * x + t.d * y + t.f)};
  }

  const Pdf& pdf_;
  Figure& figure_;
  State state_;
  std::vector<State> saved_;
  std::vector<std::string_view> operands_;
  std::vector<Rectangle> rectangles_;  ///< of the path
  std::vector<Point> points_;          ///< of its other parts
  std::size_t pieces_ = 0;             ///< of the path that are neither rectangle nor line
  std::optional<Font> font_;
  std::map<std::string, Font, std::less<>> fonts_;
  int depth_ = 0;
  bool has_background_ = false;
};

void Interpreter::run(std::string_view content, std::string_view resources) {
  constexpr std::size_t kMostOperands = 64, kMostSaved = 64;
  PdfTokens tokens(content);
  operands_.clear();
  for (std::string_view token = tokens.object(); !token.empty(); token = tokens.object()) {
    const char first = token[0];
    const bool operand = std::string_view("+-.0123456789/([<").find(first) != std::string_view::npos;
    if (operand) {
      operands_.push_back(token);
      if (operands_.size() > kMostOperands) throw Error("it is broken: an operator has too many operands");
      continue;
    }
    execute(token, resources);
    if (saved_.size() > kMostSaved) throw Error("it is broken: it saves its state too often");
    operands_.clear();
  }
}

void Interpreter::execute(std::string_view name, std::string_view resources) {
  if (name == "q") {
    saved_.push_back(state_);
  } else if (name == "Q" && !saved_.empty()) {
    state_ = saved_.back();
    saved_.pop_back();
  } else if (name == "cm") {
    state_.transform =
        state_.transform.after({operand(0), operand(1), operand(2), operand(3), operand(4), operand(5)});
  } else if (name == "rg" || name == "g") {
    state_.fill = color(operands_.size());
  } else if (name == "RG" || name == "G") {
    state_.stroke = color(operands_.size());
  } else if (name == "w") {
    state_.width = operand(0);
  } else if (name == "Do") {
    draw_object(resources);
  } else if (name == "Tf") {
    const std::string key(operands_.empty() ? std::string_view{} : operands_[0]);
    const std::string_view font = pdf_.resolved(pdf_value(pdf_.resolved(pdf_value(resources, "/Font")), key));
    if (font.empty())
      throw Error("it is broken: it has no font " + visible(valid_utf8(key, InvalidUtf8::replace, "")));
    font_ = fonts_.try_emplace(key, pdf_, font).first->second;
  } else if (name == "Tj" || name == "TJ") {
    show(name);
  } else {
    paint(name);
  }
}

/// Paths, and what ends them.
void Interpreter::paint(std::string_view name) {
  if (name == "re") {
    const Point a = placed(operand(0), operand(1)),
                b = placed(operand(0) + operand(2), operand(1) + operand(3));
    rectangles_.push_back(
        {std::min(a.x, b.x), std::min(a.y, b.y), std::abs(a.x - b.x), std::abs(a.y - b.y), state_.fill});
  } else if (name == "m" || name == "l") {
    points_.push_back(placed(operand(0), operand(1)));
  } else if (name == "c" || name == "v" || name == "y" || name == "h") {
    ++pieces_;
  } else if (name == "f" || name == "f*") {
    if (!points_.empty() || pieces_ > 0)
      throw Error("it fills what is no rectangle, which attnviz does not draw");
    for (Rectangle& rectangle : rectangles_) {
      rectangle.fill = state_.fill;
      if (has_background_) {
        figure_.items.emplace_back(rectangle);
      } else if (rectangle.width < figure_.width - 1 || rectangle.height < figure_.height - 1) {
        throw Error("what it draws first is not its background");
      } else {
        figure_.background = rectangle.fill;
      }
      has_background_ = true;
    }
  } else if (name == "S" && points_.size() == 2 && pieces_ == 0) {
    const Transform& t = state_.transform;
    const double scale = std::sqrt(std::abs(t.a * t.d - t.b * t.c));
    figure_.items.emplace_back(
        Line{points_[0].x, points_[0].y, points_[1].x, points_[1].y, state_.width * scale, state_.stroke});
  }
  const bool ends = name == "f" || name == "f*" || name == "S" || name == "n" || name == "s" || name == "B";
  if (!ends) return;
  rectangles_.clear();
  points_.clear();
  pieces_ = 0;
}

/// A piece of text; where it stands is not told.
void Interpreter::show(std::string_view name) {
  if (operands_.empty() || !font_) throw Error("it is broken: a text has no font");
  Text text{.text = {}, .size = 0, .color = state_.fill};
  if (name == "Tj") {
    text.text = font_->text_of(string_in(operands_[0]));
  } else {
    PdfTokens parts(operands_[0]);
    for (std::string_view part = parts.next(); !part.empty(); part = parts.next()) {
      if (part.starts_with('(') || part.starts_with('<')) text.text += font_->text_of(string_in(part));
    }
  }
  figure_.items.emplace_back(text);
}

void Interpreter::draw_object(std::string_view resources) {
  constexpr int kDeepest = 4;
  const std::string_view key = operands_.empty() ? std::string_view{} : operands_[0];
  const std::string_view object =
      pdf_.resolved(pdf_value(pdf_.resolved(pdf_value(resources, "/XObject")), key));
  const std::string_view kind = pdf_value(object, "/Subtype");
  if (kind == "/Image") return draw_image(object);
  if (kind != "/Form" || depth_ == kDeepest) throw Error("it draws what attnviz does not draw");
  const State before = state_;
  const std::string content = stream_bytes(pdf_, object, "a form", kLargestStream);
  ++depth_;
  run(content, pdf_.resolved(pdf_value(object, "/Resources")));
  --depth_;
  state_ = before;
}

void Interpreter::draw_image(std::string_view object) {
  constexpr double kGlyph = 20;  // points: smaller images are characters of fonts that are pictures
  constexpr std::uint64_t kMostPixels = kLargestStream / 3;
  const Point a = placed(0, 0), b = placed(1, 1);
  Image image{std::min(a.x, b.x), std::min(a.y, b.y), std::abs(a.x - b.x), std::abs(a.y - b.y), 0, {}};
  if (image.width < kGlyph && image.height < kGlyph) return;
  const std::uint64_t columns = pdf_integer(pdf_value(object, "/Width")).value_or(0),
                      rows = pdf_integer(pdf_value(object, "/Height")).value_or(0);
  const bool grey = pdf_value(object, "/ColorSpace") == "/DeviceGray";
  const bool readable = (grey || pdf_value(object, "/ColorSpace") == "/DeviceRGB") &&
                        pdf_value(object, "/BitsPerComponent") == "8" && columns > 0 && rows > 0 &&
                        columns < kMostPixels && rows <= kMostPixels / columns;
  if (!readable) throw Error("an image in it is of a kind that attnviz does not write");
  const std::string bytes = stream_bytes(pdf_, object, "an image", kLargestStream);
  const std::size_t channels = grey ? 1 : 3;
  if (bytes.size() < columns * rows * channels) throw Error("it is cut: an image lacks pixels");
  image.columns = columns;
  image.pixels.reserve(columns * rows);
  for (std::size_t i = 0; i < columns * rows; ++i) {
    const auto channel = [&](std::size_t c) {
      return static_cast<std::uint8_t>(bytes[i * channels + (grey ? 0 : c)]);
    };
    image.pixels.push_back({channel(0), channel(1), channel(2)});
  }
  figure_.items.emplace_back(std::move(image));
}

}  // namespace

Figure read_pdf_picture(std::string_view file) {
  const Pdf pdf(file);
  const auto entry = [&pdf](std::string_view dictionary, std::string_view name) {
    return pdf.resolved(pdf_value(dictionary, name));
  };
  const std::string_view pages = entry(pdf.resolved(pdf_value(pdf.trailer(), "/Root")), "/Pages");
  PdfTokens kids(entry(pages, "/Kids"));
  if (kids.next() != "[") throw Error("it is broken: it has no page");
  const std::string_view page = pdf.resolved(kids.object());
  const std::vector<double> box = numbers_in(entry(page, "/MediaBox"));
  if (box.size() != 4 || kids.next() != "]") throw Error("it is not a single page, as figures are");
  Figure figure{.width = box[2] - box[0], .height = box[3] - box[1]};
  const std::string content = stream_bytes(pdf, entry(page, "/Contents"), "its page", kLargestStream);
  Interpreter(pdf, figure).run(content, entry(page, "/Resources"));
  return figure;
}

}  // namespace attnviz
