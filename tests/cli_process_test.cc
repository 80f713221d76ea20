#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "attnviz/file.h"
#include "support/command_line.h"

namespace attnviz {
namespace {

namespace fs = std::filesystem;
using test::CommandLine;
using test::kText;
using test::Outcome;

/// What the program itself does in a process of its own, with standard output connected to `output`
/// (-1: closed). The program lies beside this one.
Outcome run_program(const std::vector<std::string>& arguments, int output, const char* variable = nullptr) {
  const fs::path program = fs::read_symlink("/proc/self/exe").parent_path() / "attnviz";
  std::vector<std::string> words = arguments;
  words.insert(words.begin(), program.string());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::vector<char*> variables;
  for (char** entry = environ; *entry; ++entry) variables.push_back(*entry);
  std::string more = variable ? variable : "";
  if (variable) variables.push_back(more.data());
  variables.push_back(nullptr);

  std::array<int, 2> errors{};
  EXPECT_EQ(pipe(errors.data()), 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, errors[1], 2);
  if (output >= 0) posix_spawn_file_actions_adddup2(&actions, output, 1);
  if (output < 0) posix_spawn_file_actions_addclose(&actions, 1);
  posix_spawn_file_actions_addclose(&actions, errors[0]);
  pid_t process = 0;
  EXPECT_EQ(posix_spawn(&process, program.c_str(), &actions, nullptr, argv.data(), variables.data()), 0)
      << program;
  posix_spawn_file_actions_destroy(&actions);
  close(errors[1]);
  Outcome outcome;
  std::array<char, 4096> piece;
  for (ssize_t count = 0; (count = read(errors[0], piece.data(), piece.size())) > 0;) {
    outcome.err.append(piece.data(), static_cast<std::size_t>(count));
  }
  close(errors[0]);
  int status = 0;
  EXPECT_EQ(waitpid(process, &status, 0), process);
  EXPECT_TRUE(WIFEXITED(status));
  outcome.status = WEXITSTATUS(status);
  return outcome;
}

/// A file to connect to, closed at the end of its scope.
struct Descriptor {
  explicit Descriptor(const char* path) : number(open(path, O_WRONLY | O_CREAT, 0644)) {}
  ~Descriptor() { close(number); }
  int number;
};

TEST_F(CommandLine, RunsAsAProgram) {
  const Descriptor out("out");
  const Outcome drawn = run_program({"render", "--layer", "1", "-o", "a.png", kText}, out.number);
  EXPECT_EQ(drawn.status, 0);
  EXPECT_EQ(drawn.err, "");
  EXPECT_EQ(read_file("out"), "a.png\n");
  EXPECT_TRUE(read_file("a.png").starts_with("\x89PNG"));
  EXPECT_EQ(run_program({"rendr"}, out.number).status, 2);
}

TEST_F(CommandLine, SaysWhyStandardOutputCantBeWritten) {
  std::array<int, 2> pipes{};
  ASSERT_EQ(pipe(pipes.data()), 0);
  close(pipes[0]);
  const Outcome closed_pipe = run_program({"tokens", "x"}, pipes[1]);
  close(pipes[1]);
  EXPECT_EQ(closed_pipe.status, 2);
  EXPECT_EQ(closed_pipe.err, "attnviz: standard output: can't be written: Broken pipe\n");
  const Descriptor full("/dev/full");
  const Outcome full_disk = run_program({"render", "-o", "-", "--format", "svg", "x"}, full.number);
  EXPECT_EQ(full_disk.status, 2);
  EXPECT_EQ(full_disk.err, "attnviz: standard output: can't be written: No space left on device\n");
}

TEST_F(CommandLine, WritesNothingIntoAFileThatTookAClosedStreamsPlace) {
  const Outcome outcome = run_program({"render", "--layer", "1", "-o", "a.svg", "x"}, -1);
  EXPECT_EQ(outcome.status, 2);
  EXPECT_EQ(outcome.err, "attnviz: standard output: can't be written: Bad file descriptor\n");
  EXPECT_TRUE(read_file("a.svg").ends_with("</svg>\n"));
}

TEST_F(CommandLine, OpensLibtorchOnlyToRunAModel) {
  const Descriptor out("out");
  const auto opened = [&](const std::vector<std::string>& arguments) {
    return run_program(arguments, out.number, "LD_DEBUG=files").err.find("libtorch") != std::string::npos;
  };
  EXPECT_FALSE(opened({"--version"}));
  EXPECT_FALSE(opened({"render", "--help"}));
  EXPECT_FALSE(opened({"tokens", "x"}));
  EXPECT_FALSE(opened({"models"}));
  EXPECT_FALSE(opened({"render", "--layer", "13", "x"}));
  EXPECT_TRUE(opened({"render", "--layer", "1", "x"}));
}
}  // namespace
}  // namespace attnviz
