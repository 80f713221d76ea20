/// names: how findings call what they are about.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "attnviz/record.h"

namespace attnviz {

/// "12 cells", "1 cell".
[[nodiscard]] std::string counted(std::size_t count, std::string_view thing);

/// "bank" in quotes; control characters are visible.
[[nodiscard]] std::string cited(std::string_view text);

/// "bank"(5); a layer's row of a map is "layer 6".
[[nodiscard]] std::string key_name(const Heatmap& map, std::size_t column);
[[nodiscard]] std::string query_name(const Heatmap& map, std::size_t row);

/// "0.412 → 0.173", with the digits that tell them apart.
[[nodiscard]] std::string change(double expected, double actual);

/// "first → second", of texts in quotes.
[[nodiscard]] std::string change(std::string_view expected, std::string_view actual);

/// A title without the models' names: "Layer 6 · Head 0" of "minilm · Layer 6 · Head 0".
[[nodiscard]] std::string without_models(std::string title, const std::vector<RecordedText>& texts);

/// Each map's place in its figure: "layer 7 head 3".
[[nodiscard]] std::vector<std::string> map_names(const Record& record);

}  // namespace attnviz
