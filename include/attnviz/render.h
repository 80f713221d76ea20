/// render: a figure becomes a file's bytes. Behind it: Cairo, Pango, the PNG encoder and the fonts.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "attnviz/figure.h"
#include "attnviz/file.h"

namespace attnviz {

/// Measures with the bundled font, and with the system's fonts where it lacks a character.
[[nodiscard]] MeasureText text_measure();

/// The same figure gives the same bytes: no clock time, no host name.
void write_png(const Figure& figure, double dpi, const Sink& sink);
void write_svg(const Figure& figure, const Sink& sink);
void write_pdf(const Figure& figure, const Sink& sink);

/// What SOURCE_DATE_EPOCH says (https://reproducible-builds.org/specs/source-date-epoch/), in universal time:
/// "2026-11-22T17:04:05"; nullopt where it is not set. Throws Error: no count of seconds.
[[nodiscard]] std::optional<std::string> stated_date();

/// The record that a PNG, SVG, PDF or page of attnviz carries, byte for byte; none when the file has none.
/// Throws Error: no such file, another kind of file, or one that is cut or broken where the record lies.
[[nodiscard]] std::optional<std::string> read_record(const std::filesystem::path& path);

/// Pixels 0x00RRGGBB, row by row.
struct Raster {
  std::size_t columns = 0;
  std::vector<std::uint32_t> pixels;
  double dpi = 0;  ///< 0: not said

  [[nodiscard]] std::size_t rows() const { return columns ? pixels.size() / columns : 0; }
};

/// What write_png() draws.
[[nodiscard]] Raster rasterized(const Figure& figure, double dpi);

/// What a file shows: a PNG's pixels; an SVG's items; or a PDF's, whose texts come in pieces, a text of one
/// item or of several, in the order in which they are drawn.
using Picture = std::variant<Raster, Figure>;

/// Of a file that attnviz wrote, or that a program made of it which kept what it says: attributes in another
/// order, pixels compressed otherwise. Throws Error: another kind of file, one that is cut or broken, or one
/// that holds what attnviz does not draw.
[[nodiscard]] Picture read_picture(const std::filesystem::path& path);

/// How many colours a terminal shows.
enum class TerminalColors { none, ansi16, ansi256, truecolor };

/// What the environment says (NO_COLOR, COLORTERM, TERM) of a terminal; none when `is_terminal` is false.
[[nodiscard]] TerminalColors terminal_colors(bool is_terminal);

/// One map drawn in characters, at most `columns` wide: labels, cells as blocks (or as digits 0–9 of a
/// tenth each without colours), a legend.
[[nodiscard]] std::string to_terminal(const Heatmap& heatmap, const Look& look, TerminalColors colors,
                                      std::size_t columns);

}  // namespace attnviz
