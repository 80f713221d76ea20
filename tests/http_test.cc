#include "attnviz/http.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <future>
#include <latch>
#include <new>
#include <stdexcept>
#include <thread>
#include <tuple>

#include "attnviz/error.h"

namespace attnviz {
namespace {

using std::chrono::milliseconds;

/// A client of whatever serves at the url.
class Client {
 public:
  explicit Client(const std::string& url) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1))));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { close(socket_); }

  void send(const std::string& bytes) const {
    EXPECT_EQ(::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }

  /// All that comes until the server closes.
  [[nodiscard]] std::string rest() const {
    std::string received;
    std::array<char, 4096> piece{};
    for (ssize_t size = 0; (size = recv(socket_, piece.data(), piece.size(), 0)) > 0;) {
      received.append(piece.data(), static_cast<std::size_t>(size));
    }
    return received;
  }

 private:
  int socket_;
};

/// Serves until the end of its scope.
class Serving {
 public:
  explicit Serving(std::vector<Route> routes, HttpOptions options = {})
      : server_(with_free_port(options), std::move(routes)), thread_([this] { server_.run(); }) {}
  Serving(const Serving&) = delete;
  Serving& operator=(const Serving&) = delete;
  ~Serving() {
    if (thread_.joinable()) stop();
  }

  void stop() {
    kill(getpid(), SIGTERM);
    thread_.join();
  }

  [[nodiscard]] std::string url() const { return server_.url(); }

  [[nodiscard]] std::string request(const std::string& line, const std::string& body = "") const {
    const std::string url = server_.url();
    return line + " HTTP/1.1\r\nHost: " + url.substr(7, url.size() - 8) +
           "\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
  }

  [[nodiscard]] std::string ask(const std::string& line, const std::string& body = "") const {
    const Client client(server_.url());
    client.send(request(line, body));
    return client.rest();
  }

 private:
  static HttpOptions with_free_port(HttpOptions options) {
    options.port = 0;
    return options;
  }

  HttpServer server_;
  std::thread thread_;
};

std::string status(const std::string& answer) { return answer.substr(0, answer.find("\r\n")); }
std::string content(const std::string& answer) { return answer.substr(answer.find("\r\n\r\n") + 4); }

Route echo() {
  return {"POST", "/echo", [](const std::string& body) { return Content{"text/plain", body}; }};
}

TEST(HttpServer, AnswersItsRoutesAlone) {
  const Serving serving({{"GET", "/",
                          [](const std::string&) {
                            return Content{"text/html", "page"};
                          }},
                         echo()});
  EXPECT_EQ(content(serving.ask("GET /")), "page");
  EXPECT_EQ(content(serving.ask("POST /echo?x", "{}")), "{}");
  EXPECT_EQ(status(serving.ask("GET /echo")), "HTTP/1.1 405 Method Not Allowed");
  EXPECT_EQ(status(serving.ask("GET /x")), "HTTP/1.1 404 Not Found");
}

TEST(HttpServer, TellsWhatIsThrownAndGoesOn) {
  struct Case {
    std::string what, status, content;
  };
  const Serving serving({{"POST", "/throw", [](const std::string& what) -> Content {
                            if (what == "Error") throw Error("text: wrong \xFF", "write \"it\" well");
                            if (what == "memory") throw std::bad_alloc();
                            throw std::runtime_error("surprise");
                          }}});
  for (const Case& c : std::vector<Case>{
           {"Error", "HTTP/1.1 400 Bad Request", R"({"error":"text: wrong �","hint":"write \"it\" well"})"},
           {"memory", "HTTP/1.1 503 Service Unavailable",
            R"({"error":"memory: not enough of it","hint":"take a shorter text"})"},
           {"fault", "HTTP/1.1 500 Internal Server Error",
            R"({"error":"unexpected fault: surprise","hint":""})"}}) {
    const std::string answer = serving.ask("POST /throw", c.what);
    EXPECT_EQ(status(answer), c.status);
    EXPECT_EQ(content(answer), c.content);
  }
}

TEST(HttpServer, RefusesPostsBeyondTheMost) {
  std::latch begun(2), released(1);
  const Serving serving({{"POST", "/wait",
                          [&](const std::string&) {
                            begun.count_down();
                            released.wait();
                            return Content{"text/plain", "done"};
                          }}},
                        {.most_posts = 2, .workers = 2});
  const auto ask = [&] { return serving.ask("POST /wait"); };
  std::future<std::string> first = std::async(std::launch::async, ask);
  std::future<std::string> second = std::async(std::launch::async, ask);
  begun.wait();
  EXPECT_EQ(content(ask()),
            R"({"error":"server: too many texts are waiting","hint":"try again in a while"})");
  released.count_down();
  EXPECT_EQ(content(first.get()), "done");
  EXPECT_EQ(content(second.get()), "done");
}

