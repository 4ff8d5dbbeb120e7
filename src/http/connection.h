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

/// A client's socket, with or without TLS around it: one type for TCP and unix sockets.
class Stream {
 public:
  /// `session`: null without TLS; owned by the stream.
  Stream(Socket socket, SSL* session);
  Stream(const Stream&) = delete;  // the TLS layer refers to the socket
  Stream& operator=(const Stream&) = delete;

  /// Nothing to do without TLS.
  [[nodiscard]] asio::awaitable<boost::system::error_code> handshake();
  /// Bytes read; 0 at the end, on an error, and when cancelled.
  [[nodiscard]] asio::awaitable<std::size_t> read_some(asio::mutable_buffer into);
  /// All of it, or false.
  [[nodiscard]] asio::awaitable<bool> write(const std::vector<asio::const_buffer>& bytes);
  /// Shuts the sending side down; the client may still send.
  [[nodiscard]] asio::awaitable<void> end();

  /// The client has closed its end, whatever it sent before.
  [[nodiscard]] bool peer_has_left();

  /// Ends the operation in progress; the connection stays open.
  void cancel();
  void close();
  [[nodiscard]] bool is_open() const { return socket_.is_open(); }
  [[nodiscard]] bool is_encrypted() const { return tls_.has_value(); }
  [[nodiscard]] std::vector<std::string> client_names();

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

 private:
  using Phase = ConnectionTable::Phase;

  /// How a response is sent.
  struct SendOptions {
    Persistence persistence = Persistence::close;
    bool with_body = true;
    bool chunks = false;  ///< the client can decode a body of unknown length in chunks
  };

  [[nodiscard]] asio::awaitable<bool> serve_one();
  [[nodiscard]] asio::awaitable<void> receive(RequestParser& parser);
  [[nodiscard]] asio::awaitable<bool> read_some(RequestParser::State state);
  [[nodiscard]] asio::awaitable<Response> answer(Request& request);
  [[nodiscard]] asio::awaitable<Response> run_on_worker(Request& request);
  [[nodiscard]] asio::awaitable<Response> await_deferred(const DeferredResponse& deferred,
                                                         bool through_drain);
  [[nodiscard]] asio::awaitable<void> pause(std::chrono::nanoseconds span,
                                            const std::function<bool()>& over);
  [[nodiscard]] asio::awaitable<bool> send(const Response& response, const SendOptions& options);
  [[nodiscard]] asio::awaitable<bool> send_stream(StreamReader& reader, Framing framing);
  /// Waits for bytes to send; nothing if the client is gone or the stream is disconnected.
  [[nodiscard]] asio::awaitable<std::optional<StreamReader::Piece>> next_piece(
      StreamReader& reader);
  [[nodiscard]] asio::awaitable<bool> write(const std::vector<asio::const_buffer>& bytes);
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
  bool in_request_ = false;  ///< a request's head was parsed, and it is not answered yet
  std::uint64_t served_ = 0;
  std::string input_;
};

}  // namespace reeve::http
