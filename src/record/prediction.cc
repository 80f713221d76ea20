#include <charconv>
#include <cmath>

#include "attnviz/record.h"
#include "attnviz/text.h"

namespace attnviz {

std::string prediction_note(const std::vector<RecordedPrediction>& predicted) {
  std::string note;
  for (const auto& [label, value] : predicted) {
    char text[400] = "nan";  // of any double
    char* end = text + 3;
    if (!std::isnan(value))
      end = std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, 2).ptr;
    note += (note.empty() ? "predicts “" : ", “") + visible(label) + "” " + std::string(text, end);
  }
  return note;
}

}  // namespace attnviz
