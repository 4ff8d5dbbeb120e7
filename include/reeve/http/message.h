#pragma once

// A request and its response as values: handlers are plain functions from one to the other and
// never see the transport.

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
  /// A query parameter, decoded; "" for `?name`. Nothing if absent or badly encoded.
  [[nodiscard]] std::optional<std::string> parameter(std::string_view name) const;
};

/// Decodes %XX; nothing on a bad escape.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);

using SharedBytes = std::shared_ptr<const std::string>;
struct Response;

/// A response that will be known later. complete() may come from any thread, once; the
/// transport sends `otherwise` if nothing came within `patience`.
class Later {
 public:
  Later(std::chrono::nanoseconds patience, std::function<Response()> otherwise);
  void complete(Response response) const;

  struct State;
  [[nodiscard]] const std::shared_ptr<State>& state() const { return state_; }

 private:
  std::shared_ptr<State> state_;
};

struct Response {
  int status = 200;
  std::vector<Header> headers;
  /// Own bytes; bytes shared with other responses, sent one after the other; or later.
  std::variant<std::string, std::vector<SharedBytes>, Later> body;
  /// Hold the answer back this long, without holding a worker: failed logins.
  std::chrono::milliseconds delay{0};
};

/// May be called on several threads at once. What it throws becomes a 500.
using Handler = std::function<Response(const Request&)>;

}  // namespace reeve::http
