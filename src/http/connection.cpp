#include "http/connection.h"

#include <algorithm>
#include <array>
#include <utility>

#include <boost/asio/post.hpp>
#include <poll.h>

#include "http/tls_context.h"

namespace reeve::http {
namespace {

using namespace std::chrono_literals;

// A head usually comes in one piece; small, so that thousands of waiting connections stay cheap.
constexpr std::size_t head_piece = 1024;
constexpr std::size_t body_piece = std::size_t{16} * 1024;

// A ClientHello has a few hundred bytes.
constexpr std::size_t hello_piece = std::size_t{4} * 1024;

// Written at a time, before others have their turn; less in a crowd, whose turn would be long.
constexpr std::size_t write_piece = std::size_t{64} * 1024;
constexpr std::size_t write_piece_of_crowd = std::size_t{8} * 1024;

// After the last response the client's bytes are read and dropped for a while: closing with bytes
// unread would reset the connection, and the response might be lost.
constexpr std::chrono::milliseconds linger_time = 1s;
constexpr std::size_t linger_bytes = std::size_t{4} * 1024 * 1024;

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

/// The first `size` bytes.
std::vector<asio::const_buffer> first_bytes(const std::vector<asio::const_buffer>& bytes,
                                            std::size_t size) {
  std::vector<asio::const_buffer> first;
  for (auto buffer = bytes.begin(); buffer != bytes.end() && size > 0; ++buffer) {
    first.push_back(asio::buffer(*buffer, size));
    size -= first.back().size();
  }
  return first;
}

/// And the empty buffers behind them.
void drop_first_bytes(std::vector<asio::const_buffer>& bytes, std::size_t size) {
  auto buffer = bytes.begin();
  while (buffer != bytes.end() && size >= buffer->size()) {
    size -= buffer->size();
    ++buffer;
  }
  if (buffer != bytes.end()) {
    *buffer += size;
  }
  bytes.erase(bytes.begin(), buffer);
}

/// Bodies of an owner are bounded apart in each lane: its alerts cannot hold up its actions.
std::string body_owner(const Queueing& queueing) {
  return queueing.owner.empty() ? "" : std::to_string(queueing.lane) + " " + queueing.owner;
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

asio::awaitable<std::size_t> Stream::read_encrypted(asio::mutable_buffer into) {
  const auto [error, size] = co_await socket_.async_read_some(into, as_value);
  co_return error ? 0 : size;
}

asio::awaitable<boost::system::error_code> Stream::handshake(asio::const_buffer first) {
  const auto [error, used] =
      co_await tls_->async_handshake(asio::ssl::stream_base::server, first, as_value);
  static_cast<void>(used);  // the rest is kept by the TLS layer
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

asio::awaitable<std::size_t> Stream::write_some(const std::vector<asio::const_buffer>& bytes) {
  if (tls_) {
    const auto [error, size] = co_await tls_->async_write_some(bytes, as_value);
    co_return error ? 0 : size;
  }
  const auto [error, size] = co_await socket_.async_write_some(bytes, as_value);
  co_return error ? 0 : size;
}

asio::awaitable<void> Stream::end() {
  if (tls_) {
    const auto [error] = co_await tls_->async_shutdown(as_value);
    static_cast<void>(error);  // either way it is over
  }
  boost::system::error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
}

PeerState Stream::peer_state() {
  pollfd client{socket_.native_handle(), POLLRDHUP, 0};
  if (::poll(&client, 1, 0) == 0) {
    return PeerState::open;
  }
  return (client.revents & (POLLERR | POLLHUP | POLLNVAL)) == 0 ? PeerState::ended
                                                                : PeerState::gone;
}

bool Stream::has_input() {
  pollfd client{socket_.native_handle(), POLLIN, 0};
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

SSL* Stream::session() {
  return tls_ ? tls_->native_handle() : nullptr;
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
  if (!stream_.has_input()) {
    listener_.table.change(position_, Phase::reading);
  }
  bool more = co_await shake_hands();
  if (!more) {
    co_return;
  }
  client_names_ = stream_.client_names();
  shaken_hands_ = true;
  while (more) {
    more = co_await serve_one();
  }
  co_await linger();
}

asio::awaitable<bool> Connection::shake_hands() {
  if (!stream_.is_encrypted()) {
    co_return true;
  }
  std::array<char, hello_piece> bytes{};
  const std::size_t size = co_await stream_.read_encrypted(asio::buffer(bytes));
  listener_.table.change(position_, Phase::reading);
  std::function<void()> answered = [this] {
    listener_.table.change(position_, Phase::handshaking);
  };
  on_hello_answered(stream_.session(), &answered);
  boost::system::error_code error = asio::error::eof;
  if (size > 0) {
    const asio::const_buffer first(bytes.data(), size);
    error = co_await stream_.handshake(first);
  }
  on_hello_answered(stream_.session(), nullptr);
  if (error) {
    listener_.log.debug("a TLS handshake failed",
                        {{"peer", peer_.text}, {"reason", error.message()}});
  }
  co_return !error;
}

asio::awaitable<bool> Connection::serve_one() {
  RequestParser parser({listener_.options.max_header_bytes, listener_.options.max_body_bytes});
  co_await receive_head(parser);
  std::optional<Response> response;
  if (parser.state() == RequestParser::State::body) {
    in_request_ = true;
    describe_client(parser.head());
    HeadResult checked = listener_.check(parser.head());
    response = std::move(checked.refusal);
    queueing_ = std::move(checked.queueing);
  }
  const bool unread = response && parser.announces_body();
  const bool with_body = parser.head().method != Method::head;
  if (!response) {
    response = co_await answer(parser);
  }
  if (!response) {
    stream_.close();
    co_return false;
  }
  co_await settle(*response);
  const bool last = !parser.keeps_alive() || unread || listener_.draining || revoked_ ||
                    asks_to_close(*response) || is_streamed(*response);
  const SendOptions options{.persistence = last ? Persistence::close : Persistence::keep_alive,
                            .with_body = with_body,
                            .chunks = parser.takes_chunks()};
  const bool sent = co_await send(*response, options);
  in_request_ = false;
  body_share_.reset();
  ++served_;
  co_return sent && !last && !listener_.draining && !revoked_;
}

asio::awaitable<std::optional<Response>> Connection::answer(RequestParser& parser) {
  using State = RequestParser::State;
  if (parser.state() == State::body) {
    const bool has_room = co_await receive_body(parser);
    if (!has_room) {
      co_return plain_error(503, "too many bodies are being received");
    }
  }
  if (parser.state() == State::complete) {
    listener_.table.change(position_, Phase::answering);
    co_return co_await respond(parser.head());
  }
  if (parser.state() == State::refused) {
    co_return plain_error(parser.error().status, parser.error().reason);
  }
  if (expired_ && (!input_.empty() || parser.state() == State::body)) {
    co_return plain_error(408, "the request did not arrive in time");
  }
  co_return std::nullopt;
}

asio::awaitable<void> Connection::receive_head(RequestParser& parser) {
  bool idle = served_ > 0 && input_.empty();
  if (idle) {
    std::string().swap(input_);  // an idle connection holds no memory
  }
  if (served_ > 0) {
    listener_.table.change(position_, Phase::idle);
    arm(idle ? listener_.options.idle_timeout : listener_.options.header_timeout);
  }
  while (parser.consume_head(input_) == RequestParser::State::head) {
    const bool more = co_await read_some(head_piece);
    if (!more) {
      co_return;
    }
    if (served_ == 0 && parser.consume_head(input_) == RequestParser::State::head) {
      listener_.table.change(position_, Phase::reading);
    }
    if (idle) {
      idle = false;
      arm(listener_.options.header_timeout);
    }
  }
}

asio::awaitable<bool> Connection::receive_body(RequestParser& parser) {
  arm(listener_.options.body_timeout);
  if (parser.expects_continue() && parser.announces_body() && input_.empty()) {
    const std::vector<asio::const_buffer> bytes{asio::buffer(continue_head)};
    static_cast<void>(co_await stream_.write_some(bytes));
  }
  if (parser.announces_body()) {
    listener_.table.change(position_, Phase::reading);
    body_share_ = std::make_shared<BodyBudget::Share>(listener_.bodies, body_owner(queueing_));
  }
  bool more = true;
  while (more && parser.consume(input_) == RequestParser::State::body) {
    if (!body_share_->resize(parser.head().body.size() + body_piece)) {
      co_return false;
    }
    more = co_await read_some(body_piece);
  }
  co_return true;
}

asio::awaitable<bool> Connection::read_some(std::size_t piece) {
  if (expired_ || !stream_.is_open()) {
    co_return false;
  }
  const std::size_t used = input_.size();
  input_.resize(used + piece);
  const std::size_t size = co_await stream_.read_some(asio::buffer(input_) + used);
  input_.resize(used + size);
  co_return size > 0;
}

void Connection::describe_client(Request& request) const {
  request.peer = peer_.text;
  request.counted_peer = peer_.counted.empty() ? peer_.text : peer_.counted;
  request.encrypted = stream_.is_encrypted();
  request.client_names = client_names_;
}

asio::awaitable<Response> Connection::respond(Request& request) {
  request.client_names = client_names_;  // they may be revoked while the body comes
  if (listener_.workers) {
    co_return co_await run_on_worker(request);
  }
  Response response = listener_.respond(request);
  body_share_.reset();
  co_return response;
}

asio::awaitable<void> Connection::settle(Response& response) {
  while (std::holds_alternative<DeferredResponse>(response.body)) {
    const DeferredResponse deferred = std::get<DeferredResponse>(response.body);
    listener_.table.change(position_, Phase::waiting);
    response = co_await await_deferred(deferred, false);
  }
  if (response.delay > 0ms) {
    listener_.table.change(position_, Phase::sending);
    const std::function<bool()> over = [this] { return listener_.draining || !stream_.is_open(); };
    co_await pause(response.delay, over);
  }
}

asio::awaitable<Response> Connection::run_on_worker(Request& request) {
  const DeferredResponse result(longest_pause, late_worker);
  const bool queued = listener_.workers->submit(
      [&listener = listener_, request = std::move(request), result,
       share = std::move(body_share_)] { result.complete(listener.respond(request)); },
      queueing_);
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
  std::chrono::nanoseconds left = deferred.timeout();
  while (left > 0ns && !over()) {
    const auto span = std::min<std::chrono::nanoseconds>(left, disconnect_check_interval);
    co_await pause(span, over);
    left -= span;
    look_at_peer();
  }
  co_return listener_.guard([&] { return deferred.take(); });
}

void Connection::look_at_peer() {
  const PeerState peer = stream_.is_open() ? stream_.peer_state() : PeerState::open;
  if (peer == PeerState::gone) {
    stream_.close();
  } else if (peer == PeerState::ended && position_->phase == Phase::waiting) {
    listener_.table.change(position_, Phase::half_closed);
  }
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
    std::vector<asio::const_buffer> bytes{asio::buffer(text)};
    const bool sent = co_await write(bytes);
    if (!sent || piece->last) {
      co_return sent;
    }
    listener_.table.change(position_, Phase::answering);
  }
}

asio::awaitable<std::optional<StreamReader::Piece>> Connection::next_piece(StreamReader& reader) {
  const StreamOptions& options = reader.options();
  const std::function<bool()> over = [&] {
    return reader.ready() || listener_.draining || revoked_ || !stream_.is_open();
  };
  const auto span = std::min(disconnect_check_interval, options.heartbeat_interval);
  std::chrono::milliseconds silence{0};
  while (stream_.is_open() && stream_.peer_state() == PeerState::open) {
    auto piece = reader.take();
    if (piece && (listener_.draining || revoked_)) {
      piece->last = true;  // the stop, or the revocation, ends the stream
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

asio::awaitable<bool> Connection::write(std::vector<asio::const_buffer>& bytes) {
  arm(listener_.options.write_timeout);
  listener_.table.change(position_, Phase::sending);
  drop_first_bytes(bytes, 0);
  while (!bytes.empty()) {
    const bool in_crowd = listener_.table.is_in_crowd(position_);
    const std::vector<asio::const_buffer> piece =
        first_bytes(bytes, in_crowd ? write_piece_of_crowd : write_piece);
    const std::size_t size = co_await stream_.write_some(piece);
    if (size == 0) {
      stream_.close();
      co_return false;
    }
    listener_.table.note_progress(position_);
    drop_first_bytes(bytes, size);
  }
  co_return true;
}

asio::awaitable<void> Connection::linger() {
  if (!stream_.is_open()) {
    co_return;
  }
  listener_.table.change(position_, Phase::reading);
  std::string().swap(input_);
  arm(linger_time);
  co_await stream_.end();
  std::size_t dropped = 0;
  bool more = true;
  while (more && dropped < linger_bytes && !expired_ && stream_.is_open()) {
    const std::size_t size = co_await stream_.read_some(asio::buffer(listener_.scratch));
    more = size > 0;
    dropped += size;
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

void Connection::recheck_client(const TlsContext& context) {
  if (stream_.session() == nullptr ||
      (shaken_hands_ && context.accepts_client_of(stream_.session()))) {
    return;
  }
  revoked_ = true;
  client_names_.clear();
  if (shaken_hands_) {
    drain();
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
