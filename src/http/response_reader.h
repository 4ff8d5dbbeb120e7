#pragma once

// An HTTP answer, read from bytes as they come; no sockets here. It knows when it has enough,
// so that nobody waits for a peer to close: supervisord says `Connection: close` with a 401 and
// does not close. One reader reads one answer, on one thread.

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "reeve/base/result.h"

namespace reeve::http {

struct HttpAnswer {
  unsigned status = 0;
  std::string server;    ///< the Server header
  std::string location;  ///< the Location header
  std::string body;      ///< of a 200 alone
};

/// Who takes a body that is not kept, piece by piece. False: enough.
using BodyConsumer = std::function<bool(std::string_view)>;

class HttpReader {
 public:
  /// Without a consumer the whole body of a 200 is kept: an XML-RPC answer of at most
  /// `max_body_bytes`. If fewer bytes than that answer has were announced, as by supervisord when
  /// it counts characters, it reads on until the answer's end. With a consumer the body of a 200
  /// is handed on and may be of any length; the bound then holds for a piece of it.
  explicit HttpReader(std::size_t max_body_bytes, BodyConsumer consumer = nullptr);
  ~HttpReader();
  HttpReader(HttpReader&& other) noexcept;

  /// Takes what has come. False: nothing more is needed, or there is an error.
  [[nodiscard]] bool feed(std::string_view bytes);
  /// The peer has closed.
  void end();

  /// Once feed() said false or after end(). malformed: not HTTP, or beyond a bound; unreachable:
  /// closed before the answer was whole.
  [[nodiscard]] base::Result<HttpAnswer> take();

 private:
  struct State;  // keeps Boost out of this header
  std::unique_ptr<State> state_;
};

}  // namespace reeve::http
