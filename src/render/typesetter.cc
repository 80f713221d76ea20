#include "render/typesetter.h"

#include <fontconfig/fontconfig.h>
#include <pango/pangofc-font.h>
#include <pango/pangofc-fontmap.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "attnviz/error.h"
#include "attnviz/render.h"

namespace attnviz {
namespace {

namespace fs = std::filesystem;

using Config = Owned<FcConfig, FcConfigDestroy>;
using Context = Owned<PangoContext, g_object_unref>;

std::vector<fs::path> font_files() {
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(fonts_directory())) {
    if (entry.path().extension() == ".ttf") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());  // fontconfig prefers the earlier of equals
  return files;
}

/// Pango over one set of fonts.
struct Fonts {
  Config config;
  Owned<PangoFontMap, g_object_unref> map;
  Context context;

  explicit Fonts(Config base) : config(std::move(base)) {
    if (!config) throw Error("fonts: fontconfig has no configuration", "see that /etc/fonts is readable");
    for (const fs::path& file : font_files()) {
      if (!FcConfigAppFontAddFile(config.get(), reinterpret_cast<const FcChar8*>(file.c_str()))) {
        throw Error(file.string() + ": not a usable font", "install attnviz again");
      }
    }
    map.reset(pango_cairo_font_map_new_for_font_type(CAIRO_FONT_TYPE_FT));
    pango_fc_font_map_set_config(PANGO_FC_FONT_MAP(map.get()), config.get());
    context.reset(pango_font_map_create_context(map.get()));
    // Without hinting and rounding a text has the same shape at every size, angle and place.
    const Owned<cairo_font_options_t, cairo_font_options_destroy> options(cairo_font_options_create());
    cairo_font_options_set_hint_style(options.get(), CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options.get(), CAIRO_HINT_METRICS_OFF);
    cairo_font_options_set_antialias(options.get(), CAIRO_ANTIALIAS_GRAY);
    pango_cairo_context_set_font_options(context.get(), options.get());
    pango_cairo_context_set_resolution(context.get(), 72);
    pango_context_set_round_glyph_positions(context.get(), FALSE);
    pango_context_set_language(context.get(), pango_language_from_string("en"));  // not the locale's
  }

  [[nodiscard]] bool covers(std::string_view text) const {
    const FcFontSet* fonts = FcConfigGetFonts(config.get(), FcSetApplication);
    for (std::size_t offset = 0; offset < text.size();) {
      const char32_t c = next_code_point(text, offset);
      const bool unseen = c == 0x200C || c == 0x200D || (c >= 0xFE00 && c <= 0xFE0F);
      if (c < 0x7F || unseen) continue;
      const bool found = std::any_of(fonts->fonts, fonts->fonts + fonts->nfont, [c](FcPattern* font) {
        FcCharSet* characters = nullptr;
        return FcPatternGetCharSet(font, FC_CHARSET, 0, &characters) == FcResultMatch &&
               FcCharSetHasChar(characters, c);
      });
      if (!found) return false;
    }
    return true;
  }
};

/// A configuration of no fonts but those added to it.
Config only_bundled() {
  // Pango makes fontconfig read the system's configuration, in a thread of its own, as soon as there is a
  // font map; unless the process already has a current one, be it empty.
  const Config nothing(FcConfigCreate());
  FcConfigSetCurrent(nothing.get());
  return Config(FcConfigCreate());
}

/// A font of pictures (emoji). Cairo would trace their silhouettes.
bool is_colored(PangoFont* font) {
  FcBool colored = FcFalse;
  return FcPatternGetBool(pango_fc_font_get_pattern(PANGO_FC_FONT(font)), FC_COLOR, 0, &colored) ==
             FcResultMatch &&
         colored;
}

Outline outline_of(PangoFont* font, PangoGlyphString& glyphs) {
  if (is_colored(font)) return nullptr;
  const Owned<cairo_surface_t, cairo_surface_destroy> nothing(
      cairo_recording_surface_create(CAIRO_CONTENT_ALPHA, nullptr));
  const Owned<cairo_t, cairo_destroy> drawing(cairo_create(nothing.get()));
  cairo_move_to(drawing.get(), 0, 0);
  pango_cairo_glyph_string_path(drawing.get(), font, &glyphs);
  double left, top, right, bottom;
  cairo_path_extents(drawing.get(), &left, &top, &right, &bottom);
  return Outline(right > left ? cairo_copy_path(drawing.get()) : nullptr);
}

}  // namespace

