#pragma once

// One client, from handshake to end: a coroutine that reads a request, obtains its response, writes
// it, and continues with the next request. A single timer holds the deadline of the operation in
// progress. Everything on the transport's thread; owned by its coroutine alone.
//
// Coroutines here take references to objects in the frame of the one that awaits them: g++ 12
// destroys a temporary twice that is passed inside a co_await expression.

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "http/listener_state.h"
#include "http/listening_socket.h"
#include "http/parsers.h"

namespace reeve::http {

namespace asio = boost::asio;
using Socket = asio::generic::stream_protocol::socket;
/// An operation's error comes as a value beside its result.
inline constexpr asio::as_tuple_t<asio::use_awaitable_t<>> as_value{};

enum class PeerState {
  open,
  ended,  ///< it sends no more: its side was shut down, or it has left
  gone,   ///< the connection was reset, or closed from both sides
};

/// A client's socket, with or without TLS around it: one type for TCP and unix sockets.
class Stream {
 public:
  /// `session`: null without TLS; owned by the stream.
  Stream(Socket socket, SSL* session);
  Stream(const Stream&) = delete;  // the TLS layer refers to the socket
  Stream& operator=(const Stream&) = delete;

  /// With TLS: the client's first bytes, as they came; 0 likewise.
  [[nodiscard]] asio::awaitable<std::size_t> read_encrypted(asio::mutable_buffer into);
  /// With TLS, beginning with these bytes.
  [[nodiscard]] asio::awaitable<boost::system::error_code> handshake(asio::const_buffer first);
  /// Bytes read; 0 at the end, on an error, and when cancelled.
  [[nodiscard]] asio::awaitable<std::size_t> read_some(asio::mutable_buffer into);
  /// Bytes written, at least one; 0 on an error and when cancelled.
  [[nodiscard]] asio::awaitable<std::size_t> write_some(
      const std::vector<asio::const_buffer>& bytes);
  /// Shuts the sending side down; the client may still send.
  [[nodiscard]] asio::awaitable<void> end();

  /// What is known of the client's end, whatever it sent before.
  [[nodiscard]] PeerState peer_state();
  /// A read would return at once.
  [[nodiscard]] bool has_input();

  /// Ends the operation in progress; the connection stays open.
  void cancel();
  void close();
  [[nodiscard]] bool is_open() const { return socket_.is_open(); }
  [[nodiscard]] bool is_encrypted() const { return tls_.has_value(); }
  [[nodiscard]] std::vector<std::string> client_names();
  /// Null without TLS.
  [[nodiscard]] SSL* session();

 private:
  Socket socket_;
  std::optional<asio::ssl::stream<Socket&>> tls_;
};

class Connection final : public ManagedConnection, public std::enable_shared_from_this<Connection> {
 public:
  /// `listener` outlives it. `session`: null without TLS; owned by the connection.
  Connection(ListenerState& listener, Socket socket, SSL* session, PeerAddress peer);
  ~Connection() override;

  /// Runs until the end of the connection; throws std::bad_alloc alone.
  [[nodiscard]] asio::awaitable<void> run();
  void close() override;
  void drain() override;
  void recheck_client(const TlsContext& context) override;

 private:
  using Phase = ConnectionTable::Phase;

  /// How a response is sent.
  struct SendOptions {
    Persistence persistence = Persistence::close;
    bool with_body = true;
    bool chunks = false;  ///< the client can decode a body of unknown length in chunks
  };

  /// False: the TLS handshake failed. Nothing to do without TLS.
  [[nodiscard]] asio::awaitable<bool> shake_hands();
  [[nodiscard]] asio::awaitable<bool> serve_one();
  [[nodiscard]] asio::awaitable<void> receive_head(RequestParser& parser);
  /// False: the listener holds as many bytes of bodies as it may.
  [[nodiscard]] asio::awaitable<bool> receive_body(RequestParser& parser);
  [[nodiscard]] asio::awaitable<bool> read_some(std::size_t piece);
  /// The response to a request that was received as far as it is read; nothing if the client is
  /// gone, or never sent a byte.
  [[nodiscard]] asio::awaitable<std::optional<Response>> answer(RequestParser& parser);
  [[nodiscard]] asio::awaitable<Response> respond(Request& request);
  void describe_client(Request& request) const;
  [[nodiscard]] asio::awaitable<Response> run_on_worker(Request& request);
  /// Waits until a deferred response is known and a delayed one is due.
  [[nodiscard]] asio::awaitable<void> settle(Response& response);
  [[nodiscard]] asio::awaitable<Response> await_deferred(const DeferredResponse& deferred,
                                                         bool through_drain);
  /// Closes the connection of a client that is gone; who has ended its side can still read.
  void look_at_peer();
  [[nodiscard]] asio::awaitable<void> pause(std::chrono::nanoseconds span,
                                            const std::function<bool()>& over);
  [[nodiscard]] asio::awaitable<bool> send(const Response& response, const SendOptions& options);
  [[nodiscard]] asio::awaitable<bool> send_stream(StreamReader& reader, Framing framing);
  /// Waits for bytes to send; nothing if the client is gone or the stream is disconnected.
  [[nodiscard]] asio::awaitable<std::optional<StreamReader::Piece>> next_piece(
      StreamReader& reader);
  /// All of it, or false; a piece of bounded size at a time, between which others have their turn.
  [[nodiscard]] asio::awaitable<bool> write(std::vector<asio::const_buffer>& bytes);
  [[nodiscard]] asio::awaitable<void> linger();

  void react_to(StreamReader::Change change);

  /// Sets a new total deadline for the operations that follow.
  void arm(std::chrono::milliseconds span);
  void expire(std::uint64_t armed);

  ListenerState& listener_;
  Stream stream_;
  PeerAddress peer_;
  std::vector<std::string> client_names_;
  ConnectionTable::Position position_;
  asio::steady_timer timer_;  ///< the deadline of the operation in progress
  asio::steady_timer pause_;  ///< while waiting for the response
  std::uint64_t armed_ = 0;   ///< to ignore the expiry of a timer that was re-armed since
  bool expired_ = false;
  bool shaken_hands_ = false;
  bool revoked_ = false;     ///< the client is no longer vouched for: ends with this response
  bool in_request_ = false;  ///< a request's head was parsed, and it is not answered yet
  Queueing queueing_;        ///< of the request in progress
  std::uint64_t served_ = 0;
  std::string input_;
  std::shared_ptr<BodyBudget::Share> body_share_;  ///< of the request in progress
};

}  // namespace reeve::http
