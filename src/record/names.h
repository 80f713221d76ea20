/// What both directions of a record share: its version, and the words for a look's choices.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "attnviz/figure.h"

namespace attnviz {

inline constexpr int kRecordFormat = 1;

template <class Value>
using Words = std::array<std::pair<std::string_view, Value>, 3>;

inline constexpr Words<Scale> kScaleWords = {
    {{"linear", Scale::linear}, {"sqrt", Scale::sqrt}, {"log", Scale::log}}};
inline constexpr Words<Annotate> kAnnotateWords = {
    {{"auto", Annotate::automatic}, {"always", Annotate::always}, {"never", Annotate::never}}};
inline constexpr std::array<std::pair<std::string_view, Theme>, 2> kThemeWords = {
    {{"light", Theme::light}, {"dark", Theme::dark}}};

template <class Value>
std::string word_of(Value value, const auto& words) {
  for (const auto& [word, other] : words) {
    if (other == value) return std::string(word);
  }
  return {};
}

}  // namespace attnviz
