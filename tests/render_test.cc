#include "attnviz/render.h"

#include <glib.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/pictures.h"
#include "support/support.h"

namespace attnviz {
namespace {

using test::error_of;
using test::expect_picture;
using test::Pixels;
using test::size_as_cairo_writes;

/// A variable of the environment, put back afterwards; without a value, unset.
class Variable {
 public:
  Variable(const char* name, std::optional<std::string> value) : name_(name) {
    if (const char* old = std::getenv(name)) old_ = old;
    set(value);
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() { set(old_); }

 private:
  void set(const std::optional<std::string>& value) {
    if (value) {
      setenv(name_, value->c_str(), 1);
    } else {
      unsetenv(name_);
    }
  }
  const char* name_;
  std::optional<std::string> old_;
};

/// Attention without randomness: each token looks at itself, its neighbours and the first.
struct Map {
  std::vector<TokenLabel> labels;
  std::vector<float> weights;
  Heatmap heatmap;

  explicit Map(std::vector<TokenLabel> tokens, bool causal = false) : labels(std::move(tokens)) {
    const std::size_t n = labels.size();
    for (std::size_t row = 0; row < n; ++row) {
      const std::size_t start = weights.size();
      float sum = 0;
      for (std::size_t column = 0; column < n; ++column) {
        const auto distance = static_cast<float>(row > column ? row - column : column - row);
        const float weight = 1 / (1 + distance * distance) + (column == 0 ? 0.4F : 0);
        weights.push_back(causal && column > row ? 0 : weight);
        sum += weights.back();
      }
      for (std::size_t i = start; i < weights.size(); ++i) weights[i] /= sum;
    }
    heatmap = {.weights = {weights, n},
               .queries = labels,
               .keys = labels,
               .causal = causal,
               .title = "minilm · Layer 6 · Head 0",
               .subtitle = "The river bank."};
  }
  Map(const Map&) = delete;
  Map& operator=(const Map&) = delete;

  [[nodiscard]] Figure figure(const Look& look = {}) const {
    return head_heatmap(heatmap, look, text_measure());
  }
};

std::vector<TokenLabel> sentence() {
  return {{"", "[CLS]", true}, {"", "the", false}, {"", "river", false}, {"", "bank", false},
          {"##", "s", false},  {"", ".", false},   {"", "[SEP]", true}};
}

std::vector<TokenLabel> words(std::size_t count) {
  std::vector<TokenLabel> labels;
  for (std::size_t i = 0; i < count; ++i)
    labels.push_back({i % 5 ? "" : "␣", "word" + std::to_string(i), i == 0});
  return labels;
}

template <class Write>
std::string written(Write&& write) {
  std::string bytes;
  write([&bytes](std::string_view piece) { bytes += piece; });
  return bytes;
}

std::string png(const Figure& figure, double dpi = 100) {
  return written([&](const Sink& sink) { write_png(figure, dpi, sink); });
}
std::string svg(const Figure& figure) {
  return written([&](const Sink& sink) { write_svg(figure, sink); });
}
std::string pdf(const Figure& figure) {
  return written([&](const Sink& sink) { write_pdf(figure, sink); });
}

/// A PNG's chunks, by type; the CRCs are libpng's to check.
std::map<std::string, std::vector<std::string>> chunks(const std::string& bytes) {
  std::map<std::string, std::vector<std::string>> found;
  for (std::size_t at = 8; at + 12 <= bytes.size();) {
    std::size_t length = 0;
    for (std::size_t i = 0; i < 4; ++i) length = length << 8 | static_cast<unsigned char>(bytes[at + i]);
    found[bytes.substr(at + 4, 4)].push_back(bytes.substr(at + 8, length));
    at += length + 12;
  }
  return found;
}

/// The texts and attributes of an XML document; empty when it is not well-formed.
struct Xml {
  std::string error;
  std::map<std::string, std::string> text;  ///< by element
  std::map<std::string, int> elements;
  std::vector<std::string> labels;  ///< aria-label attributes
  std::set<std::string> ids;

