// clang-format off
#include <utility>  // first: awaitable.hpp of Boost 1.74 lacks it
// clang-format on
#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <csignal>
#include <list>
#include <set>

#include "http/answer.h"
#include "http/workers.h"

namespace attnviz {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::awaitable;
using asio::redirect_error;
using asio::use_awaitable;
using asio::ip::tcp;
using boost::system::error_code;
using Stream = beast::tcp_stream;

std::string in_brackets(const asio::ip::address& address) {
  return address.is_v6() ? "[" + address.to_string() + "]" : address.to_string();
}

tcp::endpoint endpoint_of(const HttpOptions& options) {
  error_code fault;
  const auto address =
      asio::ip::make_address(options.host == "localhost" ? "127.0.0.1" : options.host, fault);
  if (fault) {
    throw Error(options.host + ": not an address to listen at",
                "127.0.0.1 is for this machine alone, 0.0.0.0 for all that can reach it");
  }
  return {address, options.port};
}

void listen(tcp::acceptor& acceptor, const tcp::endpoint& endpoint) {
  try {
    acceptor.open(endpoint.protocol());
    acceptor.set_option(tcp::acceptor::reuse_address(true));  // what the last run left lingers for a minute
    if (endpoint.protocol() == tcp::v6()) acceptor.set_option(asio::ip::v6_only(true));
    acceptor.bind(endpoint);
    acceptor.listen();
  } catch (const boost::system::system_error& error) {
    const std::string place = in_brackets(endpoint.address()) + ":" + std::to_string(endpoint.port());
    const bool used = error.code() == asio::error::address_in_use;
    const bool denied = error.code() == asio::error::access_denied;
    throw Error(place + ": " + (used ? "another program listens there" : error.code().message()),
                used     ? "--port 0 takes a port that is free"
                : denied ? "ports from 1024 on are for everyone"
                         : "");
  }
}

/// Counts one more while it lives.
class Counted {
 public:
  explicit Counted(std::size_t& count) : count_(count) { ++count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --count_; }

 private:
  std::size_t& count_;
};

/// Among those who wait for a client, for what it sends or for it to take what is sent, while it lives:
/// behind those who have waited longer.
class Waiting {
 public:
  Waiting(std::list<Stream*>& all, Stream& one) : all_(all), one_(all.insert(all.end(), &one)) {}
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() { all_.erase(one_); }

 private:
  std::list<Stream*>& all_;
  std::list<Stream*>::iterator one_;
};

using Parser = http::request_parser<http::string_body>;

HttpRequest request_of(Parser& parser) {
  auto& message = parser.get();
  const auto given = [&](beast::string_view name) -> std::optional<std::string> {
    const auto found = message.find(name);
    if (found == message.end()) return std::nullopt;
    return std::string(found->value());
  };
  return {.method = std::string(message.method_string()),
          .target = std::string(message.target()),
          .body = std::move(message.body()),
          .host = message.count(http::field::host) == 1 ? *given("Host") : "",
          .origin = given("Origin"),
          .fetch_site = given("Sec-Fetch-Site"),
          .content_type = given("Content-Type").value_or("")};
}

http::response<http::string_body> message_of(HttpResponse response) {
  http::response<http::string_body> message{http::int_to_status(response.status), 11};
  message.set(http::field::content_type, response.content.type);
  message.set(http::field::cache_control, "no-store");
  message.set("X-Content-Type-Options", "nosniff");
  message.set("Referrer-Policy", "no-referrer");
  message.set("X-Frame-Options", "DENY");
  message.set("Cross-Origin-Resource-Policy", "same-origin");
  message.set("Content-Security-Policy", "frame-ancestors 'none'");  // a page itself says the rest
  if (!response.allow.empty()) message.set(http::field::allow, response.allow);
  message.body() = std::move(response.content.bytes);
  return message;
}

awaitable<HttpResponse> at_work(const Route& route, const std::string& body) {
  co_return answered(route, body);
}

}  // namespace

/// All but the posts' work is done in the one thread that runs the context.
struct HttpServer::State {
  State(const HttpOptions& given, std::vector<Route> answers) : options(given), routes(std::move(answers)) {
    listen(acceptor, endpoint_of(options));
    place = acceptor.local_endpoint();
    signals.add(SIGINT);
    signals.add(SIGTERM);
    changed.expires_at(asio::steady_timer::time_point::max());
  }

  struct Received {
    HttpRequest request{};
    bool keep_alive = false;
    std::optional<HttpResponse> refusal{};
  };

  awaitable<void> accept();
  awaitable<void> make_room();
  awaitable<void> wait_for_signal();
  awaitable<void> serve(tcp::socket socket, std::unique_ptr<Counted> counted);
  awaitable<bool> converse(Stream& stream, beast::flat_buffer& buffer);
  awaitable<Received> receive(Stream& stream, beast::flat_buffer& buffer);
  awaitable<error_code> read(Stream& stream, beast::flat_buffer& buffer, Parser& parser);
  [[nodiscard]] HttpResponse unreadable(const error_code& fault) const;
  awaitable<HttpResponse> answer(const HttpRequest& request, const Stream& stream);
  awaitable<void> send(Stream& stream, HttpResponse response, bool keep_alive);
  awaitable<void> dismiss(Stream& stream);

