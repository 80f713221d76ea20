#include "check/steps.h"
namespace attnviz {
Findings check_picture(const FigureVersion&, const std::string&) { return {}; }
Findings check_pixels(const FigureVersion&, const FigureVersion&) { return {}; }
}  // namespace attnviz
