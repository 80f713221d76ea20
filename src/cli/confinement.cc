#include "cli/confinement.h"

namespace attnviz::cli {
namespace {

Outputs opened(const Writes& writes, const Streams& streams) {
  Outputs outputs;
  if (writes.output) outputs.output.emplace(*writes.output, streams.out);
  for (const std::filesystem::path& path : writes.files) outputs.files.emplace_back(path);
  for (const std::filesystem::path& path : writes.directories) outputs.directories.emplace_back(path);
  return outputs;
}

/// For a file that is open nothing is needed but a process that gives it its name.
void give_up_the_rest(const Writes& writes, Outputs& outputs) {
  std::vector<std::filesystem::path> places = writes.also_altered;
  if (outputs.output) outputs.output->hand_over();
  for (OutputFile& file : outputs.files) file.hand_over();
  for (OutputDirectory& directory : outputs.directories) {
    directory.hand_over();
    places.push_back(directory.path());
  }
  confine(writes.sandbox, places);
}

}  // namespace

int run_task(const Task& task, const Streams& streams) {
  Outputs outputs = opened(task.writes, streams);
  if (streams.own_process && task.writes.sandbox != Sandbox::off) give_up_the_rest(task.writes, outputs);
  return task.act(outputs);
}

}  // namespace attnviz::cli
