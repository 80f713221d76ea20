/// What a forward pass costs, for scripts/bench_forward.py.
///
///   forward_bench MODEL THREADS
///
/// Each line of stdin, "SENTENCES TOKENS", runs a batch of that shape for the maps of the last layer; its
/// wall seconds and the processor seconds of all threads are a line of stdout.
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <vector>

#include "attnviz/error.h"
#include "attnviz/model.h"

namespace {

std::vector<attnviz::Encoding> batch_of(std::size_t sentences, std::size_t tokens) {
  attnviz::Encoding encoding;
  for (std::size_t i = 0; i < tokens; ++i) encoding.ids.push_back(static_cast<std::int64_t>(1000 + i % 500));
  encoding.types.resize(tokens);
  return std::vector<attnviz::Encoding>(sentences, encoding);
}

void run(const char* model_name, int threads) {
  const auto model =
      attnviz::open_model(attnviz::read_card(attnviz::find_model(model_name)),
                          {.backend = attnviz::Backend::checkpoint, .device = "cpu", .threads = threads});
  const int last = model->card().layers;
  for (std::size_t sentences = 0, tokens = 0; std::cin >> sentences >> tokens;) {
    const std::vector<attnviz::Encoding> batch = batch_of(sentences, tokens);
    const auto start = std::chrono::steady_clock::now();
    const std::clock_t processor_start = std::clock();
    (void)model->run(batch, {.layers = {last}});
    const double processor = static_cast<double>(std::clock() - processor_start) / CLOCKS_PER_SEC;
    const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    std::cout << wall << ' ' << processor << std::endl;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: forward_bench MODEL THREADS < shapes\n";
    return 2;
  }
  try {
    run(argv[1], std::atoi(argv[2]));
    return 0;
  } catch (const attnviz::Error& error) {
    std::cerr << "forward_bench: " << error.what() << "\n  hint: " << error.hint() << '\n';
    return 2;
  }
}
