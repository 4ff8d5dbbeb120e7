#include "http/connection.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <boost/asio/post.hpp>

#include "http/deferred_response.h"

namespace reeve::http {
namespace {

using namespace std::chrono_literals;

// A header comes in one piece as a rule; small, so that thousands that wait stay cheap.
constexpr std::size_t head_piece = 1024;
constexpr std::size_t body_piece = 64 * 1024;

// After the last answer, what the client still sends is read and thrown away for a while:
// closing with bytes unread would reset the connection and might destroy the answer.
constexpr std::chrono::milliseconds linger_time = 1s;
constexpr std::size_t linger_bytes = 4 * 1024 * 1024;

constexpr std::chrono::nanoseconds longest_pause = 24h;

// A client that leaves while there is nothing to send it says so in no other way.
constexpr std::chrono::milliseconds between_looks = 500ms;

constexpr std::string_view last_chunk = "0\r\n\r\n";
constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";

std::string framed(const Feed::Outlet::Piece& piece, Framing framing) {
  if (framing != Framing::chunks) {
    return piece.bytes;
  }
  std::string text;
  if (!piece.bytes.empty()) {
    std::array<char, 20> size{};
    text.assign(size.data(), std::to_chars(size.begin(), size.end(), piece.bytes.size(), 16).ptr);
    text.append("\r\n").append(piece.bytes).append("\r\n");
  }
  return piece.last ? text.append(last_chunk) : text;
}

bool is_fed(const Response& response) {
  return std::holds_alternative<std::shared_ptr<Feed::Outlet>>(response.body);
}

Response late_worker() {
  return plain_error(500, "the request took too long");
}

}  // namespace

Connection::Connection(Service& service, Socket socket, SSL* session, PeerAddress peer)
    : service_(service),
      stream_(std::move(socket), session),
      peer_(std::move(peer)),
      place_(service.table.enter(*this, peer_.counted)),
      timer_(*service.io),
      pause_(*service.io) {
  ++service_.open;
}

Connection::~Connection() {
  service_.leave(place_);
}

asio::awaitable<void> Connection::run() {
  arm(service_.options.header_timeout);
  const auto error = co_await stream_.handshake();
  if (error) {
    service_.log.debug("a TLS handshake failed",
                       {{"peer", peer_.text}, {"reason", error.message()}});
    co_return;
  }
  client_names_ = stream_.client_names();
  bool more = true;
  while (more) {
    more = co_await serve_one();
  }
  co_await linger();
}

asio::awaitable<bool> Connection::serve_one() {
  RequestParser parser({service_.options.max_header_bytes, service_.options.max_body_bytes});
  co_await receive(parser);
  Response response;
  Manner manner;
  if (parser.state() == RequestParser::State::complete) {
    underway_ = true;
    service_.table.change(place_, Standing::busy);
    Request request = parser.take();
    manner.with_body = request.method != Method::head;
    response = co_await answer(request);
  } else if (parser.state() == RequestParser::State::refused) {
    response = plain_error(parser.refusal().status, parser.refusal().reason);
  } else if (expired_ && (!input_.empty() || parser.state() == RequestParser::State::body)) {
    response = plain_error(408, "the request did not arrive in time");
  } else {
    stream_.close();  // the client is gone, or never said anything
    co_return false;
  }
  const bool last =
      !parser.keeps_alive() || service_.draining || asks_to_close(response) || is_fed(response);
  manner.persistence = last ? Persistence::close : Persistence::keep_alive;
  manner.chunks = parser.takes_chunks();
  const bool sent = co_await send(response, manner);
  underway_ = false;
  ++served_;
  co_return sent && !last && !service_.draining;
}

asio::awaitable<void> Connection::receive(RequestParser& parser) {
  using State = RequestParser::State;
  bool idle = served_ > 0 && input_.empty();
  if (idle) {
    std::string().swap(input_);  // nothing is held for a client that may not come back
  }
  if (served_ > 0) {
    service_.table.change(place_, Standing::idle);
    arm(idle ? service_.options.idle_timeout : service_.options.header_timeout);
  }
  for (;;) {
    const State before = parser.state();
    const State state = parser.consume(input_);
    if (state == State::complete || state == State::refused) {
      co_return;
    }
    if (state != before) {
      underway_ = true;
      arm(service_.options.body_timeout);
      if (parser.expects_continue() && input_.empty()) {
        const std::vector<asio::const_buffer> bytes{asio::buffer(go_on)};
        static_cast<void>(co_await stream_.write(bytes));
      }
    }
    const bool more = co_await read_some(state);
    if (!more) {
      co_return;
    }
    if (idle) {
      idle = false;
      arm(service_.options.header_timeout);
    }
  }
}

asio::awaitable<bool> Connection::read_some(RequestParser::State state) {
  if (expired_ || !stream_.is_open()) {
    co_return false;
  }
  const std::size_t used = input_.size();
  input_.resize(used + (state == RequestParser::State::body ? body_piece : head_piece));
  const std::size_t size = co_await stream_.read_some(asio::buffer(input_) + used);
  input_.resize(used + size);
  co_return size > 0;
}

asio::awaitable<Response> Connection::answer(Request& request) {
  request.peer = peer_.text;
  request.encrypted = stream_.is_encrypted();
  request.client_names = client_names_;
  Response response;
  if (service_.workers) {
    response = co_await run_on_worker(request);
  } else {
    response = service_.respond(request);
  }
  while (std::holds_alternative<Later>(response.body)) {
    const Later later = std::get<Later>(response.body);
    response = co_await await_later(later, false);
  }
  if (response.delay > 0ms) {
    const std::function<bool()> over = [this] { return service_.draining || !stream_.is_open(); };
    co_await pause(response.delay, over);
  }
  co_return response;
}

asio::awaitable<Response> Connection::run_on_worker(Request& request) {
  const Later result(longest_pause, late_worker);
  const bool queued =
      service_.workers->submit([&service = service_, request = std::move(request), result] {
        result.complete(service.respond(request));
      });
  if (!queued) {
    co_return plain_error(503, "too many requests are waiting");
  }
  co_return co_await await_later(result, true);
}

asio::awaitable<Response> Connection::await_later(const Later& later, bool through_drain) {
  const auto state = later.state();
  state->subscribe([io = service_.io, weak = weak_from_this()] {
    asio::post(*io, [weak] {
      if (const auto self = weak.lock()) {
        self->pause_.cancel();
      }
    });
  });
  const std::function<bool()> over = [&] {
    return state->ready() || !stream_.is_open() || (service_.draining && !through_drain);
  };
  co_await pause(state->patience, over);
  co_return service_.resolve([&] { return state->take(); });
}

asio::awaitable<void> Connection::pause(std::chrono::nanoseconds span,
                                        const std::function<bool()>& over) {
  pause_.expires_after(std::min(span, longest_pause));
  bool waiting = true;
  while (waiting && !over()) {
    const auto [cancelled] = co_await pause_.async_wait(as_value);
    waiting = cancelled.failed();  // somebody says: look again
  }
}

asio::awaitable<bool> Connection::send(const Response& response, const Manner& manner) {
  Framing framing = Framing::length;
  if (is_fed(response)) {
    framing = manner.chunks ? Framing::chunks : Framing::end_of_connection;
  }
  const bool with_body = manner.with_body && has_body(response.status);
  const std::string head = response_head(response, manner.persistence, framing);
  std::vector<asio::const_buffer> bytes{asio::buffer(head)};
  if (with_body) {
    if (const auto* own = std::get_if<std::string>(&response.body)) {
      bytes.push_back(asio::buffer(*own));
    } else if (const auto* shared = std::get_if<std::vector<SharedBytes>>(&response.body)) {
      for (const SharedBytes& segment : *shared) {
        bytes.push_back(asio::buffer(*segment));
      }
    }
  }
  bool sent = co_await write(bytes);
  if (sent && with_body && is_fed(response)) {
    Feed::Outlet& outlet = *std::get<std::shared_ptr<Feed::Outlet>>(response.body);
    sent = co_await send_feed(outlet, framing);
  }
  co_return sent;
}

asio::awaitable<bool> Connection::send_feed(Feed::Outlet& outlet, Framing framing) {
  outlet.subscribe([io = service_.io, weak = weak_from_this()](Feed::State::News news) {
    asio::post(*io, [weak, news] {
      if (const auto self = weak.lock()) {
        self->hear(news);
      }
    });
  });
  for (;;) {
    const auto piece = co_await next_piece(outlet);
    if (!piece) {
      stream_.close();
      co_return false;
    }
    const std::string text = framed(*piece, framing);
    const std::vector<asio::const_buffer> bytes{asio::buffer(text)};
    const bool sent = co_await write(bytes);
    if (!sent || piece->last) {
      co_return sent;
    }
  }
}

asio::awaitable<std::optional<Feed::Outlet::Piece>> Connection::next_piece(Feed::Outlet& outlet) {
  const FeedOptions& options = outlet.options();
  const std::function<bool()> over = [&] {
    return outlet.ready() || service_.draining || !stream_.is_open();
  };
  const auto span = std::min(between_looks, options.heartbeat_interval);
  std::chrono::milliseconds silence{0};
  while (stream_.is_open() && !stream_.peer_has_left()) {
    auto piece = outlet.take();
    if (piece && service_.draining) {
      piece->last = true;  // however much more there would be
    }
    if (!piece || piece->last || !piece->bytes.empty()) {
      co_return piece;
    }
    if (silence >= options.heartbeat_interval && !options.heartbeat.empty()) {
      co_return Feed::Outlet::Piece{options.heartbeat, false};
    }
    co_await pause(span, over);
    silence += span;
  }
  co_return std::nullopt;
}

asio::awaitable<bool> Connection::write(const std::vector<asio::const_buffer>& bytes) {
  arm(service_.options.write_timeout);
  const bool sent = co_await stream_.write(bytes);
  if (!sent) {
    stream_.close();
  }
  co_return sent;
}

asio::awaitable<void> Connection::linger() {
  if (!stream_.is_open()) {
    co_return;
  }
  service_.table.change(place_, Standing::half_open);
  arm(linger_time);
  co_await stream_.end();
  std::size_t thrown_away = 0;
  bool more = true;
  while (more && thrown_away < linger_bytes) {
    thrown_away += input_.size();
    input_.clear();
    more = co_await read_some(RequestParser::State::body);
  }
}

void Connection::close() {
  stream_.close();
  pause_.cancel();
}

void Connection::hear(Feed::State::News news) {
  if (news == Feed::State::News::cut_off) {
    stream_.close();
  }
  pause_.cancel();
}

void Connection::drain() {
  if (underway_) {
    pause_.cancel();
  } else {
    close();
  }
}

void Connection::arm(std::chrono::milliseconds span) {
  expired_ = false;
  timer_.expires_after(span);
  timer_.async_wait([weak = weak_from_this(), armed = ++armed_](auto error) {
    const auto self = error ? nullptr : weak.lock();
    if (self) {
      self->expire(armed);
    }
  });
}

void Connection::expire(std::uint64_t armed) {
  if (armed == armed_) {
    expired_ = true;
    stream_.cancel();
  }
}

}  // namespace reeve::http