  HttpOptions options;
  std::vector<Route> routes;
  asio::io_context context{1};
  tcp::acceptor acceptor{context};
  tcp::endpoint place;
  asio::signal_set signals{context};
  asio::steady_timer changed{context};  ///< connections, or who waits for whom: cancelled then
  std::list<Stream*> listening;         ///< for a request, or its end
  asio::steady_timer patience{context};  ///< with clients that don't take their answers, at the end
  std::list<Stream*> sending;
  std::set<Stream*> untaken;  ///< of those, whose clients took nothing since they were looked at
  std::size_t connections = 0, posts = 0;
  bool stopping = false;
  std::optional<Workers> workers{};  ///< from run() on, which may come after rights were given up
};

awaitable<void> HttpServer::State::accept() {
  constexpr std::chrono::milliseconds kPause{100};  // until a descriptor may be free again
  asio::steady_timer pause(context);
  while (!stopping) {
    error_code fault;
    co_await acceptor.async_wait(tcp::acceptor::wait_read, redirect_error(use_awaitable, fault));
    if (!fault) co_await make_room();
    if (stopping) break;
    tcp::socket socket(context);
    if (!fault) co_await acceptor.async_accept(socket, redirect_error(use_awaitable, fault));
    if (!fault) {
      // Counted at once: it is served only when its turn comes.
      asio::co_spawn(context, serve(std::move(socket), std::make_unique<Counted>(connections)), asio::detached);
    } else if (!stopping) {
      pause.expires_after(kPause);
      co_await pause.async_wait(redirect_error(use_awaitable, fault));
    }
  }
}

/// For one more connection, where there are as many as there may be: whoever has taken longest to ask for
/// something goes, or else those who take nothing of their answers for a while.
awaitable<void> HttpServer::State::make_room() {
  while (!stopping && connections >= options.most_connections) {
    if (!listening.empty()) listening.front()->close();
    untaken = {sending.begin(), sending.end()};
    if (listening.empty() && !sending.empty()) changed.expires_after(options.last_patience);
    error_code aborted;
    co_await changed.async_wait(redirect_error(use_awaitable, aborted));
    for (Stream* const stream : sending) {
      if (!aborted && untaken.contains(stream)) stream->close();
    }
    changed.expires_at(asio::steady_timer::time_point::max());
  }
}

awaitable<void> HttpServer::State::wait_for_signal() {
  error_code ignored;
  co_await signals.async_wait(redirect_error(use_awaitable, ignored));
  signals.clear(ignored);
  stopping = true;
  acceptor.close(ignored);
  changed.cancel();
  for (Stream* const stream : listening) stream->cancel();
  // Who does not take its answer is not waited for; answers that are still to come see for themselves.
  if (sending.empty()) co_return;
  untaken = {sending.begin(), sending.end()};
  patience.expires_after(options.last_patience);
  co_await patience.async_wait(redirect_error(use_awaitable, ignored));
  for (Stream* const stream : sending) {
    if (untaken.contains(stream)) stream->cancel();
  }
}

awaitable<void> HttpServer::State::serve(tcp::socket socket, std::unique_ptr<Counted> counted) {
  try {
    Stream stream(std::move(socket));
    beast::flat_buffer buffer(options.most_header +
                              options.most_body);  // a chunk's header has no other limit
    while (!stopping && co_await converse(stream, buffer)) {
    }
  } catch (const std::exception&) {
    // The client left, or was too slow: there is nobody to tell.
  }
  counted.reset();
  changed.cancel();
}

/// One request and its answer. Returns whether another may follow.
awaitable<bool> HttpServer::State::converse(Stream& stream, beast::flat_buffer& buffer) {
  Received received = co_await receive(stream, buffer);
  if (received.refusal) {
    co_await send(stream, std::move(*received.refusal), false);
    co_await dismiss(stream);
    co_return false;
  }
  HttpResponse response = co_await answer(received.request, stream);
  // Where others wait for a place, nobody keeps one without need.
  const bool keep_alive = received.keep_alive && !stopping && connections < options.most_connections;
  co_await send(stream, std::move(response), keep_alive);
  if (!keep_alive) stream.socket().shutdown(tcp::socket::shutdown_both);
  co_return keep_alive;
}

