#include "support/support.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace attnviz::test {

namespace fs = std::filesystem;

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern = (fs::temp_directory_path() / "attnviz-test-XXXXXX").string();
  if (!mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp " + pattern);
  path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void write(const fs::path& path, std::string_view bytes) {
  std::ofstream stream(path, std::ios::binary);
  stream << bytes;
  if (!stream.flush()) throw std::runtime_error("write " + path.string());
}

fs::path data(std::string_view name) { return fs::path(ATTNVIZ_TEST_DATA) / name; }

fs::path gpt2_demo() {
  return fs::path(ATTNVIZ_TEST_DATA).parent_path().parent_path() / "models" / "gpt2-demo";
}

void expect_valid(const Attention& attention) { EXPECT_NO_THROW(validate(attention)); }

void expect_golden(std::string_view name, const std::string& actual) {
  const fs::path golden = fs::path(ATTNVIZ_TEST_GOLDEN) / name;
  if (std::getenv("ATTNVIZ_UPDATE_GOLDEN")) {
    fs::create_directories(golden.parent_path());
    write(golden, actual);
    FAIL() << golden << " written: review it and run again without ATTNVIZ_UPDATE_GOLDEN";
  }
  std::ifstream stream(golden, std::ios::binary);
  ASSERT_TRUE(stream) << golden << " is missing: run once with ATTNVIZ_UPDATE_GOLDEN=1";
  const std::string expected{std::istreambuf_iterator<char>(stream), {}};
  if (expected == actual) return;
  const fs::path left = fs::absolute(golden.filename().string() + ".actual");
  write(left, actual);
  FAIL() << golden << " differs from " << left;
}

}  // namespace attnviz::test

/// Asked by the leak checker. fontconfig links its patterns by offsets instead of pointers, which the checker
/// can't follow: what the fonts in use hold looks lost to it.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libfontconfig\n"; }
