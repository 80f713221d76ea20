#include "text/row_input.h"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "attnviz/error.h"

namespace attnviz {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

RowInput::RowInput(std::istream& in, const RowOptions& options, std::string what)
    : in_(in),
      options_(options),
      what_(std::move(what)),
      block_(std::max(options.block_bytes, kByteOrderMark.size()), '\0') {
  if (rest().starts_with(kByteOrderMark)) take(kByteOrderMark.size());
}

void RowInput::fill() {
  taken_ = filled_ = 0;
  if (in_.eof()) return;
  errno = 0;
  in_.read(block_.data(), static_cast<std::streamsize>(block_.size()));
  const int reason = errno;
  if (in_.bad() || (in_.fail() && !in_.eof())) {
    throw Error(what_ + ": can't be read" +
                (reason != 0 ? ": " + std::generic_category().message(reason) : ""));
  }
  filled_ = static_cast<std::size_t>(in_.gcount());
}

RowLines::RowLines(std::istream& in, const RowOptions& options, std::string what)
    : input_(in, options, std::move(what)), line_(options.most_bytes) {}

bool RowLines::next() {
  line_.clear();
  std::string_view rest = input_.rest();
  if (rest.empty()) return false;
  ++number_;
  std::size_t end = rest.find('\n');
  for (; end == std::string_view::npos; end = rest.find('\n')) {
    line_.add(rest);
    input_.take(rest.size());
    rest = input_.rest();
    if (rest.empty()) return true;
  }
  line_.add(rest.substr(0, end));
  line_.drop_return();
  input_.take(end + 1);
  return true;
}

}  // namespace attnviz
