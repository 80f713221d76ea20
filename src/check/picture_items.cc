#include "check/picture_items.h"

#include <algorithm>
#include <cmath>

#include "attnviz/text.h"
#include "check/names.h"
#include "check/picture_lines.h"

namespace attnviz {
namespace {

/// Of positions in points, as formats round them.
constexpr double kRounding = 0.02;

/// What numbers beside a chart's bars may take from their length, as fonts are.
constexpr double kBesideNumbers = 0.4;

struct Shift {
  double x = 0, y = 0;
};

bool is_near(double a, double b, double tolerance = kRounding) { return std::abs(a - b) <= tolerance; }

/// An image's cells are many shapes, a stored image's pixels even more: its own are taken at their centres.
std::vector<Shape> shapes_like(const ExpectedPicture& expected, const Figure& stored) {
  std::vector<const Image*> wanted;
  for (const Item& item : expected.figure.items) {
    if (const auto* const image = std::get_if<Image>(&item)) wanted.push_back(image);
  }
  Figure same_size = stored;
  std::size_t next = 0;
  for (Item& item : same_size.items) {
    auto* const image = std::get_if<Image>(&item);
    if (!image || next == wanted.size()) continue;
    const Image& like = *wanted[next++];
    const std::size_t rows = like.pixels.size() / like.columns,
                      stored_rows = image->columns ? image->pixels.size() / image->columns : 0;
    Image sampled = *image;
    sampled.columns = like.columns;
    sampled.pixels.clear();
    for (std::size_t i = 0; i < rows * like.columns && stored_rows > 0; ++i) {
      const std::size_t row = (2 * (i / like.columns) + 1) * stored_rows / (2 * rows),
                        column = (2 * (i % like.columns) + 1) * image->columns / (2 * like.columns);
      sampled.pixels.push_back(image->pixels[row * image->columns + column]);
    }
    item = sampled;
  }
  return shapes_of(same_size);
}

/// Shapes that are not where they should be, seen from the first of their block.
std::vector<std::size_t> misplaced(const ExpectedPicture& expected, const std::vector<Shape>& stored,
                                   std::vector<Shift>& shifts) {
  std::vector<std::size_t> found;
  Shift shift;
  for (std::size_t i = 0; i < stored.size(); ++i) {
    const Shape &wanted = expected.shapes[i], &shape = stored[i];
    if (i == 0 || wanted.block != expected.shapes[i - 1].block)
      shift = {shape.x - wanted.x, shape.y - wanted.y};
    shifts.push_back(shift);
    const double allowed = i < expected.cells ? kRounding : kBesideNumbers;
    const bool fits =
        is_near(shape.x - wanted.x, shift.x, allowed) && is_near(shape.y - wanted.y, shift.y, allowed) &&
        is_near(shape.width, wanted.width, allowed) && is_near(shape.height, wanted.height, allowed);
    if (!fits) found.push_back(i);
  }
  return found;
}

std::vector<Text> texts_of(const Figure& figure) {
  std::vector<Text> texts;
  for (const Item& item : figure.items) {
    if (const auto* const text = std::get_if<Text>(&item)) texts.push_back(*text);
  }
  return texts;
}

/// Letters as they are spelled: without spaces, and ligatures taken apart.
std::string letters_of(const std::string& text) {
  constexpr std::string_view kLigatures[] = {"ff", "fi", "fl", "ffi", "ffl", "st", "st"};  // from U+FB00 on
  std::string letters;
  for (std::size_t offset = 0; offset < text.size();) {
    const char32_t c = next_code_point(text, offset);
    if (c >= 0xFB00 && c < 0xFB00 + std::size(kLigatures)) {
      letters += kLigatures[c - 0xFB00];
    } else if (c != ' ' && c != 0xA0) {
      append_utf8(letters, c);
    }
  }
  return letters;
}

/// Whether every machine writes it with the same letters, in the same order: Latin, digits and signs, which
/// the bundled fonts have.
bool is_plain(const std::string& text) {
  for (std::size_t offset = 0; offset < text.size();) {
    const char32_t c = next_code_point(text, offset);
    const bool sign = (c >= 0x2010 && c < 0x2044) || c == 0x2212 || c == 0x2264 || c == 0x2265 || c == 0x2423;
    if (c >= 0x250 && !sign) return false;
  }
  return true;
}

/// Each text in one piece, as an SVG has them.
std::vector<std::string> whole_texts_that_differ(const std::vector<Text>& expected,
                                                 const std::vector<Text>& stored) {
  std::vector<std::string> found;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (expected[i].text != stored[i].text) found.push_back(change(expected[i].text, stored[i].text));
  }
  return found;
}

/// In pieces, as a PDF has them: one stream of letters, in which each text is looked for behind the one
/// before.
std::vector<std::string> texts_not_in(const std::vector<Text>& expected, const std::vector<Text>& pieces) {
  std::string stream;
  for (const Text& piece : pieces) stream += letters_of(piece.text);
  std::vector<std::string> found;
  std::size_t at = 0;
  bool exact = true;  // else texts were passed over whose letters are not known
  for (const Text& text : expected) {
    const std::string wanted = letters_of(text.text);
    if (!is_plain(wanted)) {
      exact = false;
      continue;
    }
    const std::size_t place = exact
                                  ? (stream.compare(at, wanted.size(), wanted) == 0 ? at : std::string::npos)
                                  : stream.find(wanted, at);
    if (place != std::string::npos) {
      at = place + wanted.size();
      exact = true;
    } else {
      found.push_back(cited(text.text) + " is not there, but " +
                      cited(valid_utf8(stream.substr(at, wanted.size()), InvalidUtf8::replace, "")));
      exact = false;
    }
  }
  return found;
}

bool is_whole(const std::vector<Text>& stored) {
  return std::none_of(stored.begin(), stored.end(), [](const Text& text) { return text.size == 0; });
}

/// Texts that stand elsewhere than the shapes around them.
std::vector<std::string> moved_texts(const ExpectedPicture& expected, const std::vector<Text>& stored,
                                     const std::vector<Shift>& shifts) {
  constexpr double kFarthest = 4;  // points that larger fonts may move a text
  std::vector<std::string> found;
  for (std::size_t i = 0; i < stored.size(); ++i) {
    const double x = stored[i].x - expected.texts[i].x, y = stored[i].y - expected.texts[i].y;
    const bool with_a_block = std::any_of(shifts.begin(), shifts.end(), [&](const Shift& shift) {
      return is_near(x, shift.x, kFarthest) && is_near(y, shift.y, kFarthest);
    });
    if (!with_a_block) found.push_back(cited(stored[i].text) + " is not where it should be");
  }
  return found;
}

std::vector<std::string> first_of(std::vector<std::string> lines) {
  constexpr std::size_t kMost = 10;
  if (lines.size() > kMost) lines.resize(kMost);
  return lines;
}

void add_texts(Verdict& verdict, const std::string& message, const std::vector<std::string>& lines) {
  if (lines.empty()) return;
  verdict.wrong += lines.size();
  verdict.findings.push_back({CheckStep::picture, message, first_of(lines)});
}

}  // namespace

