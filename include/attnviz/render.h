/// render: a figure becomes a file's bytes. Behind it: Cairo, Pango, the PNG encoder and the fonts.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "attnviz/figure.h"
#include "attnviz/file.h"

namespace attnviz {

/// Measures with the bundled font, and with the system's fonts where it lacks a character.
[[nodiscard]] MeasureText text_measure();

/// The same figure gives the same bytes: no clock time, no host name.
void write_png(const Figure& figure, double dpi, const Sink& sink);
void write_svg(const Figure& figure, const Sink& sink);
void write_pdf(const Figure& figure, const Sink& sink);

/// The record that a PNG, SVG or PDF of attnviz carries, byte for byte; none when the file has none. Throws
/// Error: no such file, another kind of file, or one that is cut or broken where the record lies.
[[nodiscard]] std::optional<std::string> read_record(const std::filesystem::path& path);

/// How many colours a terminal shows.
enum class TerminalColors { none, ansi16, ansi256, truecolor };

/// What the environment says (NO_COLOR, COLORTERM, TERM) of a terminal; none when `is_terminal` is false.
[[nodiscard]] TerminalColors terminal_colors(bool is_terminal);

/// One map drawn in characters, at most `columns` wide: labels, cells as blocks (or as digits 0–9 of a
/// tenth each without colours), a legend.
[[nodiscard]] std::string to_terminal(const Heatmap& heatmap, const Look& look, TerminalColors colors,
                                      std::size_t columns);

}  // namespace attnviz