fs::path fonts_directory() {
  const fs::path program = fs::read_symlink("/proc/self/exe").parent_path();
  const fs::path places[] = {program / "fonts", program.parent_path() / "share" / "attnviz" / "fonts"};
  for (const fs::path& place : places) {
    if (fs::is_directory(place)) return place;
  }
  throw Error("fonts: not found, looked in " + places[0].string() + " and " + places[1].string(),
              "the program needs its fonts beside it: build or install attnviz again");
}

MeasureText text_measure() {
  return [](std::string_view text, double size, bool bold) {
    return Typesetter::of_this_thread().shape(text, bold).width(size);
  };
}

Outline outline_of(const PangoGlyphItem& item, int glyph) {
  PangoGlyphInfo alone = item.glyphs->glyphs[glyph];
  alone.geometry.x_offset = alone.geometry.y_offset = 0;
  int cluster = 0;
  PangoGlyphString glyphs{1, &alone, &cluster, 1};
  return outline_of(item.item->analysis.font, glyphs);
}

ShapedLine::ShapedLine(PangoContext* context, std::string_view text, bool bold, std::size_t split)
    : layout_(pango_layout_new(context)) {
  const Owned<PangoFontDescription, pango_font_description_free> font(pango_font_description_new());
  pango_font_description_set_family_static(font.get(), "Noto Sans");
  pango_font_description_set_weight(font.get(), bold ? PANGO_WEIGHT_SEMIBOLD : PANGO_WEIGHT_NORMAL);
  pango_font_description_set_absolute_size(font.get(), kUnit * PANGO_SCALE);
  pango_layout_set_font_description(layout_.get(), font.get());
  pango_layout_set_single_paragraph_mode(layout_.get(), TRUE);
  if (split > 0) {
    // Any attribute that leaves the shapes alone parts the runs.
    PangoAttribute* color = pango_attr_foreground_new(0, 0, 0);
    color->start_index = 0;
    color->end_index = static_cast<guint>(split);
    const Owned<PangoAttrList, pango_attr_list_unref> attributes(pango_attr_list_new());
    pango_attr_list_insert(attributes.get(), color);
    pango_layout_set_attributes(layout_.get(), attributes.get());
  }
  pango_layout_set_text(layout_.get(), text.data(), static_cast<int>(text.size()));

  PangoRectangle logical;
  pango_layout_line_get_extents(pango_layout_get_line_readonly(layout_.get(), 0), nullptr, &logical);
  width_ = static_cast<double>(logical.width) / PANGO_SCALE;
}

const std::vector<ShapedLine::Run>& ShapedLine::runs() {
  if (!runs_.empty()) return runs_;
  double x = 0;
  for (GSList* run = pango_layout_get_line_readonly(layout_.get(), 0)->runs; run; run = run->next) {
    auto* item = static_cast<PangoGlyphItem*>(run->data);
    runs_.push_back({item, static_cast<std::size_t>(item->item->offset), x,
                     outline_of(item->item->analysis.font, *item->glyphs)});
    x += static_cast<double>(pango_glyph_string_get_width(item->glyphs)) / PANGO_SCALE;
  }
  return runs_;
}

struct Typesetter::State {
  static constexpr std::size_t kMostLines = 4096;

  Fonts bundled{only_bundled()};
  std::optional<Fonts> with_system;
  // A map's labels and weights recur: shaping and tracing them anew would take most of the time.
  std::map<std::tuple<std::string, bool, std::size_t>, ShapedLine> lines;

  PangoContext* context_for(std::string_view text) {
    if (bundled.covers(text)) return bundled.context.get();
    if (!with_system) with_system.emplace(Config(FcInitLoadConfigAndFonts()));
    return with_system->context.get();
  }
};

Typesetter::Typesetter() : state_(std::make_unique<State>()) {}
Typesetter::~Typesetter() = default;

Typesetter& Typesetter::of_this_thread() {
  thread_local Typesetter typesetter;
  return typesetter;
}

ShapedLine& Typesetter::shape(std::string_view text, bool bold, std::size_t split) {
  const auto key = std::make_tuple(std::string(text), bold, split);
  const auto known = state_->lines.find(key);
  if (known != state_->lines.end()) return known->second;
  if (state_->lines.size() >= State::kMostLines) state_->lines.clear();
  return state_->lines.emplace(key, ShapedLine(state_->context_for(text), text, bold, split)).first->second;
}

}  // namespace attnviz