  explicit Xml(const std::string& document) {
    static constexpr GMarkupParser kParser = {
        [](GMarkupParseContext*, const char* element, const char** names, const char** values, void* self,
           GError**) {
          Xml& xml = *static_cast<Xml*>(self);
          ++xml.elements[element];
          for (; *names; ++names, ++values) {
            if (std::string_view(*names) == "aria-label") xml.labels.emplace_back(*values);
            if (std::string_view(*names) == "id" && !xml.ids.insert(*values).second) xml.error = "id twice";
          }
        },
        nullptr,
        [](GMarkupParseContext* context, const char* piece, gsize length, void* self, GError**) {
          static_cast<Xml*>(self)->text[g_markup_parse_context_get_element(context)].append(piece, length);
        },
        nullptr, nullptr};
    const std::unique_ptr<GMarkupParseContext, void (*)(GMarkupParseContext*)> context(
        g_markup_parse_context_new(&kParser, GMarkupParseFlags{}, this, nullptr),
        g_markup_parse_context_unref);
    GError* fault = nullptr;
    if (!g_markup_parse_context_parse(context.get(), document.data(), static_cast<gssize>(document.size()),
                                      &fault) ||
        !g_markup_parse_context_end_parse(context.get(), &fault)) {
      error = fault->message;
      g_error_free(fault);
    }
  }
};

TEST(Pictures, LookAsTheyDid) {
  const Map two({{"", "[CLS]", true}, {"", "[SEP]", true}}), seven(sentence()), causal(sentence(), true);
  const Map scripts({{"", "الكتاب", false},
                     {"##", "على", false},
                     {"", "שלום", false},
                     {"", "नमस्ते", false},
                     {"", "Привет", false},
                     {"", "Ωμέγα", false},
                     {"", "‹E4›", false},
                     {"␣", "é→≤", false}});
  const Map gaps(words(40)), thinned(words(64)), image(words(110), true);
  Map noted(sentence());
  noted.heatmap.notes = {"special tokens hidden, rows renormalised"};
  noted.labels[2].text = "antidisestablishmentarianism";
  expect_picture("two.png", png(two.figure()));
  expect_picture("seven.png", png(seven.figure()));
  expect_picture("seven_150dpi.png", png(seven.figure(), 150));
  expect_picture("seven_dark.png", png(seven.figure({.theme = Theme::dark})));
  expect_picture("seven_viridis_log.png",
                 png(seven.figure({.colors = ColorMap("viridis"), .scale = Scale::log})));
  expect_picture("seven_plain.png", png(seven.figure({.annotate = Annotate::never})));
  expect_picture("causal.png", png(causal.figure()));
  expect_picture("scripts.png", png(scripts.figure()));
  expect_picture("noted.png", png(noted.figure({.vmin = 0.1, .vmax = 0.5})));
  expect_picture("forty.png", png(gaps.figure(), 75));
  expect_picture("thinned.png", png(thinned.figure(), 75));
  expect_picture("image_dark.png", png(image.figure({.theme = Theme::dark}), 75));
}

TEST(Png, SaysItsDensityTitleAndDescription) {
  const Figure figure = Map(sentence()).figure();
  const auto found = chunks(png(figure, 300));
  EXPECT_EQ(found.at("pHYs").at(0), std::string("\0\0\x2E\x23\0\0\x2E\x23\1", 9));  // 11811 dots a metre
  ASSERT_EQ(found.at("iTXt").size(), 2U);
  EXPECT_EQ(found.at("iTXt")[0], "Title" + std::string(5, '\0') + figure.title);
  EXPECT_EQ(found.at("iTXt")[1], "Description" + std::string(5, '\0') + figure.description);
}

TEST(Png, IsNoLargerThanCairosOwn) {
  for (const std::size_t tokens : {2, 7, 30, 120}) {
    const std::string ours = png(Map(words(tokens)).figure(), 150);
    const std::size_t cairos = size_as_cairo_writes(ours);
    EXPECT_LE(static_cast<double>(ours.size()), 1.3 * static_cast<double>(cairos)) << tokens;
  }
}

TEST(Png, UsesAPaletteWhileColorsAreFew) {
  Figure figure{.width = 72, .height = 72};
  for (int i = 0; i < 255; ++i) {
    figure.items.emplace_back(Rectangle{i * 0.1, 0, 30, 72, {static_cast<std::uint8_t>(i), 0, 0}, true});
  }
  const std::string few = png(figure, 720);
  EXPECT_EQ(chunks(few).count("PLTE"), 1U);
  figure.items.emplace_back(Rectangle{60, 0, 2, 2, {1, 2, 3}, true});
  figure.items.emplace_back(Rectangle{66, 0, 2, 2, {3, 2, 1}, true});
  const std::string many = png(figure, 720);
  EXPECT_EQ(chunks(many).count("PLTE"), 0U);
  const Pixels indexed(few), direct(many);
  EXPECT_EQ(indexed.width, 720);
  for (std::size_t i = indexed.colors.size() / 2; i < indexed.colors.size(); ++i) {
    ASSERT_EQ(indexed.colors[i], direct.colors[i]);  // the lower half is the same in both
  }
}

TEST(Png, ShowsEveryCellsColorAtItsCenter) {
  for (const std::size_t tokens : {7, 64, 130}) {
    const Map map(words(tokens), true);
    for (const double dpi : {72.0, 150.0, 213.0}) {
      const Figure figure = map.figure({.annotate = Annotate::never});
      const Pixels pixels(png(figure, dpi));
      const auto check = [&](double x, double y, Color color) {
        const auto at = static_cast<std::size_t>(y * dpi / 72) * static_cast<std::size_t>(pixels.width) +
                        static_cast<std::size_t>(x * dpi / 72);
        EXPECT_EQ(pixels.colors[at], static_cast<unsigned>(color.red << 16 | color.green << 8 | color.blue));
      };
      for (const Item& item : figure.items) {
        if (const auto* cell = std::get_if<Rectangle>(&item); cell && cell->height > 4) {
          check(cell->x + cell->width / 2, cell->y + cell->height / 2, cell->fill);
        }
        const auto* image = std::get_if<Image>(&item);
        if (!image || dpi < 150) continue;
        const double side = image->width / static_cast<double>(image->columns);
        for (std::size_t i = 0; i < image->pixels.size(); ++i) {
          check(image->x + side * (static_cast<double>(i % image->columns) + 0.5),
                image->y + side * (static_cast<double>(i / image->columns) + 0.5), image->pixels[i]);
        }
      }
    }
  }
}

TEST(Png, RefusesWhatNoImageCanBe) {
  const Figure figure = Map(sentence()).figure();
  EXPECT_EQ(error_of([&] { png(figure, 0); }), "dpi: expected a number above 0");
  EXPECT_NE(error_of([&] { png(figure, 1e6); }).find("pixels a side, expected at most 32767"),
            std::string::npos);
}

TEST(Svg, IsWellFormedAndSaysWhatItShows) {
  Map map({{"", "<a>&\"b\"", false}, {"", "]]>", false}, {"##", "الكتاب", false}});
  map.heatmap.title = "A < B & \"C\" \x01";
  const Figure figure = map.figure();
  const Xml xml(svg(figure));
  EXPECT_EQ(xml.error, "");
  EXPECT_EQ(xml.text.at("title"), "A < B & \"C\" ␁");
  EXPECT_EQ(xml.text.at("desc"), figure.description);
  EXPECT_EQ(xml.elements.at("title"), 1);
  for (const char* label : {"<a>&\"b\"", "]]>", "##الكتاب", "Attention Weight"}) {
    EXPECT_NE(std::find(xml.labels.begin(), xml.labels.end(), label), xml.labels.end()) << label;
  }
}

TEST(Svg, HasARectangleForEachCellAndOneImageWhenTheyAreMany) {
  const Xml few(svg(Map(sentence()).figure({.annotate = Annotate::never})));
  EXPECT_GE(few.elements.at("rect"), 49);
  EXPECT_EQ(few.elements.count("image"), 0U);
  const std::string document = svg(Map(words(120)).figure());
  EXPECT_EQ(Xml(document).elements.at("image"), 1);
  EXPECT_NE(document.find("image-rendering:pixelated"), std::string::npos);
}

TEST(Svg, ReplacesWhatXmlHasNoPlaceFor) {
  const Xml xml(svg({.width = 9, .height = 9, .title = "a\x01\uFFFFz"}));
  EXPECT_EQ(xml.error, "");
  EXPECT_EQ(xml.text.at("title"), "a\uFFFD\uFFFDz");
}

TEST(Pdf, EmbedsItsFontsAndNoDate) {
  const Variable epoch("SOURCE_DATE_EPOCH", std::nullopt);
  const std::string document = pdf(Map(sentence()).figure());
  EXPECT_TRUE(document.starts_with("%PDF-1."));
  EXPECT_EQ(document.find("CreationDate"), std::string::npos);
  EXPECT_NE(document.find("/FontFile2"), std::string::npos);
  EXPECT_NE(document.find("/ToUnicode"), std::string::npos);
  EXPECT_NE(document.find("NotoSans"), std::string::npos);
}

TEST(Pdf, SaysTheDateThatSourceDateEpochGives) {
  const Figure figure = Map(sentence()).figure();
  struct Case {
    const char *seconds, *date;
  };
  for (const auto& [seconds, date] :
       {Case{"0", "19700101000000"}, {"1700000000", "20231114221320"}, {"253402300799", "99991231235959"}}) {
    const Variable epoch("SOURCE_DATE_EPOCH", seconds), zone("TZ", "Asia/Tokyo");
    std::string document = pdf(figure);
    document.erase(0, document.find("/CreationDate ("));
    const bool prefixed = document.starts_with("/CreationDate (D:");  // older Cairo leaves it out
    EXPECT_EQ(document.substr(prefixed ? 17 : 15, 15), std::string(date) + "Z") << seconds;
  }
  for (const char* wrong :
       {"", "now", "1.5", "-1", "+1", " 1", "1 ", "253402300800", "99999999999999999999"}) {
    const Variable epoch("SOURCE_DATE_EPOCH", wrong);
    EXPECT_EQ(error_of([&] { std::ignore = pdf(figure); }),
              std::string("SOURCE_DATE_EPOCH: expected whole seconds since 1970, got ") +
                  (*wrong ? wrong : "nothing") + "\n  hint: unset it, and a PDF says no date");
  }
}

TEST(Pdf, TellsItsViewerNotToSmoothTheMap) {
  EXPECT_NE(pdf(Map(words(120)).figure()).find("/Interpolate false"), std::string::npos);
}

TEST(Files, AreTheSameBytesWheneverAndWhereverTheyAreWritten) {
  const Figure figure = Map(sentence()).figure(), image = Map(words(120), true).figure();
  for (const auto& write : {png(figure) + svg(figure) + pdf(figure) + svg(image) + pdf(image)}) {
    const Variable zone("TZ", "Asia/Tokyo"), locale("LC_ALL", "de_DE.UTF-8"), language("LANGUAGE", "ar");
    const Figure again = Map(sentence()).figure();
    EXPECT_EQ(png(again) + svg(again) + pdf(again) + svg(image) + pdf(image), write);
  }
}

TEST(Files, PassOnWhatTheSinkThrows) {
  const Figure figure = Map(sentence()).figure();
  const Sink full = [](std::string_view) { throw Error("map.x: No space left on device"); };
  EXPECT_EQ(error_of([&] { write_png(figure, 100, full); }), "map.x: No space left on device");
  EXPECT_EQ(error_of([&] { write_svg(figure, full); }), "map.x: No space left on device");
  EXPECT_EQ(error_of([&] { write_pdf(figure, full); }), "map.x: No space left on device");
}

TEST(TextMeasure, GrowsWithSizeAndShapesLetters) {
  const MeasureText measure = text_measure();
  EXPECT_DOUBLE_EQ(measure("bank", 20, false), 2 * measure("bank", 10, false));
  EXPECT_GT(measure("bank", 10, true), measure("bank", 10, false));
  EXPECT_EQ(measure("", 10, false), 0);
  // Joined, Arabic letters are narrower than apart.
  EXPECT_LT(measure("كتب", 10, false),
            measure("ك", 10, false) + measure("ت", 10, false) + measure("ب", 10, false));
  // Digits are of one width, so that numbers stand below each other.
  EXPECT_DOUBLE_EQ(measure("0.11", 10, false), measure("0.48", 10, false));
}

/// The columns that a terminal's line takes: escape sequences none, the characters used here one each.
std::size_t columns_of(std::string_view line) {
  std::size_t columns = 0;
  for (std::size_t offset = 0; offset < line.size();) {
    if (line[offset] == '\x1b') {
      offset = line.find('m', offset) + 1;
    } else {
      (void)next_code_point(line, offset);
      ++columns;
    }
  }
  return columns;
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> found;
  for (std::size_t start = 0, end; (end = text.find('\n', start)) != std::string::npos; start = end + 1) {
    found.push_back(text.substr(start, end - start));
  }
  return found;
}

TEST(Terminal, DrawsDigitsWithoutColors) {
  const std::vector<float> weights = {1, 0, 0, 0.75F, 0.25F, 0, 0.025F, 0.95F, 0.025F};
  const std::vector<TokenLabel> labels = {{"", "The", false}, {"␣", "bank", false}, {"", "\x1b[31m.", false}};
  const Heatmap heatmap{.weights = {weights, 3},
                        .queries = labels,
                        .keys = labels,
                        .causal = true,
                        .title = "gpt2 · Layer 1 · Head 2",
                        .subtitle = "The bank.",
                        .notes = {"cut"}};
  EXPECT_EQ(to_terminal(heatmap, {}, TerminalColors::none, 60),
            "gpt2 · Layer 1 · Head 2\n"
            "The bank.\n"
            "   The 9\n"
            " ␣bank 7 2\n"
            "␛[31m. 0 9 0\n"
            "       T ␣ ␛\n"
            "       h b [\n"
            "       e a 3\n"
            "         n 1\n"
            "         k m\n"
            "           .\n"
            "0.00 0123456789 1.00  Attention Weight, blank: masked\n"
            "cut\n");
}

TEST(Terminal, StaysWithinItsColumns) {
  for (const std::size_t tokens : {1, 7, 50, 300}) {
    const Map map(words(tokens), tokens % 2 == 0);
    for (const TerminalColors colors :
         {TerminalColors::none, TerminalColors::ansi16, TerminalColors::ansi256, TerminalColors::truecolor}) {
      for (const std::size_t columns : {4, 10, 23, 40, 80, 132, 400}) {
        for (const std::string& line : lines(to_terminal(map.heatmap, {}, colors, columns))) {
          EXPECT_LE(columns_of(line), columns) << tokens << " tokens, " << columns << " columns: " << line;
        }
      }
    }
  }
}

TEST(Terminal, SaysWhenCellsArePooled) {
  const Map map(words(300));
  const std::string pooled = to_terminal(map.heatmap, {}, TerminalColors::truecolor, 80);
  EXPECT_NE(pooled.find("each cell: strongest of 5 × 5"), std::string::npos);
  EXPECT_EQ(to_terminal(map.heatmap, {}, TerminalColors::truecolor, 400).find("strongest"),
            std::string::npos);
}

TEST(Terminal, SendsNothingButColors) {
  Map map({{"", "a\x1b]0;x\a", false}, {"", "b\r\n", false}});
  map.heatmap.title = map.heatmap.subtitle = "t\x1b[2J\n";
  map.heatmap.notes = {"n\b"};
  for (const TerminalColors colors :
       {TerminalColors::none, TerminalColors::ansi16, TerminalColors::truecolor}) {
    const std::string text = to_terminal(map.heatmap, {}, colors, 80);
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\x1b') {
        EXPECT_NE(colors, TerminalColors::none);
        i = text.find_first_not_of("[0123456789;", i + 1);
        EXPECT_EQ(text[i], 'm');
      } else {
        EXPECT_TRUE(static_cast<unsigned char>(text[i]) >= 0x20 || text[i] == '\n');
      }
    }
  }
}

TEST(Terminal, HasTheColorsItsEnvironmentPromises) {
  struct Case {
    std::optional<std::string> no_color, color_term, term;
    bool is_terminal;
    TerminalColors colors;
  };
  for (const auto& [no_color, color_term, term, is_terminal, colors] : {
           Case{{}, "truecolor", "xterm-256color", true, TerminalColors::truecolor},
           Case{{}, "24bit", "xterm", true, TerminalColors::truecolor},
           Case{{}, {}, "xterm-direct", true, TerminalColors::truecolor},
           Case{{}, {}, "xterm-256color", true, TerminalColors::ansi256},
           Case{{}, {}, "xterm", true, TerminalColors::ansi16},
           Case{{}, {}, "dumb", true, TerminalColors::none},
           Case{{}, "truecolor", {}, true, TerminalColors::none},
           Case{"1", "truecolor", "xterm", true, TerminalColors::none},
           Case{"", "truecolor", "xterm", true, TerminalColors::truecolor},
           Case{{}, "truecolor", "xterm", false, TerminalColors::none},
       }) {
    const Variable first("NO_COLOR", no_color), second("COLORTERM", color_term), third("TERM", term);
    EXPECT_EQ(terminal_colors(is_terminal), colors) << color_term.value_or("-") << " " << term.value_or("-");
  }
}

}  // namespace
}  // namespace attnviz