awaitable<HttpServer::State::Received> HttpServer::State::receive(Stream& stream,
                                                                  beast::flat_buffer& buffer) {
  constexpr std::size_t kFirstBytes = 4096;
  const Waiting listener(listening, stream);
  changed.cancel();
  if (buffer.size() == 0) {
    stream.expires_after(options.idle_timeout);
    const std::size_t size = co_await stream.async_read_some(buffer.prepare(kFirstBytes), use_awaitable);
    buffer.commit(size);
  }
  Parser parser;
  parser.header_limit(static_cast<std::uint32_t>(options.most_header));
  parser.body_limit(options.most_body);
  const error_code fault = co_await read(stream, buffer, parser);
  Received received;
  if (fault) {
    received.refusal = unreadable(fault);
  } else {
    received.keep_alive = parser.get().keep_alive();
    received.request = request_of(parser);
  }
  co_return received;
}

awaitable<error_code> HttpServer::State::read(Stream& stream, beast::flat_buffer& buffer, Parser& parser) {
  error_code fault;
  stream.expires_after(options.read_timeout);
  co_await http::async_read_header(stream, buffer, parser, redirect_error(use_awaitable, fault));
  if (!fault && beast::iequals(parser.get()[http::field::expect], "100-continue")) {
    http::response<http::empty_body> go_on{http::status::continue_, 11};
    co_await http::async_write(stream, go_on, use_awaitable);
  }
  if (!fault) co_await http::async_read(stream, buffer, parser, redirect_error(use_awaitable, fault));
  co_return fault;
}

/// Throws where the connection is at fault, not the request.
HttpResponse HttpServer::State::unreadable(const error_code& fault) const {
  const auto kib = [](std::size_t bytes) { return std::to_string(bytes >> 10) + " KiB"; };
  if (fault == http::error::body_limit) {
    return refused(413, Error("body: longer than " + kib(options.most_body), "take a shorter text"));
  }
  if (fault == http::error::header_limit) {
    return refused(431, Error("header: longer than " + kib(options.most_header)));
  }
  const bool of_request = fault.category() == make_error_code(http::error::bad_method).category();
  if (!of_request || fault == http::error::end_of_stream || fault == http::error::partial_message) {
    throw boost::system::system_error(fault);
  }
  return refused(400, Error("request: not HTTP: " + fault.message()));
}

awaitable<HttpResponse> HttpServer::State::answer(const HttpRequest& request, const Stream& stream) {
  const std::vector<std::string> addresses = {in_brackets(place.address()),
                                              in_brackets(stream.socket().local_endpoint().address())};
  const auto found = route_of(request, routes, host_names(addresses, place.port()));
  if (const auto* const refusal = std::get_if<HttpResponse>(&found)) co_return *refusal;
  const Route& route = *std::get<const Route*>(found);
  if (route.method == "GET") co_return answered(route, request.body);
  if (posts >= options.most_posts) {
    co_return refused(503, Error("server: too many texts are waiting", "try again in a while"));
  }
  const Counted counted(posts);
  co_return co_await asio::co_spawn(workers->context(), at_work(route, request.body), use_awaitable);
}

awaitable<void> HttpServer::State::send(Stream& stream, HttpResponse response, bool keep_alive) {
  http::response<http::string_body> message = message_of(std::move(response));
  message.keep_alive(keep_alive);
  message.prepare_payload();
  const Waiting sender(sending, stream);
  changed.cancel();
  http::response_serializer<http::string_body> serializer(message);
  const auto last = std::chrono::steady_clock::now() + options.write_timeout;
  while (!serializer.is_done()) {
    const auto now = std::chrono::steady_clock::now();
    const auto wait = stopping ? options.last_patience : options.stall_timeout;
    stream.expires_at(std::min(last, now + wait));
    co_await http::async_write_some(stream, serializer, use_awaitable);
    untaken.erase(&stream);
  }
  stream.expires_never();
}

/// Takes what the client still sends, within limits: closed before, it would not get its answer.
awaitable<void> HttpServer::State::dismiss(Stream& stream) {
  constexpr std::size_t kMost = 1 << 20;
  const Waiting listener(listening, stream);
  changed.cancel();
  std::vector<char> piece(kMost >> 4);
  stream.socket().shutdown(tcp::socket::shutdown_send);
  stream.expires_after(options.read_timeout);
  for (std::size_t taken = 0; taken < kMost;) {
    taken += co_await stream.async_read_some(asio::buffer(piece), use_awaitable);
  }
}

HttpServer::HttpServer(const HttpOptions& options, std::vector<Route> routes)
    : state_(std::make_unique<State>(options, std::move(routes))) {}

HttpServer::~HttpServer() = default;

std::string HttpServer::url() const {
  return "http://" + in_brackets(state_->place.address()) + ":" + std::to_string(state_->place.port()) + "/";
}

bool HttpServer::is_open_to_others() const { return !state_->place.address().is_loopback(); }

void HttpServer::run() {
  State& state = *state_;
  state.workers.emplace(state.options.workers);
  asio::co_spawn(state.context, state.accept(), asio::detached);
  asio::co_spawn(state.context, state.wait_for_signal(), asio::detached);
  state.context.run();
  state.workers.reset();
}

}  // namespace attnviz
