#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "attnviz/error.h"
#include "attnviz/text.h"
#include "render/pdf_font.h"
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

/// What Cairo draws (ISO 32000-1, 8 and 9): filled rectangles, lines, images, texts.
class Interpreter {
 public:
  Interpreter(const Pdf& pdf, Figure& figure, PdfBudget& budget)
      : pdf_(pdf), figure_(figure), budget_(budget) {}

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
  PdfBudget& budget_;
  State state_;
  std::vector<State> saved_;
  std::vector<std::string_view> operands_;
  std::vector<Rectangle> rectangles_;  ///< of the path
  std::vector<Point> points_;          ///< of its other parts
  std::size_t pieces_ = 0;             ///< of the path that are neither rectangle nor line
  const PdfFont* font_ = nullptr;
  std::map<std::string, PdfFont, std::less<>> fonts_;
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
    auto known = fonts_.find(key);
    if (known == fonts_.end()) known = fonts_.emplace(key, PdfFont(pdf_, font, budget_)).first;
    font_ = &known->second;
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
    budget_.take(PdfBudget::kItem);
    rectangles_.push_back(
        {std::min(a.x, b.x), std::min(a.y, b.y), std::abs(a.x - b.x), std::abs(a.y - b.y), state_.fill});
  } else if (name == "m" || name == "l") {
    budget_.take(sizeof(Point));
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
    budget_.take(PdfBudget::kItem);
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
  budget_.take(PdfBudget::kItem);
  Text text{.text = {}, .size = 0, .color = state_.fill};
  if (name == "Tj") {
    text.text = font_->text_of(pdf_string(operands_[0]), budget_);
  } else {
    PdfTokens parts(operands_[0]);
    for (std::string_view part = parts.next(); !part.empty(); part = parts.next()) {
      if (part.starts_with('(') || part.starts_with('<'))
        text.text += font_->text_of(pdf_string(part), budget_);
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
  const std::string content = unpacked(pdf_, object, "a form", budget_);
  ++depth_;
  run(content, pdf_.resolved(pdf_value(object, "/Resources")));
  --depth_;
  state_ = before;
}

void Interpreter::draw_image(std::string_view object) {
  constexpr double kGlyph = 20;  // points: smaller images are characters of fonts that are pictures
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
  const Point a = placed(0, 0), b = placed(1, 1);
  Image image{std::min(a.x, b.x), std::min(a.y, b.y), std::abs(a.x - b.x), std::abs(a.y - b.y), 0, {}};
  if (image.width < kGlyph && image.height < kGlyph) return;
  const std::uint64_t columns = pdf_integer(pdf_value(object, "/Width")).value_or(0),
                      rows = pdf_integer(pdf_value(object, "/Height")).value_or(0);
  const bool grey = pdf_value(object, "/ColorSpace") == "/DeviceGray";
  const bool readable = (grey || pdf_value(object, "/ColorSpace") == "/DeviceRGB") &&
                        pdf_value(object, "/BitsPerComponent") == "8" && columns > 0 && rows > 0 &&
                        columns <= kMost && rows <= kMost / columns;
  if (!readable) throw Error("an image in it is of a kind that attnviz does not write");
  const std::size_t channels = grey ? 1 : 3;
  budget_.take(PdfBudget::kPart);
  budget_.take_pixels(columns * rows);
  const std::string bytes = stream_bytes(pdf_, object, "an image", columns * rows * channels);
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
  PdfBudget budget;
  const std::string content = unpacked(pdf, entry(page, "/Contents"), "its page", budget);
  Interpreter(pdf, figure, budget).run(content, entry(page, "/Resources"));
  return figure;
}

}  // namespace attnviz
