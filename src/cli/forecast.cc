#include "cli/forecast.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "cli/table.h"

namespace attnviz::cli {
namespace {

using Kind = Prediction::Kind;

constexpr int kDigits = 4;

/// The indices of the most probable, those first; all of a regression.
std::vector<std::size_t> most_probable(const Prediction& prediction, std::size_t most) {
  std::vector<std::size_t> order(prediction.probabilities.size());
  std::iota(order.begin(), order.end(), 0);
  const std::size_t count = prediction.kind == Kind::value ? order.size() : std::min(most, order.size());
  const auto before = [&](std::size_t a, std::size_t b) {
    const auto of = [&](std::size_t index) {
      const float probability = prediction.probabilities[index];
      return std::isnan(probability) ? -std::numeric_limits<float>::infinity() : probability;  // behind all
    };
    const float first = of(a), second = of(b);
    return first > second || (first == second && a < b);
  };
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(), before);
  order.resize(count);
  return order;
}

std::string name_of(std::size_t index, const Prediction& prediction, const Tokenizer& tokenizer) {
  if (prediction.kind != Kind::next_token) return visible(prediction.labels[index]);
  const std::optional<TokenLabel> label = tokenizer.label(static_cast<std::int64_t>(index));
  return label ? label->whole() : "id " + std::to_string(index);
}

/// None; each alone; all together.
std::vector<std::vector<HeadPlace>> ablations(const std::vector<HeadPlace>& places) {
  std::vector<std::vector<HeadPlace>> all = {{}};
  for (const HeadPlace& place : places) all.push_back({place});
  if (places.size() > 1) all.push_back(places);
  return all;
}

std::string show_change(double change) {
  const std::string shown = show_fixed(change, kDigits);
  return change < 0 || shown.starts_with('-') ? shown : "+" + shown;
}

}  // namespace

std::vector<HeadPlace> read_places(const Given& given) {
  const std::string expected = "layers and heads, such as 5.3,6.0";
  std::vector<HeadPlace> places;
  for (std::size_t begin = 0; begin <= given.value.size();) {
    const std::size_t end = std::min(given.value.find(',', begin), given.value.size());
    const std::string part = given.value.substr(begin, end - begin);
    const std::size_t point = part.find('.');
    if (point == std::string::npos) refuse(given, expected);
    const auto number = [&](const std::string& digits) {
      if (digits.empty() || digits.find_first_not_of("0123456789") != std::string::npos)
        refuse(given, expected);
      return read_integer({given.flag, digits}, expected);
    };
    const HeadPlace place = {number(part.substr(0, point)), number(part.substr(point + 1))};
    if (std::find(places.begin(), places.end(), place) == places.end()) places.push_back(place);
    begin = end + 1;
  }
  return places;
}

std::string show_places(std::span<const HeadPlace> places) {
  std::string shown;
  for (const HeadPlace& place : places) {
    shown += (shown.empty() ? "" : ",") + std::to_string(place.layer) + "." + std::to_string(place.head);
  }
  return shown;
}

void check_places(std::span<const HeadPlace> places, const ModelCard& card) {
  for (const HeadPlace& place : places) {
    if (place.layer >= 1 && place.layer <= card.layers && place.head >= 0 && place.head < card.heads) {
      continue;
    }
    throw Error("--ablate " + show_places({&place, 1}) + ": " + visible(card.name) + " has heads 1.0 to " +
                    std::to_string(card.layers) + "." + std::to_string(card.heads - 1),
                "layers count from 1, heads from 0");
  }
}

Forecast forecast(Reader& reader, const Prepared& prepared) {
  Model& model = opened(reader);
  const auto most = static_cast<std::size_t>(*reader.choice.predict);
  const Prediction whole = model.predict(prepared.encoding, {});
  const std::vector<std::size_t> shown = most_probable(whole, most);
  const std::vector<HeadPlace>& places = reader.choice.ablated;
  const std::string number = whole.kind == Kind::value ? ">value" : ">probability";
  Table table(places.empty()
                  ? std::vector<std::string>{number, whole.kind == Kind::next_token ? "next token" : "label"}
                  : std::vector<std::string>{number, ">change", "ablated",
                                             whole.kind == Kind::next_token ? "next token" : "label"});
  Prediction made;
  for (const std::vector<HeadPlace>& ablated : ablations(places)) {
    made = ablated.empty() ? whole : model.predict(prepared.encoding, ablated);
    for (const std::size_t index : shown) {
      const double value = made.probabilities[index], change = value - whole.probabilities[index];
      std::vector<std::string> row = {show_fixed(value, kDigits)};
      if (!places.empty()) {
        row.push_back(ablated.empty() ? "-" : show_change(change));
        row.push_back(ablated.empty() ? "none" : show_places(ablated));
      }
      row.push_back(name_of(index, whole, *reader.tokenizer));
      table.add(std::move(row));
    }
  }
  Forecast forecast{table.set() + "\n", {}, whole.kind != Kind::next_token};
  for (const std::size_t index : most_probable(made, most))
    forecast.predicted.push_back({name_of(index, made, *reader.tokenizer), made.probabilities[index]});
  return forecast;
}

}  // namespace attnviz::cli
