#include <algorithm>
#include <cmath>

#include "attnviz/error.h"
#include "attnviz/render.h"
#include "check/names.h"
#include "check/picture_items.h"
#include "check/steps.h"

namespace attnviz {
namespace {

/// Fonts that are a little wider or narrower move what stands beside texts.
constexpr double kFontScales[] = {1, 1.005, 0.995, 1.01, 0.99, 1.02, 0.98, 1.03, 0.97, 1.05, 0.95};

std::string size_of(double width, double height) {
  return std::to_string(std::lround(width)) + " × " + std::to_string(std::lround(height));
}

/// Empty when a picture of so many points can be one of the figure.
std::string wrong_size(const Figure& figure, double width, double height) {
  constexpr double kShare = 0.05, kPoints = 24;  // what fonts may do
  const auto fits = [&](double expected, double actual) {
    return std::abs(actual - expected) <= std::max(kPoints, kShare * expected);
  };
  if (fits(figure.width, width) && fits(figure.height, height)) return {};
  return "the picture is " + size_of(width, height) + " points large, its record makes " +
         size_of(figure.width, figure.height);
}

/// Pixels to a point.
double scale_of(const Raster& raster, const Figure& figure) {
  return raster.dpi > 0 ? raster.dpi / 72 : static_cast<double>(raster.columns) / figure.width;
}

Verdict judge(const Record& record, const ExpectedPicture& expected, const Picture& picture) {
  double width = 0, height = 0, scale = 1;
  const auto* const raster = std::get_if<Raster>(&picture);
  if (raster) {
    scale = scale_of(*raster, expected.figure);
    width = static_cast<double>(raster->columns) / scale;
    height = static_cast<double>(raster->rows()) / scale;
  } else {
    width = std::get<Figure>(picture).width;
    height = std::get<Figure>(picture).height;
  }
  const std::string fault = wrong_size(expected.figure, width, height);
  if (!fault.empty()) return {expected.shapes.size() + 1, {{CheckStep::picture, fault}}};
  Verdict verdict = raster ? judge_pixels(record, expected, *raster, scale)
                           : judge_items(record, expected, std::get<Figure>(picture));
  const double rounding = 1 / scale;  // to whole pixels
  verdict.same_size = std::abs(width - expected.figure.width) < rounding / (raster ? 1 : 50) &&
                      std::abs(height - expected.figure.height) < rounding / (raster ? 1 : 50);
  return verdict;
}

}  // namespace

bool is_page(const FigureVersion& version) { return version.file.extension() == ".html"; }

Findings check_picture(const FigureVersion& version, const std::string& whose) {
  if (is_page(version)) return {};
  const Picture picture = read_picture(version.file);
  Verdict best;
  for (const double font_scale : kFontScales) {
    const ExpectedPicture expected(version.record, font_scale);
    Verdict verdict = judge(version.record, expected, picture);
    if (verdict.findings.empty()) return {};
    if (best.findings.empty() || verdict.wrong < best.wrong) best = std::move(verdict);
    // Where the page and nearly all on it fits, the layout is the right one, and the rest is wrong.
    if (best.same_size && best.wrong <= expected.shapes.size() / 10) break;
  }
  if (!whose.empty()) {
    for (CheckFinding& finding : best.findings) finding.message = whose + ": " + finding.message;
  }
  return best.findings;
}

}  // namespace attnviz
