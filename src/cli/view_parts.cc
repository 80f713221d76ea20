#include "cli/view_parts.h"

#include <algorithm>

namespace attnviz::cli {
namespace {

std::optional<std::size_t> second_from(const Subject& subject) {
  const std::vector<TokenGroup>& groups = subject.tokens.groups;
  if (subject.sources) return std::nullopt;
  const std::vector<std::int8_t>& sequence = subject.queries().encoding.sequence;
  const auto of_second = [&](const TokenGroup& group) { return sequence[group.first] == 1; };
  const auto found = std::find_if(groups.begin(), groups.end(), of_second);
  if (found == groups.begin() || found == groups.end()) return std::nullopt;
  return static_cast<std::size_t>(found - groups.begin());
}

/// Leaves the parts of `values`, one a layer, that are kept.
template <class Number>
void keep_parts(std::vector<Number>& values, const std::vector<bool>& kept) {
  const std::size_t size = values.size() / kept.size();
  std::vector<Number> left;
  for (std::size_t i = 0; i < kept.size() && size > 0; ++i) {
    if (!kept[i]) continue;
    const auto begin = values.begin() + static_cast<std::ptrdiff_t>(i * size);
    left.insert(left.end(), begin, begin + static_cast<std::ptrdiff_t>(size));
  }
  values = std::move(left);
}

/// The bytes that the numbers of one layer take in a page.
std::size_t bytes_of_a_layer(const Attention& attention) {
  const std::size_t numbers = attention.weights.size() + attention.query.size() + attention.key.size();
  const std::size_t size = attention.kind == WeightKind::norm ? sizeof(float) : sizeof(std::uint16_t);
  return numbers / attention.layers.size() * size * 4 / 3;  // in base64
}

void keep_layers(Attention& attention, const std::vector<int>& layers) {
  std::vector<bool> kept;
  for (const int layer : attention.layers)
    kept.push_back(std::find(layers.begin(), layers.end(), layer) != layers.end());
  for (std::vector<float>* const values : {&attention.weights, &attention.query, &attention.key})
    keep_parts(*values, kept);
  keep_parts(attention.dot_scales, kept);
  keep_parts(attention.windows, kept);
  attention.layers = layers;
}

/// As many about `layer` as so many bytes have room for, in their order.
std::vector<int> layers_that_fit(const Attention& attention, int layer, std::size_t room) {
  const std::size_t one = std::max<std::size_t>(bytes_of_a_layer(attention), 1);
  const std::size_t count = std::clamp<std::size_t>(room / one, 1, attention.layers.size());
  const auto place = static_cast<std::size_t>(
      std::find(attention.layers.begin(), attention.layers.end(), layer) - attention.layers.begin());
  const std::size_t before = std::min(place, count / 2);
  const std::size_t begin = std::min(place - before, attention.layers.size() - count);
  const auto first = attention.layers.begin() + static_cast<std::ptrdiff_t>(begin);
  return {first, first + static_cast<std::ptrdiff_t>(count)};
}

/// Returns what a view has to say of it, or nothing where all are left.
std::string keep_layers_about(Attention& attention, int layer, std::size_t room) {
  const std::vector<int> all = attention.layers;
  const std::vector<int> left = layers_that_fit(attention, layer, room);
  if (left.size() == all.size()) return {};
  keep_layers(attention, left);
  const std::string which =
      left.size() == 1 ? "layer " + std::to_string(left.front())
                       : "layers " + std::to_string(left.front()) + " to " + std::to_string(left.back());
  return which + " of " + std::to_string(all.size()) +
         ": all would take more than 10 MB (--layers names others)";
}

}  // namespace

View view_of(const Subject& subject, View::Kind kind) {
  const Attention& attention = subject.attention;
  View view{.kind = kind,
            .layers = attention.layers,
            .heads = attention.heads,
            .tokens = subject.tokens.labels,
            .sources = subject.sources ? std::span<const TokenLabel>(subject.sources->labels)
                                       : std::span<const TokenLabel>(),
            .second_from = second_from(subject),
            .causal = attention.causal,
            .weights = attention.weights,
            .head_size = attention.head_size,
            .query = attention.query,
            .key = attention.key,
            .dot_scales = attention.dot_scales,
            .windows = attention.windows,
            .title = subject.title(),
            .subtitle = subject.prepared.sentence.shown(),
            .notes = subject.notes(),
            .layer = attention.layers.back(),
            .shown_heads = attention.heads};
  if (attention.kind == WeightKind::norm) view.quantity = kNorms;
  return view;
}

std::vector<std::string> keep_what_fits(std::span<Subject> subjects, std::optional<int> layer) {
  constexpr std::size_t kPageBytes = 10'000'000;
  std::size_t bytes = 0;
  for (const Subject& subject : subjects)
    bytes += bytes_of_a_layer(subject.attention) * subject.attention.layers.size();
  std::vector<std::string> notes(subjects.size());
  if (bytes <= kPageBytes) return notes;
  for (std::size_t i = 0; i < subjects.size(); ++i) {
    Attention& attention = subjects[i].attention;
    notes[i] =
        keep_layers_about(attention, layer.value_or(attention.layers.back()), kPageBytes / subjects.size());
  }
  return notes;
}

}  // namespace attnviz::cli
