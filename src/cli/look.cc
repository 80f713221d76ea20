#include "cli/look.h"

#include "attnviz/text.h"

namespace attnviz::cli {
namespace {

const Choices<Annotate> kAnnotate = {
    {"auto", Annotate::automatic}, {"always", Annotate::always}, {"never", Annotate::never}};
const Choices<Scale> kScales = {{"linear", Scale::linear}, {"sqrt", Scale::sqrt}, {"log", Scale::log}};
const Choices<Theme> kThemes = {{"light", Theme::light}, {"dark", Theme::dark}};
std::string color_map_names() {
  std::string names;
  for (const std::string& name : ColorMap::names()) names += (names.empty() ? "" : ", ") + name;
  return names;
}

constexpr int kLowestDpi = 20, kHighestDpi = 1200;

}  // namespace

Look LookOptions::with_default(const std::string& color_map) const {
  Look whole = look;
  if (!color_map_given) whole.colors = ColorMap(color_map);
  return whole;
}

void add_look_flags(Flags& flags, LookOptions& options) {
  Look& look = options.look;
  flags.group("Look");
  flags.value("--cmap", "NAME",
              "colour map: " + color_map_names() +
                  "; with _r behind it, reversed (default: the figure's own: Blues for a head, Reds for a "
                  "mean, RdBu_r for a difference …); cividis is made for colour-blind readers",
              [&](const Given& given) {
                look.colors = ColorMap(given.value);
                options.color_map_given = true;
              });
  flags.value("--annotate", "auto|always|never",
              "write the weights into the cells (default: auto, while they fit)",
              [&](const Given& given) { look.annotate = read_choice(given, kAnnotate); });
  flags.value("--vmin", "WEIGHT", "the weight at the colour map's low end (default: 0, or the figure's own)",
              [&](const Given& given) { look.vmin = read_number(given); });
  flags.value("--vmax", "WEIGHT", "the weight at its high end (default: the largest shown)",
              [&](const Given& given) {
                look.vmax = read_number(given);
                const double low = look.vmin.value_or(0);
                if (*look.vmax <= low) refuse(given, "more than " + show_general(low, 6) + ", the low end");
              });
  flags.value("--scale", "linear|sqrt|log", "how weights become colours (default: linear)",
              [&](const Given& given) { look.scale = read_choice(given, kScales); });
  flags.value("--theme", "light|dark", "for paper or for slides (default: light)",
              [&](const Given& given) { look.theme = read_choice(given, kThemes); });
  flags.value("--dpi", "N", "pixels an inch of a PNG (default: 150)",
              [&](const Given& given) { options.dpi = read_integer(given, kLowestDpi, kHighestDpi); });
  flags.value("--title", "TEXT", "in place of the figure's own", [&](const Given& given) {
    if (find_invalid_utf8(given.value) != std::string::npos) refuse(given, "UTF-8");
    look.title = visible(given.value);
  });
}

}  // namespace attnviz::cli
