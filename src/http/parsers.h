#pragma once

// Bytes to messages, as they come: a request for the server, a response for the client. Both are
// bounded in bytes and headers, know no socket, and are driven by one thread: a connection, a test
// or the fuzzer.

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "http/grammar.h"
#include "http/message.h"
#include "reeve/base/result.h"

namespace reeve::http {

struct RequestLimits {
  std::size_t header_bytes;
  std::size_t body_bytes;  ///< 0: not even an empty body in chunks
};

/// Why a request is refused: the transport answers it with this status, without the handler.
struct RequestError {
  int status = 0;
  std::string_view reason;
  friend bool operator==(const RequestError&, const RequestError&) = default;
};

/// Parses one request, strictly: what HTTP/1.1 leaves open to two readings is refused, so that no
/// proxy in front of the server can read it differently (request smuggling).
class RequestParser {
 public:
  enum class State { head, body, complete, refused };

  explicit RequestParser(const RequestLimits& limits) : limits_(limits) {}

  /// Takes what it has parsed from the front of `input`; call again once more was appended.
  /// What is left when complete belongs to the next request.
  State consume(std::string& input);
  /// The same, but takes nothing behind the head.
  State consume_head(std::string& input);

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] const RequestError& error() const { return error_; }
  /// Once the head is parsed: the client waits for a 100 before it sends its body.
  [[nodiscard]] bool expects_continue() const { return expects_continue_; }
  /// Once the head is parsed. HTTP/1.0 never keeps alive here.
  [[nodiscard]] bool keeps_alive() const { return keeps_alive_; }
  /// Once the head is parsed: the client can decode a response in chunks.
  [[nodiscard]] bool takes_chunks() const { return takes_chunks_; }
  /// Once complete. Method, target, headers and body; nothing about the client.
  [[nodiscard]] Request take() { return std::move(request_); }
  /// Once the head is parsed: the request, so far without its body.
  [[nodiscard]] Request& head() { return request_; }
  /// Once the head is parsed: bytes of a body follow it.
  [[nodiscard]] bool announces_body() const { return chunks_ || body_size_ > 0; }

 private:
  void refuse(RequestError error);
  void read_head(std::string& input);
  void parse_head(std::string_view head);
  void read_body(std::string& input);
  void read_chunks(std::string& input);

  RequestLimits limits_;
  State state_ = State::head;
  RequestError error_;
  std::size_t scanned_ = 0;  ///< bytes of the head that scan_head() has seen
  bool skipped_blank_line_ = false;
  bool expects_continue_ = false;
  bool keeps_alive_ = false;
  bool takes_chunks_ = false;
  std::size_t body_size_ = 0;           ///< as announced; unused for a chunked body
  std::optional<ChunkDecoder> chunks_;  ///< of a chunked body
  Request request_;
};

/// A response as the client sees it.
struct ClientResponse {
  unsigned status = 0;
  std::string server;    ///< the Server header
  std::string location;  ///< the Location header
  std::string body;      ///< of a 200 without a consumer; else as ResponseLimits says
};

/// Called with a body piece by piece. False: enough, close.
using BodyConsumer = std::function<bool(std::string_view)>;

struct ResponseLimits {
  /// Of a body that is kept. With a consumer the body may be of any length, and this bounds a
  /// piece.
  std::size_t body_bytes;
  /// supervisord's Content-Length of an XML-RPC answer counts characters, not bytes: if the body of
  /// that length has no `</methodResponse>`, it is read on until it has. Not with a consumer.
  bool length_counts_characters = false;
  /// Of the body of any other status than 200, whose rest is left out; 0: it is not read.
  std::size_t error_body_bytes = 0;
};

/// Parses one response. It knows when the response is complete, so that the client need not wait
/// for the server to close: supervisord says `Connection: close` with a 401 and does not close.
class ResponseParser {
 public:
  /// Without a consumer the body of a 200 is kept; with one it is handed on.
  explicit ResponseParser(const ResponseLimits& limits, BodyConsumer consumer = nullptr);
  ~ResponseParser();
  ResponseParser(ResponseParser&& other) noexcept;

  /// False: nothing more is needed, or there is an error.
  [[nodiscard]] bool feed(std::string_view bytes);
  /// The server has closed the connection.
  void end();

  /// Once feed() returned false or after end(). malformed: not HTTP, or beyond a bound;
  /// unreachable: closed before the response was complete.
  [[nodiscard]] base::Result<ClientResponse> take();

 private:
  struct State;  // keeps Boost out of this header
  std::unique_ptr<State> state_;
};

}  // namespace reeve::http
