#include "tokens/replace.h"

namespace attnviz::tokens {

AlignedText Replace::operator()(AlignedView text) const {
  AlignedText result;
  result.text.reserve(text.text.size());
  result.origin.reserve(text.text.size());
  const auto keep = [&](std::size_t begin, std::size_t end) {
    result.text += text.text.substr(begin, end - begin);
    result.origin.insert(result.origin.end(), text.origin + begin, text.origin + end);
  };
  std::size_t done = 0;
  for (const Regex::Match& match : pattern.find_all(text.text)) {
    keep(done, match.begin);
    result.text += content;
    result.origin.resize(result.text.size(), text.origin[match.end - 1]);
    done = match.end;
  }
  keep(done, text.text.size());
  return result;
}

}  // namespace attnviz::tokens
