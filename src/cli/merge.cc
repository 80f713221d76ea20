#include <ostream>

#include "attnviz/manifest.h"
#include "cli/command.h"

namespace attnviz::cli {
namespace {

struct MergeOptions {
  std::vector<std::filesystem::path> directories;
  std::optional<std::string> out;
};

Flags merge_flags(MergeOptions& options) {
  Flags flags(
      {"merge",
       "Joins the parts of a run that was made with --shard, as if it had been one: the manifests, the "
       "files, and the analyses as one file with a line a text. Proves that no text is missing or "
       "double, and that each file is as it was written.",
       {"attnviz merge figures", "attnviz merge -o figures node1/figures node2/figures node3/figures"}});
  flags.arguments("DIRECTORIES", "what the parts were written to: one directory, or several",
                  "name the directories that the parts were written to, as in attnviz merge figures",
                  [&](const Given& given) { options.directories.emplace_back(given.value); });
  flags.group("Output");
  flags.value("-o,--output", "DIRECTORY", "where the whole goes (default: the one directory that is given)",
              [&](const Given& given) { options.out = given.value; });
  return flags;
}

int merge(const MergeOptions& options, const Streams& streams) {
  const std::filesystem::path out =
      options.out ? std::filesystem::path(*options.out) : options.directories.front();
  const Merged merged = attnviz::merge(options.directories, out);
  write_index_page(out);
  streams.err << "attnviz: " << merged.items << " texts: " << merged.files << " done, " << merged.errors
              << " failed, " << merged.skipped << " passed over\n";
  print_path(streams.out, out / manifest_name({}));
  return 0;
}

/// Files are linked out of the directories of the parts, which takes the right to alter them.
Task merge_task(const MergeOptions& options, const Streams& streams) {
  if (!options.out && options.directories.size() > 1) {
    throw Error("-o: missing", "name the directory that the whole goes to, as in -o figures");
  }
  Writes writes;
  if (options.out) writes.directories = {*options.out};
  for (const std::filesystem::path& directory : options.directories) {
    if (is_directory_there(directory)) writes.also_altered.push_back(directory);
  }
  return {std::move(writes), [options, &streams](Outputs&) { return merge(options, streams); }};
}

}  // namespace

Command merge_command() {
  return {"merge", "join the parts of a run over many texts", 
          read_command<MergeOptions, merge_flags, merge_task>};
}

}  // namespace attnviz::cli
