#include <glib.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <memory>
#include <set>

#include "attnviz/error.h"
#include "attnviz/text.h"
#include "render/picture.h"
#include "render/typesetter.h"

namespace attnviz {
namespace {

/// A start tag, an empty element's or an end tag.
struct Tag {
  std::string name;
  std::map<std::string, std::string, std::less<>> attributes;
  bool is_end = false, is_empty = false;

  [[nodiscard]] std::string_view get(std::string_view attribute) const {
    const auto found = attributes.find(attribute);
    if (found == attributes.end()) throw Error("a <" + name + "> has no " + std::string(attribute));
    return found->second;
  }
};

constexpr std::string_view kSpace = " \t\r\n";

/// The value of an attribute, its entities replaced.
std::string plain(std::string_view value) {
  std::string text;
  while (!value.empty()) {
    constexpr std::size_t kLongestEntity = 16;  // or each & would be searched for to the value's end
    const std::size_t end =
        value[0] == '&' ? value.substr(0, kLongestEntity).find(';') : std::string_view::npos;
    if (end == std::string_view::npos) {
      text += value[0];
      value.remove_prefix(1);
      continue;
    }
    const std::string_view entity = value.substr(1, end - 1);
    value.remove_prefix(end + 1);
    std::uint32_t code = 0;
    const bool hexadecimal = entity.starts_with("#x");
    const std::string_view digits = entity.substr(std::min<std::size_t>(hexadecimal ? 2 : 1, entity.size()));
    if (entity == "amp") text += '&';
    if (entity == "lt") text += '<';
    if (entity == "gt") text += '>';
    if (entity == "quot") text += '"';
    if (entity == "apos") text += '\'';
    if (entity.starts_with('#') &&
        std::from_chars(digits.data(), digits.data() + digits.size(), code, hexadecimal ? 16 : 10).ec ==
            std::errc() &&
        code < 0x110000) {
      append_utf8(text, code);
    }
  }
  return text;
}

/// A document's tags; what stands between them is passed over.
class Tags {
 public:
  explicit Tags(std::string_view document) : rest_(document) {}

  /// Throws Error at the document's end.
  Tag next();

  /// Up to the end of the element whose start tag was just read, with all in it.
  void skip(const Tag& tag);

 private:
  void skip_to(std::string_view what) {
    const std::size_t at = rest_.find(what);
    if (at == std::string_view::npos) throw Error("it is cut: its end, </svg>, is missing");
    rest_.remove_prefix(at + what.size());
  }

  void skip_space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(kSpace), rest_.size())); }
  void read_attribute(Tag& tag);

  std::string_view rest_;
};

void Tags::read_attribute(Tag& tag) {
  const std::size_t equals = rest_.find('=');
  std::string_view name = rest_.substr(0, equals);
  while (!name.empty() && kSpace.find(name.back()) != std::string_view::npos) name.remove_suffix(1);
  if (equals == std::string_view::npos || name.empty() ||
      name.find_first_of(" \t\r\n<>\"'") != std::string_view::npos)
    throw Error("it is broken: a <" + tag.name + "> has no end");
  rest_.remove_prefix(equals + 1);
  skip_space();
  const char quote = rest_.empty() ? ' ' : rest_[0];
  const std::size_t end = quote == '"' || quote == '\'' ? rest_.find(quote, 1) : std::string_view::npos;
  if (end == std::string_view::npos) throw Error("it is broken: a <" + tag.name + "> has no end");
  if (!tag.attributes.emplace(std::string(name), plain(rest_.substr(1, end - 1))).second)
    throw Error("it is broken: a <" + tag.name + "> says " + std::string(name) + " twice");
  rest_.remove_prefix(end + 1);
}

