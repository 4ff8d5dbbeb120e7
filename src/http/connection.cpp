#include "http/connection.h"

#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <poll.h>

#include "http/tls_context.h"

namespace reeve::http {
namespace {

using namespace std::chrono_literals;

// A head usually comes in one piece; small, so that thousands of waiting connections stay cheap.
constexpr std::size_t head_piece = 1024;
constexpr std::size_t body_piece = 64 * 1024;

// After the last response the client's bytes are read and dropped for a while: closing with bytes
// unread would reset the connection, and the response might be lost.
constexpr std::chrono::milliseconds linger_time = 1s;
constexpr std::size_t linger_bytes = 4 * 1024 * 1024;

constexpr std::chrono::nanoseconds longest_pause = 24h;

// While there is nothing to send, a client that disconnects is noticed only by looking.
constexpr std::chrono::milliseconds disconnect_check_interval = 500ms;

constexpr std::string_view continue_head = "HTTP/1.1 100 Continue\r\n\r\n";

std::string framed(const StreamReader::Piece& piece, Framing framing) {
  if (framing != Framing::chunks) {
    return piece.bytes;
  }
  std::string text = encode_chunk(piece.bytes);
  return piece.last ? text.append(last_chunk) : text;
}

bool is_streamed(const Response& response) {
  return std::holds_alternative<std::shared_ptr<StreamReader>>(response.body);
}

Response late_worker() {
  return plain_error(500, "the request took too long");
}

}  // namespace

Stream::Stream(Socket socket, SSL* session) : socket_(std::move(socket)) {
  if (session != nullptr) {
    tls_.emplace(socket_, session);
  }
}

asio::awaitable<boost::system::error_code> Stream::handshake() {
  if (!tls_) {
    co_return boost::system::error_code();
  }
  const auto [error] = co_await tls_->async_handshake(asio::ssl::stream_base::server, as_value);
  co_return error;
}

asio::awaitable<std::size_t> Stream::read_some(asio::mutable_buffer into) {
  if (tls_) {
    const auto [error, size] = co_await tls_->async_read_some(into, as_value);
    co_return error ? 0 : size;
  }
  const auto [error, size] = co_await socket_.async_read_some(into, as_value);
  co_return error ? 0 : size;
}

asio::awaitable<bool> Stream::write(const std::vector<asio::const_buffer>& bytes) {
  if (tls_) {
    const auto [error, size] = co_await asio::async_write(*tls_, bytes, as_value);
    co_return !error && size == asio::buffer_size(bytes);
  }
  const auto [error, size] = co_await asio::async_write(socket_, bytes, as_value);
  co_return !error && size == asio::buffer_size(bytes);
}

asio::awaitable<void> Stream::end() {
  if (tls_) {
    const auto [error] = co_await tls_->async_shutdown(as_value);
    static_cast<void>(error);  // either way it is over
  }
  boost::system::error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
}

bool Stream::peer_has_left() {
  pollfd client{socket_.native_handle(), POLLRDHUP, 0};
  return ::poll(&client, 1, 0) != 0;
}

void Stream::cancel() {
  boost::system::error_code ignored;
  socket_.cancel(ignored);
}

void Stream::close() {
  boost::system::error_code ignored;
  socket_.close(ignored);
}

std::vector<std::string> Stream::client_names() {
  return tls_ ? http::client_names(tls_->native_handle()) : std::vector<std::string>();
}

Connection::Connection(ListenerState& listener, Socket socket, SSL* session, PeerAddress peer)
    : listener_(listener),
      stream_(std::move(socket), session),
      peer_(std::move(peer)),
      position_(listener.table.add(*this, peer_.counted)),
      timer_(*listener.io),
      pause_(*listener.io) {
  ++listener_.open;
}

Connection::~Connection() {
  listener_.remove(position_);
}

asio::awaitable<void> Connection::run() {
  arm(listener_.options.header_timeout);
  const auto error = co_await stream_.handshake();
  if (error) {
    listener_.log.debug("a TLS handshake failed",
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
  RequestParser parser({listener_.options.max_header_bytes, listener_.options.max_body_bytes});
  co_await receive(parser);
  Response response;
  SendOptions options;
  if (parser.state() == RequestParser::State::complete) {
    in_request_ = true;
    listener_.table.change(position_, Phase::answering);
    Request request = parser.take();
    options.with_body = request.method != Method::head;
    response = co_await answer(request);
  } else if (parser.state() == RequestParser::State::refused) {
    response = plain_error(parser.error().status, parser.error().reason);
  } else if (expired_ && (!input_.empty() || parser.state() == RequestParser::State::body)) {
    response = plain_error(408, "the request did not arrive in time");
  } else {
    stream_.close();  // the client is gone, or never sent a byte
    co_return false;
  }
  const bool last = !parser.keeps_alive() || listener_.draining || asks_to_close(response) ||
                    is_streamed(response);
  options.persistence = last ? Persistence::close : Persistence::keep_alive;
  options.chunks = parser.takes_chunks();
  const bool sent = co_await send(response, options);
  in_request_ = false;
  ++served_;
  co_return sent && !last && !listener_.draining;
}

asio::awaitable<void> Connection::receive(RequestParser& parser) {
  using State = RequestParser::State;
  bool idle = served_ > 0 && input_.empty();
  if (idle) {
    std::string().swap(input_);  // an idle connection holds no memory
  }
  if (served_ > 0) {
    listener_.table.change(position_, Phase::idle);
    arm(idle ? listener_.options.idle_timeout : listener_.options.header_timeout);
  }
  for (;;) {
    const State before = parser.state();
    const State state = parser.consume(input_);
    if (state == State::complete || state == State::refused) {
      co_return;
    }
    if (state != before) {
      in_request_ = true;
      arm(listener_.options.body_timeout);
      if (parser.expects_continue() && input_.empty()) {
        const std::vector<asio::const_buffer> bytes{asio::buffer(continue_head)};
        static_cast<void>(co_await stream_.write(bytes));
      }
    }
    const bool more = co_await read_some(state);
    if (!more) {
      co_return;
    }
    if (idle) {
      idle = false;
      arm(listener_.options.header_timeout);
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
  if (listener_.workers) {
    response = co_await run_on_worker(request);
  } else {
    response = listener_.respond(request);
  }
  while (std::holds_alternative<DeferredResponse>(response.body)) {
    const DeferredResponse deferred = std::get<DeferredResponse>(response.body);
    response = co_await await_deferred(deferred, false);
  }
  if (response.delay > 0ms) {
    const std::function<bool()> over = [this] { return listener_.draining || !stream_.is_open(); };
    co_await pause(response.delay, over);
  }
  co_return response;
}

asio::awaitable<Response> Connection::run_on_worker(Request& request) {
  const DeferredResponse result(longest_pause, late_worker);
  const bool queued =
      listener_.workers->submit([&listener = listener_, request = std::move(request), result] {
        result.complete(listener.respond(request));
      });
  if (!queued) {
    co_return plain_error(503, "too many requests are waiting");
  }
  co_return co_await await_deferred(result, true);
}

asio::awaitable<Response> Connection::await_deferred(const DeferredResponse& deferred,
                                                     bool through_drain) {
  deferred.subscribe([io = listener_.io, weak = weak_from_this()] {
    asio::post(*io, [weak] {
      if (const auto self = weak.lock()) {
        self->pause_.cancel();
      }
    });
  });
  const std::function<bool()> over = [&] {
    return deferred.ready() || !stream_.is_open() || (listener_.draining && !through_drain);
  };
  co_await pause(deferred.timeout(), over);
  co_return listener_.guard([&] { return deferred.take(); });
}

asio::awaitable<void> Connection::pause(std::chrono::nanoseconds span,
                                        const std::function<bool()>& over) {
  pause_.expires_after(std::min(span, longest_pause));
  bool waiting = true;
  while (waiting && !over()) {
    const auto [cancelled] = co_await pause_.async_wait(as_value);
    waiting = cancelled.failed();  // cancelled: over() may have changed
  }
}

asio::awaitable<bool> Connection::send(const Response& response, const SendOptions& options) {
  Framing framing = Framing::length;
  if (is_streamed(response)) {
    framing = options.chunks ? Framing::chunks : Framing::end_of_connection;
  }
  const bool with_body = options.with_body && has_body(response.status);
  const std::string head = response_head(response, options.persistence, framing);
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
  if (sent && with_body && is_streamed(response)) {
    StreamReader& reader = *std::get<std::shared_ptr<StreamReader>>(response.body);
    sent = co_await send_stream(reader, framing);
  }
  co_return sent;
}

asio::awaitable<bool> Connection::send_stream(StreamReader& reader, Framing framing) {
  reader.subscribe([io = listener_.io, weak = weak_from_this()](StreamReader::Change change) {
    asio::post(*io, [weak, change] {
      if (const auto self = weak.lock()) {
        self->react_to(change);
      }
    });
  });
  for (;;) {
    const auto piece = co_await next_piece(reader);
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

asio::awaitable<std::optional<StreamReader::Piece>> Connection::next_piece(StreamReader& reader) {
  const StreamOptions& options = reader.options();
  const std::function<bool()> over = [&] {
    return reader.ready() || listener_.draining || !stream_.is_open();
  };
  const auto span = std::min(disconnect_check_interval, options.heartbeat_interval);
  std::chrono::milliseconds silence{0};
  while (stream_.is_open() && !stream_.peer_has_left()) {
    auto piece = reader.take();
    if (piece && listener_.draining) {
      piece->last = true;  // the stop ends the stream
    }
    if (!piece || piece->last || !piece->bytes.empty()) {
      co_return piece;
    }
    if (silence >= options.heartbeat_interval && !options.heartbeat.empty()) {
      co_return StreamReader::Piece{options.heartbeat, false};
    }
    co_await pause(span, over);
    silence += span;
  }
  co_return std::nullopt;
}

asio::awaitable<bool> Connection::write(const std::vector<asio::const_buffer>& bytes) {
  arm(listener_.options.write_timeout);
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
  listener_.table.change(position_, Phase::reading);
  arm(linger_time);
  co_await stream_.end();
  std::size_t dropped = 0;
  bool more = true;
  while (more && dropped < linger_bytes) {
    dropped += input_.size();
    input_.clear();
    more = co_await read_some(RequestParser::State::body);
  }
}

void Connection::close() {
  stream_.close();
  pause_.cancel();
}

void Connection::react_to(StreamReader::Change change) {
  if (change == StreamReader::Change::overflow) {
    stream_.close();
  }
  pause_.cancel();
}

void Connection::drain() {
  if (in_request_) {
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
