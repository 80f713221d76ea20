#include "http/answer.h"

#include <algorithm>
#include <new>
#include <nlohmann/json.hpp>

namespace attnviz {
namespace {

constexpr unsigned kHttpPort = 80;  ///< the one that a host without a port means

std::string lower(std::string text) {
  for (char& letter : text) letter = letter >= 'A' && letter <= 'Z' ? char(letter - 'A' + 'a') : letter;
  return text;
}

/// Of "Application/JSON; charset=utf-8" the first part.
std::string media_type(const std::string& content_type) {
  std::string type = lower(content_type.substr(0, content_type.find(';')));
  type.erase(type.find_last_not_of(" \t") + 1);
  return type;
}

/// A page of this server, or no page at all.
bool is_from_here(const HttpRequest& request) {
  if (request.origin && lower(*request.origin) != "http://" + lower(request.host)) return false;
  // A link that is followed from another site asks for the page, and nothing else.
  if (request.method == "GET" || !request.fetch_site) return true;
  return *request.fetch_site == "same-origin" || *request.fetch_site == "none";
}

std::optional<HttpResponse> stranger(const HttpRequest& request, std::span<const std::string> host_names) {
  if (std::find(host_names.begin(), host_names.end(), lower(request.host)) == host_names.end()) {
    return refused(403, Error("Host: not an address of this server, expected " + host_names.front(),
                              "open http://" + host_names.front() + "/"));
  }
  if (is_from_here(request)) return std::nullopt;
  return refused(403, Error("Origin: another site's page, which may not ask this server",
                            "open http://" + lower(request.host) + "/"));
}

}  // namespace

HttpResponse refused(unsigned status, const Error& error) {
  const nlohmann::ordered_json json = {{"error", error.what()}, {"hint", error.hint()}};
  // A message may quote what is not UTF-8.
  return {status,
          {"application/json", json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace)}};
}

std::vector<std::string> host_names(std::span<const std::string> addresses, unsigned port) {
  std::vector<std::string> names(addresses.begin(), addresses.end());
  names.insert(names.end(), {"localhost", "127.0.0.1", "[::1]"});
  const std::size_t count = names.size();
  for (std::size_t i = 0; i < count; ++i) {
    if (port == kHttpPort) names.push_back(names[i]);
    names[i] += ":" + std::to_string(port);
  }
  return names;
}

std::variant<const Route*, HttpResponse> route_of(const HttpRequest& request, std::span<const Route> routes,
                                                  std::span<const std::string> host_names) {
  if (const auto refusal = stranger(request, host_names)) return *refusal;
  const std::string path = request.target.substr(0, request.target.find('?'));
  const auto found =
      std::find_if(routes.begin(), routes.end(), [&](const Route& route) { return route.path == path; });
  if (found == routes.end()) {
    return refused(404, Error("path: nothing is there", "the page is at /"));
  }
  if (found->method != request.method) {
    HttpResponse response = refused(405, Error(path + ": expected " + found->method));
    response.allow = found->method;
    return response;
  }
  // No form of another site can send this type without being asked for first, which is refused.
  if (found->method == "POST" && media_type(request.content_type) != "application/json") {
    return refused(415, Error("Content-Type: expected application/json"));
  }
  return &*found;
}

HttpResponse answered(const Route& route, const std::string& body) {
  try {
    return {200, route.answer(body)};
  } catch (const Error& error) {
    return refused(400, error);
  } catch (const std::bad_alloc&) {
    return refused(503, Error("memory: not enough of it", "take a shorter text"));
  } catch (const std::exception& error) {
    return refused(500, Error(std::string("unexpected fault: ") + error.what()));
  }
}

}  // namespace attnviz
