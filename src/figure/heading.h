/// What stands around the maps of a page: title and sentence above, notes at the foot.
#pragma once

#include <string>
#include <vector>

#include "figure/page.h"

namespace attnviz {

/// Title and sentence, their left edge at x, the last line a little above y, the sentence cut at `right`.
void draw_heading(Page& page, double x, double y, double right, const std::string& title,
                  const std::string& sentence);

/// Each note below everything that is on the page, wrapped between x and `right`.
void draw_notes(Page& page, double x, double right, const std::vector<std::string>& notes);

}  // namespace attnviz
