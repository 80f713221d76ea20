/// A run over made-up items, for the tests that kill it: figures of many sizes, items at fault, items left
/// out.
///
/// usage: manifest_run DIRECTORY [--resume] [--shard K/N] [--items COUNT] [--pause MILLISECONDS] [--page]
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "attnviz/error.h"
#include "attnviz/manifest.h"
#include "support/runs.h"

namespace {

using namespace attnviz;

constexpr std::size_t kBatch = 7;

struct Options {
  std::string directory;
  bool resume = false, page = false;
  Shard shard{};
  std::size_t items = 40;
  int pause = 0;  ///< milliseconds between batches
};

Options options_of(const std::vector<std::string>& arguments) {
  Options options{.directory = arguments.at(0)};
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    if (arguments[i] == "--resume" || arguments[i] == "--page") {
      (arguments[i] == "--page" ? options.page : options.resume) = true;
      continue;
    }
    const std::string& value = arguments.at(i + 1);
    if (arguments[i] == "--shard")
      options.shard = {std::stoul(value), std::stoul(value.substr(value.find('/') + 1))};
    if (arguments[i] == "--items") options.items = std::stoul(value);
    if (arguments[i] == "--pause") options.pause = std::stoi(value);
    ++i;
  }
  return options;
}

void run(const Options& options) {
  RunDirectory run(options.directory, {{"program", "manifest_run"}, {"items", std::to_string(options.items)}},
                   options.shard, options.resume);
  while (const std::optional<ManifestEntry> entry = run.next_kept()) {
    if (entry->text != test::item(entry->index).entry.text) throw Error("the input has changed");
  }
  while (run.next_index() < options.items) {
    std::vector<Finished> batch;
    for (std::size_t i = run.next_index(); i < options.items && batch.size() < kBatch;
         i += options.shard.count) {
      batch.push_back(test::item(i));
    }
    run.add(batch);
    std::this_thread::sleep_for(std::chrono::milliseconds(options.pause));
  }
  run.finish(options.items);
  if (options.page) write_index_page(options.directory);
}

}  // namespace

int main(int count, char** arguments) {
  try {
    run(options_of({arguments + 1, arguments + count}));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "manifest_run: %s\n", error.what());
    return 2;
  }
}
