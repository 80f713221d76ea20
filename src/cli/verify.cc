#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>
#include <ostream>

#include "cli/command.h"
#include "cli/request.h"
#include "cli/target.h"

namespace attnviz::cli {
namespace {

constexpr char kProbe[] = "The bank can refuse to lend money to the person by the river bank.";
constexpr char kProbeTarget[] = "The person may get no money.";
constexpr double kTolerance = 1e-5;  // between the two ways to run a model

struct VerifyOptions {
  std::string model;
  ModelOptions run;
  Sandbox sandbox = Sandbox::automatic;
};

/// One model's checks. A fault is told and counted, and the checks that do not depend on it go on.
class Verification {
 public:
  Verification(ModelCard card, const Streams& streams) : card_(std::move(card)), streams_(streams) {}

  void check_files(bool trusted);
  void check_runs(const ModelOptions& options);
  [[nodiscard]] int faults() const { return faults_; }

 private:
  void passed(const std::string& what, const std::string& how) {
    print(streams_.out, what + std::string(kWidth - what.size(), ' ') + how + "\n");
  }

  void failed(const Error& error) {
    ++faults_;
    report(streams_.err, error);
  }

  template <class Check>
  void attempt(Check&& check) {
    try {
      check();
    } catch (const Error& error) {
      failed(error);
    }
  }

  [[nodiscard]] Attention run(const ModelOptions& options) const;
  [[nodiscard]] Attention probe(Backend backend, ModelOptions options);
  void tell_precision(Precision precision, const Attention& exact, ModelOptions options);
  void probe_decoder(const ModelOptions& options);
  void passed_run(const std::string& what, const Attention& attention);

