/// stored_figure: figures as data: the record that a file carries, and the numbers of it.
#pragma once

#include <string>

#include "attnviz/attention.h"
#include "attnviz/record.h"

namespace attnviz::cli {

/// Whether `path` names a file that could be a figure: one that exists, as .png, .svg, .pdf or .html.
[[nodiscard]] bool is_figure_file(const std::string& path);

/// Throws Error: a file that is no figure, or one without a record.
[[nodiscard]] StoredRecord read_stored(const std::string& path);

/// The numbers drawn, bit for bit: `weights` [queries, keys], or of several maps of one size [maps, queries,
/// keys]; `weights_0` and `weights_1` where sizes differ. `record` must outlive them; `joined` holds what had
/// to be put together.
[[nodiscard]] std::vector<NamedTensor> tensors_of(const Record& record, std::vector<float>& joined);

/// What the file says of them: request, texts, tokens, titles and labels, as JSON where they are lists.
[[nodiscard]] Provenance record_provenance(const Record& record);

}  // namespace attnviz::cli
