/// answer: what becomes of a request, as plain values.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "attnviz/error.h"
#include "attnviz/http.h"

namespace attnviz {

struct HttpRequest {
  std::string method, target, body;
  std::string host;  ///< empty: none, or several
  std::optional<std::string> origin, fetch_site;
  std::string content_type;
};

struct HttpResponse {
  unsigned status = 200;
  Content content;
  std::string allow{};  ///< the method that a 405 names
};

[[nodiscard]] HttpResponse refused(unsigned status, const Error& error);

/// What a request may name as its host: "127.0.0.1:8000". `addresses` are the server's, IPv6 in brackets.
[[nodiscard]] std::vector<std::string> host_names(std::span<const std::string> addresses, unsigned port);

/// The route that answers a request, or why none does.
[[nodiscard]] std::variant<const Route*, HttpResponse> route_of(const HttpRequest& request,
                                                                std::span<const Route> routes,
                                                                std::span<const std::string> host_names);

/// Whatever the route throws is told in the answer.
[[nodiscard]] HttpResponse answered(const Route& route, const std::string& body);

}  // namespace attnviz
