#include "attnviz/render.h"

#include <charconv>
#include <cstdlib>
#include <ctime>
#include <string_view>

#include "attnviz/error.h"
#include "attnviz/text.h"

namespace attnviz {

std::optional<std::string> stated_date() {
  const char* const variable = std::getenv("SOURCE_DATE_EPOCH");
  if (!variable) return std::nullopt;
  constexpr std::time_t kEndOfYear9999 = 253402300799;
  const std::string_view text = variable;
  std::time_t seconds = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (fault != std::errc() || end != text.data() + text.size() || seconds < 0 || seconds > kEndOfYear9999) {
    throw Error("SOURCE_DATE_EPOCH: expected whole seconds since 1970, got " +
                    (text.empty() ? "nothing" : visible(text)),
                "unset it, and a PDF says no date");
  }
  std::tm date{};
  gmtime_r(&seconds, &date);
  char iso[sizeof "9999-12-31T23:59:59"];
  return std::string(iso, std::strftime(iso, sizeof iso, "%Y-%m-%dT%H:%M:%S", &date));
}

}  // namespace attnviz
