/// What can be read on a colour.
#pragma once

#include "attnviz/figure.h"

namespace attnviz {

/// WCAG 2's relative luminance, 0 (black) to 1 (white).
[[nodiscard]] double luminance(Color color);

/// WCAG 2's contrast ratio of two colours, 1 to 21.
[[nodiscard]] double contrast(Color a, Color b);

/// Near-black or white, whichever is easier to read on `background`; contrast at least 4.5.
[[nodiscard]] Color ink_on(Color background);

}  // namespace attnviz
