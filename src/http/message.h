#pragma once

// A request and its response as values: handlers are plain functions from one to the other and
// never see the transport. Any thread may read a value; DeferredResponse and StreamWriter are
// handles that two threads share. Below: how the transport writes a response's head.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "http/response_body.h"

namespace reeve::http {

enum class Method { get, head, post, put, del, other };

struct Header {
  std::string name;
  std::string value;
  friend bool operator==(const Header&, const Header&) = default;
};

struct QueryParameter {
  std::string name;
  std::string value;
  friend bool operator==(const QueryParameter&, const QueryParameter&) = default;
};

struct Request {
  Method method = Method::get;
  std::string path;   ///< percent-encoded, as it came; begins with '/'
  std::string query;  ///< what follows '?', as it came
  std::vector<Header> headers;
  std::string body;
  std::string peer;  ///< the client's address without its port; "unix" on a socket
  /// What limits per address count as one: `peer`, or an IPv6 /64, say. Never empty.
  std::string counted_peer;
  bool encrypted = false;
  /// Subject alternative names of a verified client certificate, as alternative_name() writes them.
  std::vector<std::string> client_names;

  /// The first header of that name, in any case.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;
  /// All query parameters, decoded, `+` being a blank; the value of `?name` is "". Nothing if
  /// anything in the query is badly encoded.
  [[nodiscard]] std::optional<std::vector<QueryParameter>> parameters() const;
  /// The value of the first query parameter of that name; nothing if it is absent, or if
  /// parameters() is nothing.
  [[nodiscard]] std::optional<std::string> parameter(std::string_view name) const;
};

using SharedBytes = std::shared_ptr<const std::string>;

struct Response {
  int status = 200;  ///< from 200 to 599; anything else becomes a 500
  /// Content-Length and Connection are the transport's; `Connection: close` is obeyed. A header
  /// that is not well-formed (a line break in its value) is left out.
  std::vector<Header> headers;
  /// Own bytes; bytes (never null) shared with other responses, sent one after the other; deferred:
  /// then the status and headers are those of the response that comes; or streamed (never null; the
  /// connection is closed after it). Not sent on HEAD.
  std::variant<std::string, std::vector<SharedBytes>, DeferredResponse,
               std::shared_ptr<StreamReader>>
      body;
  /// The transport waits this long before it answers, without holding a worker: failed logins.
  std::chrono::milliseconds delay{0};
};

/// May be called on several threads at once, and must return in bounded time: a stop waits for
/// it. An exception is logged and becomes a 500.
using Handler = std::function<Response(const Request&)>;

/// How a request waits for a worker.
struct Queueing {
  std::size_t lane = 0;    ///< of ListenerOptions::workers
  std::string owner = {};  ///< the owners of a lane take turns; empty: none
};

struct HeadResult {
  /// A refusal, or an answer that needs no more than the head: the handler never sees the request.
  std::optional<Response> refusal = std::nullopt;
  Queueing queueing = {};
};

/// Judges a request by its head, before any byte of its body is read. On the transport's thread: it
/// must not wait.
using HeadCheck = std::function<HeadResult(const Request&)>;

// Used by the transport alone; pure. A header that a handler wrote can never end the head.

/// Whether a body may follow this status.
[[nodiscard]] bool has_body(int status);

/// Bytes of the body; 0 for a deferred or a streamed one.
[[nodiscard]] std::size_t body_size(const Response& response);

/// Whether it carries `Connection: close`.
[[nodiscard]] bool asks_to_close(const Response& response);

enum class Persistence { keep_alive, close };

/// How the client sees where the body ends.
enum class Framing { length, chunks, end_of_connection };

/// Status line and headers, with the empty line.
[[nodiscard]] std::string response_head(const Response& response, Persistence persistence,
                                        Framing framing = Framing::length);

/// The transport's own short responses: `text/plain`, one line with the reason, and
/// `Connection: close`.
[[nodiscard]] Response plain_error(int status, std::string_view reason);

}  // namespace reeve::http