Verdict judge_items(const Record& record, const ExpectedPicture& expected, const Figure& stored) {
  Verdict verdict;
  const std::vector<Shape> shapes = shapes_like(expected, stored);
  if (shapes.size() != expected.shapes.size()) {
    verdict.wrong = std::max(shapes.size(), expected.shapes.size());
    verdict.findings = {{CheckStep::picture, "the picture is not its record's: it has " +
                                                 std::to_string(shapes.size()) +
                                                 " cells, bars and the like, expected " +
                                                 std::to_string(expected.shapes.size())}};
    return verdict;
  }
  const ColorAt color_at = [&](std::size_t i) { return std::optional(shapes[i].fill); };
  const ColorCount count = count_colors(expected, color_at);
  verdict.wrong = count.is_good() ? 0 : count.wrong + 1;
  verdict.findings = color_findings(record, expected, count, color_at);

  std::vector<Shift> shifts;
  std::vector<std::string> places;
  for (const std::size_t i : misplaced(expected, shapes, shifts))
    places.push_back(expected.name_of(record, i));
  places.erase(std::unique(places.begin(), places.end()), places.end());
  add_texts(verdict, "parts of the picture are not where their numbers put them", places);
  std::sort(shifts.begin(), shifts.end(),
            [](const Shift& a, const Shift& b) { return std::pair(a.x, a.y) < std::pair(b.x, b.y); });
  shifts.erase(
      std::unique(shifts.begin(), shifts.end(),
                  [](const Shift& a, const Shift& b) { return is_near(a.x, b.x) && is_near(a.y, b.y); }),
      shifts.end());

  if (std::holds_alternative<View>(record.drawn)) {
    add_texts(verdict, "the picture's lines are not its record's", lines_that_differ(expected, stored));
  }

  const std::vector<Text> texts = texts_of(stored);
  if (!is_whole(texts)) {
    add_texts(verdict, "the picture's texts are not its record's", texts_not_in(expected.texts, texts));
  } else if (texts.size() != expected.texts.size()) {
    add_texts(verdict,
              "the picture has " + counted(texts.size(), "text") + ", expected " +
                  std::to_string(expected.texts.size()),
              {"labels or numbers are missing, or too many"});
  } else {
    add_texts(verdict, "the picture's texts are not its record's",
              whole_texts_that_differ(expected.texts, texts));
    add_texts(verdict, "texts stand in other places", moved_texts(expected, texts, shifts));
  }
  return verdict;
}

}  // namespace attnviz
