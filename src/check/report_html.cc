#include <algorithm>
#include <cmath>

#include "attnviz/render.h"
#include "check/escape.h"
#include "check/names.h"
#include "check/status.h"

namespace attnviz {
namespace {

constexpr std::string_view kStyle = R"(
:root { color-scheme: light dark;
        --page: #fff; --ink: #1f2328; --quiet: #59616a; --rule: #d5d9de; --bad: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --page: #10141a; --ink: #eceef1; --quiet: #a5adb7; --rule: #303843; --bad: #ff8a80; }
}
body { margin: 2rem auto; padding: 0 1.5rem; max-width: 90rem; background: var(--page); color: var(--ink);
       font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.3rem; margin: 0 0 1.5rem; }
h2 { font-size: 1rem; margin: 0; overflow-wrap: anywhere; }
section { border-top: 1px solid var(--rule); padding: 1.2rem 0; }
p { margin: .2rem 0 .6rem; }
.status { color: var(--bad); font-weight: 600; }
ul { margin: .3rem 0 .8rem; padding-left: 1.2rem; color: var(--quiet); overflow-wrap: anywhere;
     font: 13px/1.5 ui-monospace, monospace; }
figure { margin: 0; min-width: 0; }
figcaption { color: var(--quiet); font-size: .85rem; }
.maps { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 1rem; align-items: start; }
.maps img { width: 100%; height: auto; display: block; }
h3 { font-size: .9rem; font-weight: 600; margin: .8rem 0 .3rem; }
@media (max-width: 50rem) { .maps { grid-template-columns: 1fr; } }
)";

/// A data URL's text: what has a meaning in URLs or attributes is escaped.
std::string url_text(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string text;
  for (const char c : bytes) {
    const auto code = static_cast<unsigned char>(c);
    if (code <= 0x20 || code >= 0x7F || std::string_view("%#\"<>&?").find(c) != std::string_view::npos) {
      text += '%';
      text += kDigits[code >> 4];
      text += kDigits[code & 15];
    } else {
      text += c;
    }
  }
  return text;
}

std::string image_url(const Heatmap& map, const Look& look) {
  std::string svg;
  write_svg(lay_out(map, look, text_measure()), [&svg](std::string_view piece) { svg += piece; });
  return "data:image/svg+xml," + url_text(svg);
}

/// One map in both themes; the reader's choice shows. As an image of its own, its glyphs' names meet no
/// other's.
std::string picture(const Heatmap& map, Look look, const std::string& caption) {
  if (map.is_signed) look.colors = ColorMap("RdBu_r");
  const std::string light = image_url(map, look);
  look.theme = Theme::dark;
  if (map.is_signed) look.colors = ColorMap("berlin");
  const std::string dark = image_url(map, look);
  return "<figure><figcaption>" + caption +
         "</figcaption><picture><source media=\"(prefers-color-scheme: dark)\" srcset=\"" + dark +
         "\"><img alt=\"" + escaped_markup(caption + ", " + map.title) + "\" src=\"" + light +
         "\"></picture></figure>\n";
}

std::string row_of_maps(const DifferingMap& map) {
  std::vector<float> difference(map.expected.size());
  float largest = 0;
  for (std::size_t i = 0; i < difference.size(); ++i) {
    difference[i] = map.actual[i] - map.expected[i];
    largest = std::max({largest, std::abs(map.actual[i]), std::abs(map.expected[i])});
  }
  const auto drawn = [&](const std::vector<float>& weights, bool is_signed, const char* quantity) {
    return Heatmap{.weights = {weights, map.keys.size()},
                   .queries = map.queries,
                   .keys = map.keys,
                   .causal = map.causal,
                   .cross = map.cross,
                   .is_signed = is_signed,
                   .rows_are_layers = map.rows_are_layers,
                   .quantity = quantity};
  };
  Look shared;
  shared.vmax = largest > 0 ? largest : 1;  // both sides on one scale
  return "<h3>" + escaped_markup(map.title) + "</h3>\n<div class=\"maps\">\n" +
         picture(drawn(map.expected, map.is_signed, "Expected"), shared, "expected") +
         picture(drawn(difference, true, "Actual − Expected"), {}, "difference") +
         picture(drawn(map.actual, map.is_signed, "Actual"), shared, "actual") + "</div>\n";
}

std::string section(const CheckResult& result) {
  std::string html = "<section>\n<h2>" + escaped_markup(result.name) + "</h2>\n<p><span class=\"status\">" +
                     word_of(result.status) + "</span> " + escaped_markup(headline_of(result)) + "</p>\n";
  const std::vector<std::string> details = details_of(result);
  if (!details.empty()) html += "<ul>\n";
  for (const std::string& line : details) html += "<li>" + escaped_markup(line) + "</li>\n";
  if (!details.empty()) html += "</ul>\n";
  for (const DifferingMap& map : result.maps) html += row_of_maps(map);
  return html + "</section>\n";
}

}  // namespace

std::string report_html(std::span<const CheckResult> results) {
  std::string html =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width\">\n<title>" +
      escaped_markup(totals(results)) + "</title>\n<style>" + std::string(kStyle) +
      "</style>\n</head>\n<body>\n<h1>" + escaped_markup(totals(results)) + "</h1>\n";
  std::string same;
  for (const CheckResult& result : results) {
    if (result.status != CheckResult::Status::same) {
      html += section(result);
      continue;
    }
    same += "<li>" + escaped_markup(result.name);
    for (const std::string& note : result.notes) same += ", note: " + escaped_markup(note);
    same += "</li>\n";
  }
  if (!same.empty()) html += "<section>\n<h2>Same</h2>\n<ul>\n" + same + "</ul>\n</section>\n";
  return html + "</body>\n</html>\n";
}

}  // namespace attnviz
