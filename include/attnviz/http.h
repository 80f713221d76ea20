/// http: a small server for a page of this program and what it asks for. Behind it: Boost.Beast.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace attnviz {

/// What a request is answered with.
struct Content {
  std::string type;  ///< "application/json"
  std::string bytes;
};

/// A request that is answered. There are no others: no file is ever served.
struct Route {
  std::string
      method;        ///< GET, which is answered at once and should be quick; or POST, which may take its time
  std::string path;  ///< "/view"
  /// From the body. A POST's is said to be JSON, and several are answered at once, in threads of their own.
  /// Throws Error: status 400, and as content {"error": message, "hint": hint}.
  std::function<Content(const std::string& body)> answer;
};

struct HttpOptions {
  std::string host = "127.0.0.1";                   ///< the address to listen at
  std::uint16_t port = 8000;                        ///< 0: any that is free
  std::chrono::milliseconds read_timeout{10'000};   ///< for a request, from its first byte to its last
  std::chrono::milliseconds idle_timeout{30'000};   ///< for that first byte
  std::chrono::milliseconds write_timeout{60'000};  ///< for a client to take its answer
  std::chrono::milliseconds stall_timeout{10'000};  ///< for one that takes nothing of it
  std::chrono::milliseconds last_patience{1'000};   ///< the same, once the server is to end, or is full
  std::size_t most_header = 8 << 10;                ///< bytes
  std::size_t most_body = 64 << 10;                 ///< bytes
  std::size_t most_connections = 64;                ///< for one more, who does nothing has to go
  std::size_t most_posts = 32;                      ///< at work or waiting; more are refused
  std::size_t workers = 4;                          ///< threads that answer posts
};

/// Answers the pages that it gave itself and programs on its machine, but no other site's page: a request has
/// to name an address of this server as its host (else a name that is made to point here would do), and a
/// page that it comes from has to be of that host, too. Whatever it refuses has content as an Error has.
class HttpServer {
 public:
  /// Listens from here on. Throws Error: not an address, or one that can't be had.
  HttpServer(const HttpOptions& options, std::vector<Route> routes);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  ~HttpServer();

  [[nodiscard]] std::string url() const;         ///< "http://127.0.0.1:8000/"
  [[nodiscard]] bool is_open_to_others() const;  ///< other machines can reach it

  /// Starts its threads, and answers until SIGINT or SIGTERM, and after that what has been asked already,
  /// where the client takes it; a second signal ends the process.
  void run();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace attnviz
