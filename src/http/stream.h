#pragma once

// A client's socket, with or without TLS around it: one type for TCP and unix sockets, so that
// a connection is written once. Everything on the transport's thread.

#include <optional>
#include <string>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace reeve::http {

namespace asio = boost::asio;
using Socket = asio::generic::stream_protocol::socket;
/// An operation's error comes as a value beside its result.
inline constexpr asio::as_tuple_t<asio::use_awaitable_t<>> as_value{};

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
  /// Tells the client that no more will come; it may still send.
  [[nodiscard]] asio::awaitable<void> end();

  /// The client has closed its end, whatever it sent before.
  [[nodiscard]] bool peer_has_left();

  /// Ends whatever is waited for; the connection stays.
  void cancel();
  void close();
  [[nodiscard]] bool is_open() const { return socket_.is_open(); }
  [[nodiscard]] bool is_encrypted() const { return tls_.has_value(); }
  [[nodiscard]] std::vector<std::string> client_names();

 private:
  Socket socket_;
  std::optional<asio::ssl::stream<Socket&>> tls_;
};

}  // namespace reeve::http