Tag Tags::next() {
  for (;;) {
    skip_to("<");
    if (rest_.starts_with("!--")) {
      skip_to("-->");
    } else if (rest_.starts_with('?') || rest_.starts_with('!')) {
      skip_to(">");
    } else {
      break;
    }
  }
  Tag tag;
  tag.is_end = rest_.starts_with('/');
  if (tag.is_end) rest_.remove_prefix(1);
  const std::size_t end = std::min(rest_.find_first_of(" \t\r\n/>"), rest_.size());
  tag.name = rest_.substr(0, end);
  rest_.remove_prefix(end);
  for (;;) {
    skip_space();
    tag.is_empty = rest_.starts_with("/>");
    if (tag.is_empty || rest_.starts_with('>')) {
      rest_.remove_prefix(tag.is_empty ? 2 : 1);
      return tag;
    }
    read_attribute(tag);
  }
}

void Tags::skip(const Tag& tag) {
  for (std::size_t depth = tag.is_empty ? 0 : 1; depth > 0;) {
    const Tag inner = next();
    if (inner.name != tag.name || inner.is_empty) continue;
    depth += inner.is_end ? -1 : 1;
  }
}

double number(std::string_view text) {
  double value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    throw Error("it is broken: " + visible(text.substr(0, 40)) + " is no number");
  return value;
}

double number_of(const Tag& tag, std::string_view attribute) { return number(tag.get(attribute)); }

Color color_of(const Tag& tag, std::string_view attribute) {
  const std::optional<Color> color = read_hex(tag.get(attribute));
  if (!color) throw Error("it is broken: " + visible(tag.get(attribute).substr(0, 40)) + " is no colour");
  return *color;
}

/// Refuses what could make an element look otherwise than its known attributes say.
void expect_only(const Tag& tag, const std::set<std::string_view>& known) {
  for (const auto& [name, value] : tag.attributes) {
    if (!known.contains(name))
      throw Error("a <" + tag.name + "> has " + visible(name) + ", which attnviz does not write");
  }
}

Rectangle rectangle(const Tag& tag) {
  expect_only(tag, {"x", "y", "width", "height", "fill", "shape-rendering"});
  return {number_of(tag, "x"),      number_of(tag, "y"),   number_of(tag, "width"),
          number_of(tag, "height"), color_of(tag, "fill"), tag.attributes.contains("shape-rendering")};
}

Line line(const Tag& tag) {
  expect_only(tag, {"x1", "y1", "x2", "y2", "stroke", "stroke-width"});
  return {number_of(tag, "x1"), number_of(tag, "y1"),           number_of(tag, "x2"),
          number_of(tag, "y2"), number_of(tag, "stroke-width"), color_of(tag, "stroke")};
}

/// Takes the image's pixels from `most_pixels`, those of all images in the file.
Image image(const Tag& tag, std::uint64_t& most_pixels) {
  expect_only(tag, {"x", "y", "width", "height", "preserveAspectRatio", "style", "xlink:href", "href"});
  constexpr std::string_view kPng = "data:image/png;base64,";
  std::string_view data = tag.get(tag.attributes.contains("href") ? "href" : "xlink:href");
  if (!data.starts_with(kPng)) throw Error("an <image> is no PNG in the file itself");
  data.remove_prefix(kPng.size());
  gsize size = 0;
  const std::unique_ptr<guchar, decltype(&g_free)> png(g_base64_decode(std::string(data).c_str(), &size),
                                                       g_free);
  const Raster raster = read_png_picture({reinterpret_cast<const char*>(png.get()), size}, most_pixels);
  most_pixels -= raster.pixels.size();
  Image image{number_of(tag, "x"),      number_of(tag, "y"), number_of(tag, "width"),
              number_of(tag, "height"), raster.columns,      {}};
  for (const std::uint32_t pixel : raster.pixels) {
    image.pixels.push_back({static_cast<std::uint8_t>(pixel >> 16), static_cast<std::uint8_t>(pixel >> 8),
                            static_cast<std::uint8_t>(pixel)});
  }
  return image;
}

