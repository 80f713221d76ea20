#include "cli/checked_files.h"

#include <algorithm>

#include "attnviz/error.h"
#include "attnviz/file.h"
#include "attnviz/render.h"
#include "cli/stored_figure.h"

namespace attnviz::cli {
namespace {

namespace fs = std::filesystem;

/// A page without a record, as the one beside a run's figures.
bool is_index(const fs::path& path) {
  if (path.extension() != ".html") return false;
  try {
    return !read_record(path);
  } catch (const Error&) {
    return false;  // check says what is wrong with it
  }
}

/// The figures in a directory, as paths in it.
std::vector<fs::path> figures_in(const fs::path& directory, const fs::path& but) {
  std::vector<fs::path> found;
  std::error_code fault;
  fs::recursive_directory_iterator entries(directory, fault), end;
  for (; !fault && entries != end; entries.increment(fault)) {
    const fs::path& path = entries->path();
    std::error_code ignored;
    const bool hidden = path.filename().string().starts_with(".");
    const bool excluded = !but.empty() && fs::equivalent(path, but, ignored);
    if (hidden || excluded) {
      if (entries->is_directory(ignored)) entries.disable_recursion_pending();
    } else if (is_figure_file(path.string()) && !is_index(path)) {
      found.push_back(path.lexically_relative(directory));
    }
  }
  if (fault) throw Error(directory.string() + ": can't be read: " + fault.message());
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

std::vector<CheckedFile> checked_files(std::span<const std::string> paths, const fs::path& baseline) {
  std::vector<CheckedFile> files;
  for (const std::string& path : paths) {
    if (!is_directory_there(path)) {
      if (!is_there(path)) throw Error(path + ": no such file or directory");
      files.push_back({path, fs::path(path).filename()});
      continue;
    }
    const std::vector<fs::path> figures = figures_in(path, baseline);
    if (figures.empty())
      throw Error(path + ": no figure in it", "check looks for .png, .svg, .pdf and .html");
    for (const fs::path& figure : figures) files.push_back({fs::path(path) / figure, figure});
  }
  if (baseline.empty()) return files;
  std::set<fs::path> places;
  for (const CheckedFile& file : files) {
    if (!places.insert(file.place).second) {
      throw Error(file.figure.string() + ": another figure has the same baseline, " +
                      (baseline / file.place).string(),
                  "check them one directory at a time");
    }
  }
  return files;
}

std::vector<fs::path> obsolete_baselines(std::span<const std::string> paths,
                                         std::span<const CheckedFile> files, const fs::path& baseline) {
  const bool whole = std::all_of(paths.begin(), paths.end(),
                                 [](const std::string& path) { return is_directory_there(path); });
  std::vector<fs::path> obsolete;
  if (!whole || !is_directory_there(baseline)) return obsolete;
  for (const fs::path& place : figures_in(baseline, {})) {
    const auto has = [&](const CheckedFile& file) { return file.place == place; };
    if (std::none_of(files.begin(), files.end(), has)) obsolete.push_back(baseline / place);
  }
  return obsolete;
}

}  // namespace attnviz::cli
