#include "attnviz/page.h"

#include <array>

#include "attnviz/text.h"

namespace attnviz {
namespace {

// Made by the build from the files beside this one.
constexpr std::string_view kHtml =
#include "view.html.inc"
    ;
constexpr std::string_view kStyle =
#include "view.css.inc"
    ;
constexpr std::string_view kScript =
#include "scripts.js.inc"
    ;

int hex_digit(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

/// A digest of 64 hexadecimal digits as a Content-Security-Policy names it (CSP level 3, 2.3.1): in base64.
std::string policy_source(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const std::string digest = sha256_of(bytes);
  std::string source = "'sha256-";
  // 6 bits a digit, from 4 bits a digit; two bits are missing at the end.
  for (std::size_t bit = 0; bit < 4 * digest.size(); bit += 6) {
    int value = 0;
    for (std::size_t next = bit; next < bit + 6; ++next) {
      const bool set = next < 4 * digest.size() && (hex_digit(digest[next / 4]) >> (3 - next % 4) & 1) != 0;
      value = 2 * value + (set ? 1 : 0);
    }
    source += kDigits[static_cast<std::size_t>(value)];
  }
  return source + "='";
}

/// Nothing is loaded, and only this style and this script are used.
std::string policy(std::string_view connect) {
  return "default-src 'none'; connect-src " + std::string(connect) + "; img-src data:; style-src " +
         policy_source(kStyle) + "; script-src " + policy_source(kScript) +
         "; base-uri 'none'; form-action 'none'";
}

struct Part {
  std::string_view mark, content;
};

void write_parts(std::string_view policy_text, std::string_view record, const Sink& sink) {
  std::string_view rest = kHtml;
  for (const auto& [mark, content] : std::array<Part, 4>{
           {{"@policy@", policy_text}, {"@style@", kStyle}, {"@record@", record}, {"@script@", kScript}}}) {
    const std::size_t at = rest.find(mark);
    sink(rest.substr(0, at));
    sink(content);
    rest.remove_prefix(at + mark.size());
  }
  sink(rest);
}

}  // namespace

void write_page(const Record& record, const Sink& sink) {
  write_parts(policy("'none'"), inside_a_script(to_json(record, Packing::uint16)), sink);
}

void write_served_page(const Sink& sink) { write_parts(policy("'self'"), "", sink); }

}  // namespace attnviz