/// The numbers of each "name(…)" of a transform, in its order.
std::vector<std::pair<std::string_view, std::vector<double>>> functions_of(std::string_view transform) {
  std::vector<std::pair<std::string_view, std::vector<double>>> functions;
  for (;;) {
    transform.remove_prefix(std::min(transform.find_first_not_of(" ,\t\r\n"), transform.size()));
    if (transform.empty()) return functions;
    const std::size_t open = transform.find('('), close = transform.find(')');
    if (open == std::string_view::npos || close == std::string_view::npos || close < open)
      throw Error("it is broken: " + visible(transform.substr(0, 40)) + " is no transform");
    auto& [name, numbers] = functions.emplace_back(transform.substr(0, open), std::vector<double>{});
    std::string_view inside = transform.substr(open + 1, close - open - 1);
    while (!inside.empty()) {
      const std::size_t end = std::min(inside.find_first_of(" ,"), inside.size());
      if (end > 0) numbers.push_back(number(inside.substr(0, end)));
      inside.remove_prefix(std::min(end + 1, inside.size()));
    }
    transform.remove_prefix(close + 1);
  }
}

Text text(const Tag& tag) {
  expect_only(tag, {"aria-label", "fill", "transform"});
  Text text{.text = std::string(tag.get("aria-label")), .color = color_of(tag, "fill")};
  bool placed = false;
  for (const auto& [name, numbers] : functions_of(tag.get("transform"))) {
    if (name == "translate" && numbers.size() == 2 && !placed) {
      text.x = numbers[0];
      text.y = numbers[1];
      placed = true;
    } else if (name == "rotate" && numbers.size() == 1) {
      text.angle = numbers[0];
    } else if (name == "scale" && numbers.size() == 1) {
      text.size = numbers[0] * ShapedLine::kUnit;
    }
  }
  return text;
}

/// "396pt", in points.
double length(std::string_view text) {
  if (text.ends_with("pt")) text.remove_suffix(2);
  return number(text);
}

}  // namespace

std::optional<Color> read_hex(std::string_view text) {
  std::array<std::uint8_t, 3> channels{};
  if (text.size() != 7 || text[0] != '#') return std::nullopt;
  for (std::size_t i = 0; i < 3; ++i) {
    const char* const begin = text.data() + 1 + 2 * i;
    if (const auto [end, fault] = std::from_chars(begin, begin + 2, channels[i], 16); end != begin + 2)
      return std::nullopt;
  }
  return Color{channels[0], channels[1], channels[2]};
}

Figure read_svg_picture(std::string_view file) {
  // What follows takes the file apart at ASCII characters alone, and shows its parts in errors.
  if (const std::size_t bad = find_invalid_utf8(file); bad != std::string_view::npos) {
    throw Error("not an SVG: not UTF-8 at byte " + std::to_string(bad));
  }
  Tags tags(file);
  Tag tag = tags.next();
  if (tag.name != "svg") throw Error("not an SVG: it begins with <" + visible(tag.name) + ">");
  Figure figure{.width = length(tag.get("width")), .height = length(tag.get("height"))};
  bool has_background = false;
  std::uint64_t most_pixels = kMostImagePixels;
  for (tag = tags.next(); !(tag.is_end && tag.name == "svg"); tag = tags.next()) {
    if (tag.is_end) continue;
    if (tag.name == "rect") {
      const Rectangle rect = rectangle(tag);
      if (has_background) {
        figure.items.emplace_back(rect);
      } else if (rect.width < figure.width - 1 || rect.height < figure.height - 1) {
        throw Error("its first <rect> is not its background");
      } else {
        figure.background = rect.fill;
      }
      has_background = true;
    } else if (tag.name == "line") {
      figure.items.emplace_back(line(tag));
    } else if (tag.name == "image") {
      figure.items.emplace_back(image(tag, most_pixels));
    } else if (tag.name == "g") {
      figure.items.emplace_back(text(tag));
      tags.skip(tag);
    } else if (tag.name == "title" || tag.name == "desc" || tag.name == "metadata" || tag.name == "defs") {
      tags.skip(tag);
    } else {
      throw Error("it holds <" + visible(tag.name) + ">, which attnviz does not draw");
    }
  }
  return figure;
}

}  // namespace attnviz
