// Seeded variants of figures that say the same: none of them alarms. ATTNVIZ_CHECK_FAULTS says how many to
// try.
#include <gtest/gtest.h>
#include <libdeflate.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>

#include "attnviz/check.h"
#include "attnviz/file.h"
#include "attnviz/render.h"
#include "render/zlib.h"
#include "support/check_samples.h"
#include "support/pictures.h"
#include "support/support.h"

namespace attnviz::test {
namespace {

struct Variant {
  std::mt19937 random;
  Sample changed;
  std::string format;
  double font_scale = 1, dpi = 100;
  Alter alter{};
  std::function<std::string(const std::string&)> rewrite{};  ///< of the file's bytes

  std::size_t below(std::size_t count) { return random() % count; }
  double between(double low, double high) {
    return low + (high - low) * static_cast<double>(random() % 10'000) / 10'000;
  }
};

/// Whether it could be made of this figure.
using Change = std::function<bool(Variant&)>;

/// What thread counts, instruction sets and padding do to numbers.
bool round_otherwise(Variant& variant) {
  const auto noise = [&] { return variant.between(-4e-6, 4e-6); };
  const bool causal = maps_of(variant.changed.record().drawn).front().causal;
  for (std::vector<float>& weights : variant.changed.weights) {
    for (float& weight : weights) {
      const bool masked = causal && weight == 0;
      if (!masked) weight = std::max(weight + static_cast<float>(noise()), weight < 0 ? -1.0F : 0.0F);
    }
  }
  for (double& total : variant.changed.received) total += noise();
  if (auto* const summary = std::get_if<Summary>(&variant.changed.prototype.drawn)) {
    for (LayerMetrics& layer : summary->layers) layer.entropy += noise();
  }
  return true;
}

bool enlarge_fonts(Variant& variant) {
  variant.font_scale = variant.between(0.99, 1.015);
  return true;
}

/// The texts alone, in the same places: 7.05 points in place of 7.
bool enlarge_texts(Variant& variant) {
  const double scale = variant.between(0.993, 1.01);
  variant.alter = [scale](Figure& figure) {
    for (Item& item : figure.items) {
      if (auto* const text = std::get_if<Text>(&item)) text->size *= scale;
    }
  };
  return true;
}

bool draw_in_another_look(Variant& variant) {
  Look& look = variant.changed.prototype.look;
  look.theme = variant.below(2) ? Theme::dark : Theme::light;
  if (variant.changed.kind != "diff")
    look.colors = ColorMap(std::array{"Greens", "plasma", "Greys"}[variant.below(3)]);
  if (variant.below(2)) look.title = "Another title";
  variant.dpi = std::array{72.0, 100.0, 150.0, 200.0}[variant.below(4)];
  variant.changed.prototype.arguments.insert(variant.changed.prototype.arguments.end(), {"--dpi", "72"});
  return true;
}

bool ask_otherwise(Variant& variant) {
  Record& record = variant.changed.prototype;
  for (std::string& argument : record.arguments) {
    if (argument == "0-3") argument = "0,1,2,3";
    if (argument == "1-4") argument = "1,2-3,4";
  }
  variant.changed.texts[0].sha256["model.safetensors"] = "0000";
  variant.changed.texts[0].backend = "torchscript";
  record.program = "attnviz 9.9";
  record.arguments.insert(record.arguments.end(), {"--theme", "dark"});
  return true;
}

bool reorder_record(Variant& variant) {
  variant.alter = [](Figure& figure) { figure.record = nlohmann::json::parse(figure.record).dump(2); };
  return true;
}

std::string u32(std::size_t value) {
  std::string bytes;
  for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(value >> shift);
  return bytes;
}

std::string chunk(const std::string& type, const std::string& data) {
  const std::string body = type + data;
  return u32(data.size()) + body + u32(libdeflate_crc32(0, body.data(), body.size()));
}

std::size_t size_of_chunk(const std::string& png, std::size_t at) {
  std::size_t size = 0;
  for (std::size_t i = 0; i < 4; ++i) size = size << 8 | static_cast<unsigned char>(png[at + i]);
  return size + 12;
}

/// The PNG's chunks of one type, or all but those that hold pixels.
std::string chunks_of(const std::string& png, bool before_pixels) {
  std::string kept;
  bool seen = false;
  for (std::size_t at = 8; at < png.size(); at += size_of_chunk(png, at)) {
    const std::string type = png.substr(at + 4, 4);
    const bool picture = type == "IHDR" || type == "PLTE" || type == "IDAT" || type == "IEND";
    seen = seen || type == "IDAT";
    if (!picture && seen != before_pixels) kept += png.substr(at, size_of_chunk(png, at));
  }
  return kept;
}

/// Rows filtered as PNG may (third edition, 9.2): none, sub, up, average.
std::string filtered(const Pixels& pixels, int filter) {
  const std::size_t width = static_cast<std::size_t>(pixels.width) * 3;
  std::string before(width, '\0'), bytes;
  for (int y = 0; y < pixels.height; ++y) {
    std::string row;
    for (int x = 0; x < pixels.width; ++x) {
      const unsigned color = pixels.colors[static_cast<std::size_t>(y * pixels.width + x)];
      for (const int shift : {16, 8, 0}) row += static_cast<char>(color >> shift);
    }
    bytes += static_cast<char>(filter);
    for (std::size_t i = 0; i < width; ++i) {
      const int left = i < 3 ? 0 : static_cast<unsigned char>(row[i - 3]),
                up = static_cast<unsigned char>(before[i]);
      const int predicted = filter == 1 ? left : filter == 2 ? up : filter == 3 ? (left + up) / 2 : 0;
      bytes += static_cast<char>(static_cast<unsigned char>(row[i]) - predicted);
    }
    before = row;
  }
  return bytes;
}

/// The same pixels, packed otherwise; what is said beside them may stand behind them.
bool pack_otherwise(Variant& variant) {
  if (variant.format != "png") return false;
  const int filter = static_cast<int>(variant.below(4)), level = 1 + static_cast<int>(variant.below(12));
  const bool behind = variant.below(2) == 0;
  variant.rewrite = [=](const std::string& png) {
    const Pixels pixels(png);
    const std::string notes = chunks_of(png, true) + chunks_of(png, false),
                      physical = notes.substr(0, size_of_chunk(notes, 0)),
                      texts = notes.substr(physical.size());
    const std::string packed(deflated(filtered(pixels, filter), level).view());
    const std::size_t half = packed.size() / 2;
    return "\x89PNG\r\n\x1a\n" +
           chunk("IHDR", u32(static_cast<std::size_t>(pixels.width)) +
                             u32(static_cast<std::size_t>(pixels.height)) +
                             std::string("\x08\x02\0\0\0", 5)) +
           physical + chunk("tEXt", std::string("Software\0optimizer", 18)) + (behind ? "" : texts) +
           chunk("IDAT", packed.substr(0, half)) + chunk("IDAT", packed.substr(half)) +
           (behind ? texts : "") + chunk("IEND", "");
  };
  return true;
}

/// Attributes in reverse, other quotes, more space.
std::string attributes_reversed(const std::string& element, bool single_quotes) {
  static const std::regex attribute(R"re(([A-Za-z0-9:-]+)="([^"]*)")re");
  std::vector<std::string> parts;
  for (auto it = std::sregex_iterator(element.begin(), element.end(), attribute);
       it != std::sregex_iterator(); ++it) {
    const bool quotable = single_quotes && (*it)[2].str().find('\'') == std::string::npos;
    parts.push_back((*it)[1].str() +
                    (quotable ? " = '" + (*it)[2].str() + "'" : "=\"" + (*it)[2].str() + "\""));
  }
  std::reverse(parts.begin(), parts.end());
  std::string text = element.substr(0, element.find(' '));
  for (const std::string& part : parts) text += "\n  " + part;
  return text + (element.ends_with("/>") ? " />" : ">");
}

bool reorder_attributes(Variant& variant) {
  if (variant.format != "svg") return false;
  const bool single_quotes = variant.below(2) == 0;
  variant.rewrite = [single_quotes](const std::string& svg) {
    std::string other;
    const std::size_t defs = svg.find("<defs>");
    other = svg.substr(0, defs) + "<!-- <rect/> -->";
    for (std::size_t at = defs; at < svg.size();) {
      const std::size_t end = svg[at] == '<' ? svg.find('>', at) + 1 : svg.find('<', at);
      const std::string piece = svg.substr(at, end - at);
      const bool turned =
          piece.starts_with("<rect ") || piece.starts_with("<line ") || piece.starts_with("<g ");
      other += turned ? attributes_reversed(piece, single_quotes) : piece;
      at = std::min(end, svg.size());
    }
    return other;
  };
  return true;
}

const std::vector<std::pair<std::string, Change>>& changes() {
  static const std::vector<std::pair<std::string, Change>> table = {
      {"rounded otherwise", round_otherwise}, {"larger fonts", enlarge_fonts},
      {"larger texts", enlarge_texts},        {"another look", draw_in_another_look},
      {"asked otherwise", ask_otherwise},     {"record reordered", reorder_record},
      {"packed otherwise", pack_otherwise},   {"attributes reordered", reorder_attributes},
  };
  return table;
}

std::size_t tried() {
  const char* const given = std::getenv("ATTNVIZ_CHECK_FAULTS");
  constexpr std::size_t kByDefault = 250;
  return given ? std::strtoul(given, nullptr, 10) : kByDefault;
}

TEST(CheckHarmless, VariantsDoNotAlarm) {
  const TemporaryDirectory directory;
  std::filesystem::create_directory(directory / "baseline");
  std::map<std::string, std::size_t> counts;
  std::size_t done = 0;
  for (unsigned seed = 0; done < tried(); ++seed) {
    const auto& [name, change] = changes()[seed % changes().size()];
    const std::string kind = sample_kinds()[(seed / changes().size()) % sample_kinds().size()];
    const std::string format = std::array{"png", "svg", "pdf"}[seed / 5 % 3], file = "figure." + format;
    const Sample sample = make_sample(kind, seed);
    Variant variant{.random = std::mt19937(seed), .changed = sample, .format = format};
    if (!change(variant)) continue;
    ++done;
    ++counts[name];
    write_sample(sample.record(), directory / "baseline" / file);
    write_sample(variant.changed.record(), directory / file, variant.alter, variant.font_scale, variant.dpi);
    if (variant.rewrite) write(directory / file, variant.rewrite(read_file(directory / file)));
    const CheckResult result = compare_files(directory / "baseline" / file, directory / file, {});
    EXPECT_EQ(result.status, CheckResult::Status::same)
        << name << " in " << kind << " " << file << ", seed " << seed << ": " << report_text({&result, 1});
  }
  for (const auto& [name, count] : counts) RecordProperty(name, static_cast<int>(count));
}

}  // namespace
}  // namespace attnviz::test
