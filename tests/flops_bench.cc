/// How near a model's forward pass comes to plain matrix products of its shapes, and what threads give it,
/// for scripts/bench.
///
///   flops_bench BERT_MODEL RUNS
#include <ATen/Parallel.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/rand.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <iomanip>
#include <iostream>
#include <vector>

#include "attnviz/error.h"
#include "attnviz/model.h"

namespace {

struct Cost {
  double wall = 0,
         processor = 0;  ///< seconds; the second, of all threads, is what a busy machine leaves alone
};

Cost cost_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  const std::clock_t processor_start = std::clock();
  work();
  return {std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(),
          static_cast<double>(std::clock() - processor_start) / CLOCKS_PER_SEC};
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

std::vector<attnviz::Encoding> batch_of(std::size_t sentences, std::size_t tokens) {
  attnviz::Encoding encoding;
  for (std::size_t i = 0; i < tokens; ++i) encoding.ids.push_back(static_cast<std::int64_t>(1000 + i % 500));
  encoding.types.resize(tokens);
  return std::vector<attnviz::Encoding>(sentences, encoding);
}

/// A product [batch, rows, inner] × [batch, inner, columns], its second factor stored as a checkpoint's
/// weight or the keys are: with the inner dimension last. The result's room is used again and again.
class Product {
 public:
  Product(std::int64_t count, std::int64_t batch, std::int64_t rows, std::int64_t inner, std::int64_t columns)
      : count_(count),
        left_(at::rand({batch, rows, inner})),
        right_(at::rand({batch, columns, inner}).transpose(1, 2)),
        result_(at::empty({batch, rows, columns})) {}

  [[nodiscard]] double flop() const {
    return 2.0 * static_cast<double>(count_ * left_.numel() * right_.size(2));
  }

  void compute() {
    for (std::int64_t i = 0; i < count_; ++i) {
      if (left_.size(0) > 1) {
        at::bmm_out(result_, left_, right_);
      } else {
        at::Tensor result = result_[0];
        at::mm_out(result, left_[0], right_[0]);
      }
    }
  }

 private:
  std::int64_t count_;
  at::Tensor left_, right_, result_;
};

/// What a run for the maps of the last layer multiplies: all of the layers before, and that one's queries,
/// keys and scores.
std::vector<Product> products(const attnviz::ModelCard& card, std::int64_t sentences, std::int64_t tokens) {
  const std::int64_t before = card.layers - 1, hidden = card.hidden, head_size = hidden / card.heads;
  const std::int64_t rows = sentences * tokens, maps = sentences * card.heads;
  std::vector<Product> all;
  all.emplace_back(4 * before + 2, 1, rows, hidden, hidden);
  all.emplace_back(before, 1, rows, hidden, 4 * hidden);
  all.emplace_back(before, 1, rows, 4 * hidden, hidden);
  all.emplace_back(before + 1, maps, tokens, head_size, tokens);
  all.emplace_back(before, maps, tokens, tokens, head_size);
  return all;
}

void tell(const char* name, double Cost::*seconds, double flop, const std::vector<Cost>& ours,
          const std::vector<Cost>& plain) {
  std::vector<double> our_seconds, plain_seconds, ratios;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    our_seconds.push_back(ours[i].*seconds);
    plain_seconds.push_back(plain[i].*seconds);
    ratios.push_back(100 * plain_seconds[i] / our_seconds[i]);
  }
  std::cout << flop / median(our_seconds) / 1e9 << " GFLOP a second of " << name << " time, plain products "
            << flop / median(plain_seconds) / 1e9 << ": " << median(ratios) << " % ("
            << *std::min_element(ratios.begin(), ratios.end()) << " to "
            << *std::max_element(ratios.begin(), ratios.end()) << ")";
}

void compare_with_products(attnviz::Model& model, int runs) {
  constexpr std::int64_t kSentences = 32, kTokens = 64;
  const std::vector<attnviz::Encoding> batch = batch_of(kSentences, kTokens);
  std::vector<Product> plain = products(model.card(), kSentences, kTokens);
  double flop = 0;
  for (const Product& product : plain) flop += product.flop();
  std::vector<Cost> ours, theirs;
  for (int i = 0; i <= runs; ++i) {
    const Cost run = cost_of([&] { (void)model.run(batch, {.layers = {model.card().layers}}); });
    const Cost products = cost_of([&] {
      const c10::InferenceMode guard;
      for (Product& product : plain) product.compute();
    });
    if (i == 0) continue;  // both have read their weights and touched their memory
    ours.push_back(run);
    theirs.push_back(products);
  }
  std::cout << "  " << kSentences << " × " << kTokens << " tokens, maps of layer " << model.card().layers
            << ", " << at::get_num_threads() << " threads: ";
  tell("wall", &Cost::wall, flop, ours, theirs);
  std::cout << "; ";
  tell("processor", &Cost::processor, flop, ours, theirs);
  std::cout << '\n';
}

void compare_threads(attnviz::Model& model, int runs) {
  const int most = at::get_num_threads();
  for (const auto& [sentences, tokens] : {std::pair{1, 8}, {1, 64}, {32, 64}}) {
    const std::vector<attnviz::Encoding> batch =
        batch_of(static_cast<std::size_t>(sentences), static_cast<std::size_t>(tokens));
    const int repeats = sentences > 1 ? 1 : 5;
    std::vector<std::vector<double>> times(static_cast<std::size_t>(most));
    for (int i = 0; i <= runs * repeats; ++i) {
      for (int threads = 1; threads <= most; ++threads) {
        at::set_num_threads(threads);
        const double run = cost_of([&] { (void)model.run(batch, {.layers = {model.card().layers}}); }).wall;
        if (i > 0) times[static_cast<std::size_t>(threads - 1)].push_back(1000 * run);
      }
    }
    std::cout << "  " << sentences << " × " << tokens << " tokens, median ms (least) with 1, 2, … threads:";
    for (const std::vector<double>& with : times)
      std::cout << ' ' << median(with) << " (" << *std::min_element(with.begin(), with.end()) << ')';
    std::cout << '\n';
  }
  at::set_num_threads(most);
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) {
    std::cerr << "usage: flops_bench BERT_MODEL RUNS\n";
    return 2;
  }
  try {
    const auto model = attnviz::open_model(attnviz::read_card(attnviz::find_model(arguments[1])),
                                           {.backend = attnviz::Backend::checkpoint, .device = "cpu"});
    std::cout << std::setprecision(3);
    compare_with_products(*model, std::atoi(arguments[2]));
    compare_threads(*model, std::atoi(arguments[2]));
    return 0;
  } catch (const attnviz::Error& error) {
    std::cerr << "flops_bench: " << error.what() << '\n';
    return 2;
  }
}
