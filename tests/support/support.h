/// What tests share: places, temporary directories, and the check of what must always hold.
#pragma once

#include <filesystem>
#include <string>

#include "attnviz/attention.h"
#include "attnviz/error.h"

namespace attnviz::test {

/// A directory of the test's own, removed with everything in it.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

void write(const std::filesystem::path& path, std::string_view bytes);

/// tests/data/<name> in the source tree.
std::filesystem::path data(std::string_view name);

/// models/gpt2-demo in the source tree.
std::filesystem::path gpt2_demo();

/// Fails the test unless rows sum to 1, weights are finite and in [0, 1], nothing lies above the
/// diagonal when causal, and sizes agree.
void expect_valid(const Attention& attention);

/// Compares with tests/golden/<name>. A missing golden fails. ATTNVIZ_UPDATE_GOLDEN=1 writes it and
/// fails once. A mismatch leaves <name>.actual in the working directory and says where.
void expect_golden(std::string_view name, const std::string& actual);

/// What `action` throws: "<message>" or "<message>\n  hint: <hint>"; "nothing" when it does not throw an
/// Error.
template <class Action>
std::string error_of(Action&& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what() + (error.hint().empty() ? "" : "\n  hint: " + error.hint());
  }
  return "nothing";
}

}  // namespace attnviz::test
