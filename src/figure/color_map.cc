#include <algorithm>
#include <array>
#include <cstdint>

#include "attnviz/error.h"
#include "attnviz/figure.h"

namespace attnviz {
namespace {

using ColorTable = std::array<Color, 256>;

constexpr ColorTable unpack(const std::array<std::uint32_t, 256>& packed) {
  ColorTable table;
  for (std::size_t i = 0; i < table.size(); ++i) {
    table[i] = {static_cast<std::uint8_t>(packed[i] >> 16), static_cast<std::uint8_t>(packed[i] >> 8),
                static_cast<std::uint8_t>(packed[i])};
  }
  return table;
}

#include "figure/color_maps.inc"

struct Published {
  std::string_view name;
  const ColorTable& table;
};

constexpr Published kPublished[] = {
    {"Blues", kBlues},   {"Reds", kReds},       {"YlOrRd", kYlOrRd}, {"Oranges", kOranges},
    {"Greens", kGreens}, {"Purples", kPurples}, {"Greys", kGreys},   {"viridis", kViridis},
    {"magma", kMagma},   {"inferno", kInferno}, {"plasma", kPlasma}, {"cividis", kCividis},
    {"RdBu", kRdBu},     {"PuOr", kPuOr},       {"berlin", kBerlin},
};

}  // namespace

ColorMap::ColorMap(std::string_view name) : name_(name), reversed_(name.ends_with("_r")) {
  const std::string_view base = name.substr(0, name.size() - (reversed_ ? 2 : 0));
  for (const Published& published : kPublished) {
    if (published.name == base) table_ = published.table;
  }
  if (!table_.empty()) return;
  const std::string close = nearest(base, names());
  std::string all;
  for (const std::string& known : names()) all += (all.empty() ? "" : ", ") + known;
  throw Error(
      "colour map " + name_ + ": no such map",
      close.empty() ? "there are " + all + ", and each reversed with _r" : "did you mean " + close + "?");
}

Color ColorMap::operator()(double value) const {
  // Entry i holds [i, i + 1) / 256, as matplotlib reads its tables; not-a-number is the lower end.
  const double scaled = value > 0 ? std::min(value * 256, 255.0) : 0;
  const auto index = static_cast<std::size_t>(scaled);
  return table_[reversed_ ? 255 - index : index];
}

ColorMap ColorMap::reversed() const {
  return ColorMap(reversed_ ? name_.substr(0, name_.size() - 2) : name_ + "_r");
}

bool ColorMap::is_diverging() const {
  constexpr std::string_view kDiverging[] = {"RdBu", "PuOr", "berlin"};
  return std::any_of(std::begin(kDiverging), std::end(kDiverging),
                     [this](std::string_view name) { return name_.starts_with(name); });
}

const std::vector<std::string>& ColorMap::names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const Published& published : kPublished) list.emplace_back(published.name);
    return list;
  }();
  return names;
}

}  // namespace attnviz
