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

inline constexpr std::array<std::pair<std::string_view, Pool>, 2> kPoolWords = {
    {{"max", Pool::max}, {"mean", Pool::mean}}};
inline constexpr Words<View::Kind> kViewWords = {
    {{"head", View::Kind::head}, {"model", View::Kind::model}, {"neuron", View::Kind::neuron}}};
inline constexpr std::array<std::pair<std::string_view, View::Filter>, 5> kFilterWords = {
    {{"all", View::Filter::all},
     {"a-a", View::Filter::a_to_a},
     {"b-b", View::Filter::b_to_b},
     {"a-b", View::Filter::a_to_b},
     {"b-a", View::Filter::b_to_a}}};

inline constexpr Words<AttentionPart> kPartWords = {{{"encoder", AttentionPart::encoder},
                                                     {"decoder", AttentionPart::decoder},
                                                     {"cross", AttentionPart::cross}}};

/// What a weight and the largest number of a vector become in 16 bits.
inline constexpr float kMostUnsigned = 65535, kMostSigned = 32767;

template <class Value>
std::string word_of(Value value, const auto& words) {
  for (const auto& [word, other] : words) {
    if (other == value) return std::string(word);
  }
  return {};
}

}  // namespace attnviz
