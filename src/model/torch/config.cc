#include "model/torch/config.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "attnviz/error.h"
#include "attnviz/file.h"

namespace attnviz {

using Json = nlohmann::json;

namespace {

constexpr int kDeepest = 16;  ///< what is nested further is no model's
constexpr std::size_t kLongestShown = 60;
constexpr std::size_t kLargestFile = 16 << 20;  ///< as the catalog has it

std::string shown(const Json& value) {
  const std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
  return text.size() <= kLongestShown ? text : text.substr(0, kLongestShown) + "…";
}

}  // namespace

Config::Config(std::string_view json, std::string thing) : thing_(std::move(thing)) {
  try {
    entries_ = std::make_shared<const Json>(
        Json::parse(json, [](int depth, auto, const Json&) { return depth <= kDeepest; }));
  } catch (const Json::exception& error) {
    throw Error(thing_ + ": not JSON: " + error.what());
  }
  if (!entries_->is_object()) throw Error(thing_ + ": expected a JSON object");
}

Config::Config(const std::filesystem::path& path) : Config(read_file(path, kLargestFile), path.string()) {}

Config::Config(std::string thing, std::shared_ptr<const Json> entries)
    : thing_(std::move(thing)), entries_(std::move(entries)) {}

/// The first that is there, else the first.
const char* Config::found(Names names) const {
  for (const char* name : names) {
    if (has(name)) return name;
  }
  return *names.begin();
}

void Config::unusable(const char* name) const {
  fault(std::string(name) + ": unusable value " + shown(entry(name)));
}

std::int64_t Config::integer(Names names, std::int64_t fallback) const {
  const char* const name = found(names);
  if (!has(name)) return fallback;
  const Json& value = entry(name);
  constexpr std::uint64_t kLargest = std::numeric_limits<std::int64_t>::max();
  const bool fits = !value.is_number_unsigned() || value.get<std::uint64_t>() <= kLargest;
  if (!value.is_number_integer() || !fits) unusable(name);
  return value.get<std::int64_t>();
}

std::int64_t Config::size(Names names, std::int64_t fallback, std::int64_t most) const {
  const std::int64_t value = integer(names, fallback);
  if (value >= 1 && value <= most) return value;
  fault(std::string(found(names)) + ": expected 1 to " + std::to_string(most) + ", got " +
        std::to_string(value));
}

double Config::number(Names names, double fallback) const {
  const char* const name = found(names);
  if (!has(name)) return fallback;
  if (!entry(name).is_number() || !std::isfinite(entry(name).get<double>())) unusable(name);
  return entry(name).get<double>();
}

double Config::positive(Names names, double fallback) const {
  const double value = number(names, fallback);
  if (value > 0) return value;
  fault(std::string(found(names)) + ": expected a number above 0, got " + shown(value));
}

bool Config::flag(const char* name, bool fallback) const {
  if (is_null(name)) return false;
  if (!has(name)) return fallback;
  if (!entry(name).is_boolean()) unusable(name);
  return entry(name).get<bool>();
}

std::string Config::text(Names names, const std::string& fallback) const {
  const char* const name = found(names);
  if (!has(name)) return fallback;
  if (!entry(name).is_string()) unusable(name);
  return entry(name).get<std::string>();
}

std::vector<std::string> Config::texts(const char* name) const {
  if (!has(name)) return {};
  if (!entry(name).is_array()) unusable(name);
  std::vector<std::string> texts;
  for (const Json& one : entry(name)) {
    if (!one.is_string()) unusable(name);
    texts.push_back(one.get<std::string>());
  }
  return texts;
}

const Json& Config::entry(const char* name) const {
  static const Json kNull;
  const auto found = entries_->find(name);
  return found == entries_->end() ? kNull : *found;
}

Config Config::object(const char* name) const {
  const Json& value = entry(name);
  if (!value.is_null() && !value.is_object()) unusable(name);
  const Json entries = value.is_null() ? Json::object() : value;
  return {thing_ + ": " + name, std::make_shared<const Json>(entries)};
}

bool Config::has(const char* name) const { return !entry(name).is_null(); }

bool Config::is_null(const char* name) const { return entries_->contains(name) && !has(name); }

bool Config::asks_for(const char* name) const {
  const Json& value = entry(name);
  return !value.empty() && value != false;
}

void Config::fault(const std::string& what) const { throw Error(thing_ + ": " + what); }

void Config::refuse(const std::string& what) const {
  throw Error(thing_ + ": " + what + " is not implemented by the checkpoint backend",
              "export it with scripts/export_model.py and use --backend torchscript");
}

}  // namespace attnviz
