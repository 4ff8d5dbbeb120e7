#pragma once

// A request and its response as values: handlers are plain functions from one to the other and
// never see the transport. Values: any thread may read them; only Later and Feed are shared by two.

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

#include "http/stream_writer.h"

namespace reeve::http {

enum class Method { get, head, post, put, del, other };

struct Header {
  std::string name;
  std::string value;
  friend bool operator==(const Header&, const Header&) = default;
};

struct Request {
  Method method = Method::get;
  std::string path;   ///< percent-encoded, as it came; begins with '/'
  std::string query;  ///< what follows '?', as it came
  std::vector<Header> headers;
  std::string body;
  std::string peer;  ///< the client's address without its port; "unix" on a socket
  bool encrypted = false;
  /// Subject alternative names (dns:, ip:, uri:, email: values without prefix) of a verified
  /// client certificate.
  std::vector<std::string> client_names;

  /// The first header of that name, in any case.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;
  /// The first query parameter of that name, decoded, `+` being a blank; "" for `?name`. Nothing
  /// if it is absent, or if anything in the query is badly encoded.
  [[nodiscard]] std::optional<std::string> parameter(std::string_view name) const;
};

/// RFC 9110's words for a status; empty for one that is not sent here, as a phrase may be.
[[nodiscard]] std::string_view reason_phrase(int status);

/// Decodes %XX; nothing on a bad escape.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);

using SharedBytes = std::shared_ptr<const std::string>;
struct Response;

/// A response that will be known later, for which the transport waits without holding a worker.
/// Copies are handles of the same. If nothing came within `patience`, or the server stops, the
/// client gets what `otherwise` makes, on the transport's thread: it must return quickly.
class Later {
 public:
  Later(std::chrono::nanoseconds patience, std::function<Response()> otherwise);
  /// From any thread, at any time, the server's end included. The first one counts; one that
  /// comes too late is dropped.
  void complete(Response response) const;

  struct State;  // src/http/later.h
  [[nodiscard]] const std::shared_ptr<State>& state() const { return state_; }

 private:
  std::shared_ptr<State> state_;
};

struct Response {
  int status = 200;  ///< from 200 to 599; anything else becomes a 500
  /// Content-Length and Connection are the transport's; `Connection: close` is obeyed. A header
  /// that is not well-formed (a line break in its value) is left out.
  std::vector<Header> headers;
  /// Own bytes; bytes (never null) shared with other responses, sent one after the other; or later:
  /// then the status and headers are those of the response that comes. Or fed while it is sent
  /// (never null; the connection is closed after it). Not sent on HEAD.
  std::variant<std::string, std::vector<SharedBytes>, Later, std::shared_ptr<Feed::Outlet>> body;
  /// Hold the answer back this long, without holding a worker: failed logins.
  std::chrono::milliseconds delay{0};
};

/// May be called on several threads at once, and must return in bounded time: a stop waits for
/// it. What it throws is logged and becomes a 500.
using Handler = std::function<Response(const Request&)>;

}  // namespace reeve::http
