#include <unistd.h>

#include <memory>
#include <system_error>
#include <utility>

#include "attnviz/error.h"
#include "attnviz/file.h"
#include "file/deputy.h"

namespace attnviz {
namespace {

namespace fs = std::filesystem;

}  // namespace

bool make_directory(const fs::path& directory) {
  std::error_code fault;
  const bool made = fs::create_directory(directory, fault);
  std::error_code unseen;
  if (fs::is_directory(directory, unseen)) return made;
  if (!fault || fault == std::errc::file_exists) fault = std::make_error_code(std::errc::not_a_directory);
  throw Error(directory.string() + ": can't be made a directory: " + fault.message(),
              fault == std::errc::no_such_file_or_directory
                  ? "make its parent first: mkdir -p " + directory.parent_path().string()
                  : "choose another directory");
}

struct OutputDirectory::State {
  explicit State(fs::path given) : path(std::move(given)), made(make_directory(path)) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (made) ::rmdir(path.c_str());  // which leaves it where it is not empty
  }

  fs::path path;
  bool made;  ///< and to be removed by this process
  std::unique_ptr<Deputy> deputy{};
};

OutputDirectory::OutputDirectory(fs::path path) : state_(std::make_unique<State>(std::move(path))) {}

OutputDirectory::OutputDirectory(OutputDirectory&&) noexcept = default;

OutputDirectory& OutputDirectory::operator=(OutputDirectory&&) noexcept = default;

OutputDirectory::~OutputDirectory() = default;

const fs::path& OutputDirectory::path() const { return state_->path; }

void OutputDirectory::hand_over() {
  if (!std::exchange(state_->made, false)) return;
  const fs::path path = fs::absolute(state_->path);
  state_->deputy =
      std::make_unique<Deputy>([](const std::string&) { return 0; }, [&path] { ::rmdir(path.c_str()); });
}

}  // namespace attnviz