  static constexpr std::size_t kWidth = 14;
  ModelCard card_;
  const Streams& streams_;
  int faults_ = 0;
};

void Verification::check_files(bool trusted) {
  for (const std::string& fault : verify_files(card_)) failed(Error(fault));
  if (faults_ == 0) {
    passed("digests", card_.sha256.empty() ? "none listed (no attnviz.json, or none in it)"
                                           : std::to_string(card_.sha256.size()) + " files as listed");
  }
  attempt([&] {
    const Tokenizer tokenizer(card_.directory);
    passed("tokenizer", std::to_string(tokenizer.vocabulary_size()) + " entries");
  });
  if (card_.has_checkpoint) {
    attempt([&] {
      const Safetensors weights(weights_file(card_.directory));
      passed("weights", std::to_string(weights.tensors().size()) + " tensors, headers sound");
    });
  }
  if (card_.has_torchscript) {
    attempt([&] {
      check_archive(card_.directory / "model.pt");
      if (!trusted) check_program(card_.directory / "model.pt");
      passed("archive", "model.pt: structure sound");
    });
  }
}

/// The largest distance of a row's sum from 1.
double row_error(const Attention& attention) {
  double largest = 0;
  for (auto row = attention.weights.begin(); row != attention.weights.end();
       row += static_cast<std::ptrdiff_t>(attention.keys)) {
    const double sum = std::accumulate(row, row + static_cast<std::ptrdiff_t>(attention.keys), 0.0);
    largest = std::max(largest, std::abs(sum - 1));
  }
  return largest;
}

Attention Verification::run(const ModelOptions& options) const {
  const std::unique_ptr<Model> model = open_model(card_, options);
  const Encoding encoding = Tokenizer(card_.directory).encode(kProbe);
  Attention attention = std::move(model->run({&encoding, 1}, {}).front());
  validate(attention);
  return attention;
}

Attention Verification::probe(Backend backend, ModelOptions options) {
  options.backend = backend;
  Attention attention = run(options);
  passed_run(name_of(backend), attention);
  if (card_.is_encoder_decoder()) probe_decoder(options);
  return attention;
}

void Verification::passed_run(const std::string& what, const Attention& attention) {
  const std::string queries = std::to_string(attention.queries), keys = std::to_string(attention.keys);
  passed(what, "ran " + std::to_string(attention.layers.size()) + " layers × " +
                   std::to_string(attention.heads.size()) + " heads on " +
                   (queries == keys ? queries : queries + " × " + keys) + " tokens; rows sum to 1 within " +
                   show_general(row_error(attention), 2));
}

/// What stands behind an encoder, and looks back at it.
void Verification::probe_decoder(const ModelOptions& options) {
  const std::unique_ptr<Model> model = open_model(card_, options);
  const Tokenizer tokenizer(card_.directory);
  const Encoding source = tokenizer.encode(kProbe);
  const Encoding target = decoder_input(tokenizer, kProbeTarget, card_.decoder_start_id);
  for (const AttentionPart part : {AttentionPart::decoder, AttentionPart::cross}) {
    const std::vector<Attention> found = model->run({&source, 1}, {&target, 1}, {.part = part});
    validate(found.front());
    passed_run(name_of(part), found.front());
  }
}

/// How far the weights are from those of fp32. A model whose numbers fp16 can't hold is none the worse.
void Verification::tell_precision(Precision precision, const Attention& exact, ModelOptions options) {
  options.backend = Backend::checkpoint;
  options.precision = precision;
  try {
    const Attention rounded = run(options);
    double largest = 0, sum = 0;
    for (std::size_t i = 0; i < exact.weights.size(); ++i) {
      const double off = std::abs(static_cast<double>(rounded.weights[i]) - exact.weights[i]);
      largest = std::max(largest, off);
      sum += off;
    }
    passed(name_of(precision), "weights differ from fp32's by at most " + show_general(largest, 2) + ", by " +
                                   show_general(sum / static_cast<double>(exact.weights.size()), 2) +
                                   " in the mean");
  } catch (const Error& error) {
    passed(name_of(precision), error.what());
  }
}

void Verification::check_runs(const ModelOptions& options) {
  std::vector<Attention> attentions;
  for (const Backend backend : {Backend::checkpoint, Backend::torchscript}) {
    if (backend == Backend::checkpoint ? card_.has_checkpoint : card_.has_torchscript) {
      attempt([&] { attentions.push_back(probe(backend, options)); });
    }
    if (backend != Backend::checkpoint || attentions.empty()) continue;
    for (const Precision precision : {Precision::bf16, Precision::fp16})
      tell_precision(precision, attentions.front(), options);
  }
  if (attentions.size() < 2) return;
  const std::vector<float>& first = attentions[0].weights;
  const std::vector<float>& second = attentions[1].weights;
  attempt([&] {
    if (first.size() != second.size()) {
      throw Error(card_.name + ": checkpoint and TorchScript give " + std::to_string(first.size()) + " and " +
                  std::to_string(second.size()) + " weights");
    }
    const double difference = std::transform_reduce(
        first.begin(), first.end(), second.begin(), 0.0, [](double a, double b) { return std::max(a, b); },
        [](float a, float b) { return std::abs(static_cast<double>(a) - b); });
    if (difference > kTolerance) {
      throw Error(card_.name + ": checkpoint and TorchScript differ by " + show_general(difference, 2) +
                      ", expected at most " + show_general(kTolerance, 1),
                  "export it again with scripts/export_model.py");
    }
    passed("agreement",
           "largest difference " + show_general(difference, 2) + " between checkpoint and torchscript");
  });
}

Flags verify_flags(VerifyOptions& options) {
  Flags flags(
      {"models verify",
       "Checks a model: its files against the digests that its attnviz.json lists, the structure of its "
       "weight files, and a probe run on each form it has, whose rows must sum to 1 and whose numbers must "
       "agree within 1e-5. Exit status 2 when anything is wrong.",
       {"attnviz models verify minilm"}});
  flags.argument("NAME", "a name that attnviz models lists, or a model's directory",
                 "attnviz models lists the names", [&](const Given& given) { options.model = given.value; });
  add_device_flags(flags, options.run, options.sandbox);
  return flags;
}

int verify(const VerifyOptions& options, const Streams& streams) {
  Verification verification(read_card(find_model(options.model)), streams);
  verification.check_files(options.run.trusted);
  // A TorchScript file is a program: one that is not what the manifest promises is not run.
  if (verification.faults() == 0) verification.check_runs(options.run);
  const int faults = verification.faults();
  if (faults == 0) return 0;
  throw Error(options.model + ": " + std::to_string(faults) + (faults == 1 ? " fault" : " faults"),
              "download or export it again");
}

Task verify_task(const VerifyOptions& options, const Streams& streams) {
  Task task = reading<VerifyOptions, verify>(options, streams);
  task.writes.sandbox = options.sandbox;
  return task;
}

}  // namespace

Command models_verify_command() {
  return {"models verify", "check a model's files, and that all its forms agree",
          read_command<VerifyOptions, verify_flags, verify_task>};
}

}  // namespace attnviz::cli
