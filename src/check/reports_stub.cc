#include "attnviz/check.h"
namespace attnviz {
std::string report_html(std::span<const CheckResult>) { return {}; }
std::string report_junit(std::span<const CheckResult>) { return {}; }
std::string report_json(std::span<const CheckResult>) { return {}; }
std::string report_github(std::span<const CheckResult>) { return {}; }
}  // namespace attnviz
