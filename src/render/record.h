/// The record that a figure's file carries: each format's form, written and read beside each other.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace attnviz {

/// To how much a record may unpack in so many bytes: numbers shrink to a half at best, so that what is large
/// and comes of little is none. The largest of BERT's figures is 200 MB.
[[nodiscard]] std::size_t largest_record(std::size_t packed_bytes);

/// Other readers refuse longer texts: Pillow 1 MiB in a compressed chunk, libpng chunks of 8 MB, libxml2 text
/// of 10 MB. So PNG and SVG hold a record in pieces of whole characters, at most so many bytes each.
constexpr std::size_t kLargestPiece = 1'000'000;

/// The data of iTXt chunks (PNG, third edition, 11.3.3.4) with the keyword "attnviz", one a piece, compressed
/// where that is shorter.
[[nodiscard]] std::vector<std::string> png_record(std::string_view record);

/// A <metadata> element (SVG 2, 5.7) with an element <attnviz:record>, of a namespace of its own, for each
/// piece.
[[nodiscard]] std::string svg_record(std::string_view record);

/// What makes `record` the embedded file attnviz.json of a PDF when it is appended to it: an incremental
/// update (ISO 32000-1, 7.5.6 and 7.11.4). Throws Error when `pdf` has no classic cross-reference table.
[[nodiscard]] std::string pdf_record(std::string_view pdf, std::string_view record);

/// The records of whole files that begin as their kind does; none where there is none. They throw Error with
/// the fault alone, and read any bytes in linear time.
[[nodiscard]] std::optional<std::string> read_png_record(std::string_view file);
[[nodiscard]] std::optional<std::string> read_svg_record(std::string_view file);
[[nodiscard]] std::optional<std::string> read_page_record(std::string_view file);
[[nodiscard]] std::optional<std::string> read_pdf_record(std::string_view file);

/// read_record() of a file's bytes; its errors begin with `name`.
[[nodiscard]] std::optional<std::string> record_in(std::span<const std::byte> file, const std::string& name);

/// `record` as zlib packs it. Throws Error when it could not be read again.
[[nodiscard]] std::string packed_record(std::string_view record);

}  // namespace attnviz
