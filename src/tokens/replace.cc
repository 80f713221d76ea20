#include "tokens/replace.h"

namespace attnviz::tokens {

AlignedText Replace::operator()(AlignedView text) const {
  AlignedText result(text);
  result.reserve(text.text.size());
  std::size_t done = 0;
  for (const Regex::Match& match : pattern.find_all(text.text)) {
    result.append(text.slice(done, match.begin));
    result.append(content, text.origin[match.end - 1]);
    done = match.end;
  }
  result.append(text.slice(done, text.text.size()));
  return result;
}

}  // namespace attnviz::tokens
