/// checked_files: which figures check looks at, and the baselines they belong to.
#pragma once

#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace attnviz::cli {

struct CheckedFile {
  std::filesystem::path figure;
  std::filesystem::path place{};  ///< in a directory of baselines
};

/// The PNGs, SVGs and PDFs among `paths` and in the directories among them, at any depth, in the order of
/// their names; what begins with a dot, and `baseline` with all in it, is left out. Throws Error: no such
/// file, a directory without a figure, two figures of one place.
[[nodiscard]] std::vector<CheckedFile> checked_files(std::span<const std::string> paths,
                                                     const std::filesystem::path& baseline);

/// The figures in `baseline` whose place none of `files` has; none where only single files were checked.
[[nodiscard]] std::vector<std::filesystem::path> obsolete_baselines(std::span<const std::string> paths,
                                                                    std::span<const CheckedFile> files,
                                                                    const std::filesystem::path& baseline);

}  // namespace attnviz::cli
