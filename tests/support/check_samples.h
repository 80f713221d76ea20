/// Figures of all kinds to be compared, and files of them.
#pragma once

#include <deque>
#include <filesystem>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "attnviz/record.h"

namespace attnviz::test {

/// A record with the numbers and labels that it borrows; they may be changed.
struct Sample {
  std::string kind;                         ///< "render", "grid", "overview", …
  std::vector<std::vector<float>> weights;  ///< a map's each
  std::vector<std::vector<TokenLabel>> queries, keys;
  std::vector<double> received;
  std::vector<RecordedText> texts;
  Record prototype;  ///< its views are not used

  /// Borrows from the sample, which must outlive it.
  [[nodiscard]] Record record() const;
};

const std::vector<std::string>& sample_kinds();

/// The same for the same seed.
Sample make_sample(const std::string& kind, unsigned seed);

/// Alters a figure before it is written.
using Alter = std::function<void(Figure&)>;

/// Writes the record's figure, as its extension says. `font_scale` makes all fonts so many times as large.
void write_sample(const Record& record, const std::filesystem::path& path, const Alter& alter = {},
                  double font_scale = 1, double dpi = 100);

}  // namespace attnviz::test