TEST(HttpServer, CutsClientsThatDoNothing) {
  const Serving serving({echo()}, {.idle_timeout = milliseconds(50)});
  EXPECT_EQ(Client(serving.url()).rest(), "");
}

TEST(HttpServer, LetsNoClientThatAsksForNothingKeepOthersOut) {
  constexpr auto kHour = std::chrono::hours(1);
  const Serving serving({echo()}, {.read_timeout = kHour, .idle_timeout = kHour, .most_connections = 2});
  for (const std::string begun :
       {"", "POST", "POST /echo HTTP/1.1\r\nContent-Length: 9\r\n\r\n{", "nonsense\r\n\r\n"}) {
    const Client first(serving.url()), second(serving.url());
    first.send(begun);
    second.send(begun);
    EXPECT_EQ(content(serving.ask("POST /echo", "{}")), "{}") << begun;
    std::ignore = first.rest();  // which had waited longest, and is closed
  }
}

TEST(HttpServer, LetsNoClientThatTakesNoAnswerKeepOthersOut) {
  constexpr auto kHour = std::chrono::hours(1);
  const std::string much(std::size_t{64} << 20, 'x');
  const Serving serving(
      {{"GET", "/much",
        [&](const std::string&) {
          return Content{"text/plain", much};
        }},
       echo()},
      {.write_timeout = kHour, .stall_timeout = kHour, .last_patience = milliseconds(20), .most_connections = 2});
  const Client first(serving.url()), second(serving.url());
  first.send(serving.request("GET /much"));
  second.send(serving.request("GET /much"));
  EXPECT_EQ(content(serving.ask("POST /echo", "{}")), "{}");
}

TEST(HttpServer, CutsClientsThatTakeNoAnswer) {
  const std::string much(std::size_t{64} << 20, 'x');
  Serving serving({{"GET", "/much",
                    [&](const std::string&) {
                      return Content{"text/plain", much};
                    }}},
                  {.write_timeout = milliseconds(50)});
  const Client deaf(serving.url());
  deaf.send(serving.request("GET /much"));
  EXPECT_EQ(status(serving.ask("GET /x")), "HTTP/1.1 404 Not Found");
  serving.stop();  // does not wait for what nobody takes
  EXPECT_LT(deaf.rest().size(), much.size());
}

TEST(HttpServer, AnswersWhatWasAskedBeforeItStops) {
  std::latch begun(1), released(1);
  Serving serving({{"POST", "/wait", [&](const std::string&) {
                      begun.count_down();
                      released.wait();
                      return Content{"text/plain", "done"};
                    }}});
  const Client idle(serving.url());
  std::future<std::string> answer = std::async(std::launch::async, [&] { return serving.ask("POST /wait"); });
  begun.wait();
  std::thread stopping([&] { serving.stop(); });
  EXPECT_EQ(idle.rest(), "");  // it is told to stop by now
  released.count_down();
  stopping.join();
  EXPECT_EQ(content(answer.get()), "done");
}

TEST(HttpServer, OutlivesGarbage) {
  const Serving serving({echo()}, {.read_timeout = milliseconds(200)});
  const std::string good = serving.request("POST /echo", "{}");
  for (std::size_t place = 0; place < good.size(); ++place) {
    for (const char byte : {'\0', '\n', ' ', ':', '\xFF'}) {
      std::string spoilt = good;
      spoilt[place] = byte;
      const Client client(serving.url());
      client.send(spoilt + std::string(200, '\n'));
      const std::string answer = client.rest();
      EXPECT_TRUE(answer.empty() || answer.starts_with("HTTP/1.1 ")) << answer;
    }
  }
  EXPECT_EQ(content(serving.ask("POST /echo", "{}")), "{}");
}

TEST(HttpServer, SaysWhereItCantListen) {
  const Serving serving({});
  HttpOptions same;
  const std::string url = serving.url();
  same.port = static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
  EXPECT_THROW(HttpServer(same, {}), Error);
  for (const std::string host : {"", "example.org", "127.0.0.1:80", "1.2.3.4.5"}) {
    EXPECT_THROW(HttpServer({.host = host}, {}), Error) << host;
  }
  EXPECT_FALSE(HttpServer({.port = 0}, {}).is_open_to_others());
  EXPECT_TRUE(HttpServer({.host = "0.0.0.0", .port = 0}, {}).is_open_to_others());
}

}  // namespace
}  // namespace attnviz
