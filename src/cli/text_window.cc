#include "cli/text_window.h"

#include <algorithm>
#include <cstdlib>
#include <string>

#include "attnviz/error.h"

namespace attnviz::cli {
namespace {

/// Special tokens at the ends of a text.
struct Ends {
  std::size_t before = 0, behind = 0;
};

Ends ends_of(const Encoding& encoding) {
  const auto own = [](std::uint8_t special) { return special == 0; };
  const auto first = std::find_if(encoding.special.begin(), encoding.special.end(), own);
  const auto last = std::find_if(encoding.special.rbegin(), encoding.special.rend(), own);
  return {static_cast<std::size_t>(first - encoding.special.begin()),
          static_cast<std::size_t>(last - encoding.special.rbegin())};
}

/// A window's tokens, special ones too, as the whole text counts them.
std::vector<std::size_t> tokens_of(const TextWindow& window, const Ends& ends, std::size_t count) {
  std::vector<std::size_t> tokens;
  for (std::size_t token = 0; token < count; ++token) {
    const bool special = token < ends.before || token >= count - ends.behind;
    if (special || (token >= window.begin && token < window.end)) tokens.push_back(token);
  }
  return tokens;
}

Encoding part_of(const Encoding& whole, const std::vector<std::size_t>& tokens) {
  Encoding part;
  const auto take = [&](const auto& from, auto& to) {
    for (const std::size_t token : tokens) to.push_back(from[token]);
  };
  take(whole.tokens, part.tokens);
  take(whole.ids, part.ids);
  take(whole.offsets, part.offsets);
  take(whole.types, part.types);
  take(whole.special, part.special);
  take(whole.typed, part.typed);
  take(whole.sequence, part.sequence);
  return part;
}

/// The window whose middle is nearest to each token of the text; special tokens are the first's or the
/// last's.
std::vector<std::size_t> owners_of(const std::vector<TextWindow>& windows, const Ends& ends,
                                   std::size_t count) {
  std::vector<std::size_t> owners(count);
  for (std::size_t token = 0; token < count; ++token) {
    const auto distance = [token](const TextWindow& window) {
      const auto middle = static_cast<long>(window.begin + window.end),
                 place = static_cast<long>(2 * token + 1);
      return std::abs(middle - place);
    };
    const auto nearest =
        std::min_element(windows.begin(), windows.end(),
                         [&](const TextWindow& a, const TextWindow& b) { return distance(a) < distance(b); });
    owners[token] = token < ends.before            ? 0
                    : token >= count - ends.behind ? windows.size() - 1
                                                   : static_cast<std::size_t>(nearest - windows.begin());
  }
  return owners;
}

/// Copies what the window's tokens attend to, where it is the window's to say.
class Stitch {
 public:
  Stitch(const std::vector<std::size_t>& tokens, const std::vector<std::size_t>& owners, Attention& whole)
      : tokens_(tokens), owners_(owners), whole_(whole) {}

  void operator()(const Attention& part, std::size_t window) const {
    const std::size_t count = tokens_.size(), all = owners_.size();
    const std::size_t maps = part.weights.size() / (count * count);
    for (std::size_t map = 0; map < maps; ++map) {
      for (std::size_t row = 0; row < count; ++row) {
        if (owners_[tokens_[row]] != window) continue;
        const float* const from = part.weights.data() + (map * count + row) * count;
        float* const to = whole_.weights.data() + (map * all + tokens_[row]) * all;
        for (std::size_t column = 0; column < count; ++column) to[tokens_[column]] = from[column];
      }
    }
  }

 private:
  const std::vector<std::size_t>& tokens_;
  const std::vector<std::size_t>& owners_;
  Attention& whole_;
};

}  // namespace

std::vector<TextWindow> windows_of(const Encoding& whole, std::size_t length) {
  const std::size_t count = whole.size();
  if (length == 0 || count <= length) return {};
  const Ends ends = ends_of(whole);
  const std::size_t special = ends.before + ends.behind;
  if (length < special + 2) {
    throw Error("--window " + std::to_string(length) + ": expected at least " + std::to_string(special + 2) +
                    ", two tokens of the text" +
                    (special > 0 ? " and " + std::to_string(special) + " special ones" : ""),
                "--window max takes as many as the model does");
  }
  const std::size_t own = length - special, last = count - ends.behind - own;
  std::vector<TextWindow> windows;
  for (std::size_t begin = ends.before;; begin += own / 2) {
    TextWindow& window = windows.emplace_back();
    window.begin = std::min(begin, last);
    window.end = window.begin + own;
    window.encoding = part_of(whole, tokens_of(window, ends, count));
    if (window.begin == last) return windows;
  }
}

Attention run_windows(Model& model, const Encoding& whole, const std::vector<TextWindow>& windows,
                      const Selection& selection) {
  const Ends ends = ends_of(whole);
  const std::size_t count = whole.size();
  const std::vector<std::size_t> owners = owners_of(windows, ends, count);
  Attention stitched;
  for (std::size_t i = 0; i < windows.size(); ++i) {
    const Attention part = std::move(model.run({&windows[i].encoding, 1}, selection).front());
    if (i == 0) {
      stitched = {.layers = part.layers,
                  .heads = part.heads,
                  .queries = count,
                  .keys = count,
                  .causal = part.causal,
                  .kind = part.kind,
                  .weights = {}};
      stitched.weights.resize(part.layers.size() * part.heads.size() * count * count);
    }
    const std::vector<std::size_t> tokens = tokens_of(windows[i], ends, count);
    Stitch(tokens, owners, stitched)(part, i);
  }
  return stitched;
}

}  // namespace attnviz::cli
