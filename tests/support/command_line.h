/// Running attnviz as its users do: arguments in; status, standard output and standard error out.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "attnviz/cli.h"
#include "support/support.h"

namespace attnviz::test {

constexpr char kText[] = "The bank can refuse to lend money.";

struct Outcome {
  int status = 0;
  std::string out, err;
};

inline Outcome run(const std::vector<std::string>& arguments, const std::string& input = "") {
  std::istringstream in(input);
  std::ostringstream out, err;
  const int status = cli::run(arguments, {in, out, err});
  return {status, out.str(), err.str()};
}

/// Arguments that are refused, and what standard error says of them.
struct Refusal {
  std::vector<std::string> arguments;
  std::string message;
  std::string input = {};
};

/// Runs in a directory of its own, with the checkout's models.
class CommandLine : public testing::Test {
 protected:
  CommandLine() : before_(std::filesystem::current_path()) {
    std::filesystem::current_path(directory_.path());
    setenv("ATTNVIZ_MODELS", models().c_str(), 1);
  }
  ~CommandLine() override { std::filesystem::current_path(before_); }

  static std::filesystem::path models() { return std::filesystem::weakly_canonical(data("../../models")); }

  static std::set<std::string> files() {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(".")) {
      names.insert(entry.path().filename().string());
    }
    return names;
  }

  /// Status 2, nothing on standard output, this on standard error, and no file.
  static void expect_refused(const std::vector<std::string>& arguments, const std::string& message,
                             const std::string& input = "") {
    const std::set<std::string> before = files();
    const Outcome outcome = run(arguments, input);
    std::string line = "attnviz";
    for (const std::string& argument : arguments) line += " '" + argument + "'";
    EXPECT_EQ(outcome.status, 2) << line;
    EXPECT_EQ(outcome.out, "") << line;
    EXPECT_EQ(outcome.err, "attnviz: " + message + "\n") << line;
    EXPECT_EQ(files(), before) << line;
  }

  /// A copy of gpt2-demo without its TorchScript form, to be broken.
  static void copy_gpt2(const std::string& name) {
    std::filesystem::create_directory(name);
    for (const char* file :
         {"config.json", "merges.txt", "model.safetensors", "tokenizer.json", "vocab.json"}) {
      std::filesystem::copy_file(models() / "gpt2-demo" / file, std::filesystem::path(name) / file);
    }
  }

 private:
  test::TemporaryDirectory directory_;
  std::filesystem::path before_;
};

}  // namespace attnviz::test
