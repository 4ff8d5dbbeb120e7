#pragma once

// A client that can behave badly: plain POSIX, byte by byte if need be. Every wait of it is
// bounded, so that a server that hangs fails a test and does not stop it.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace reeve::http {

class RawClient {
 public:
  explicit RawClient(std::uint16_t port);
  explicit RawClient(const std::string& socket_path);
  RawClient(RawClient&& other) noexcept;
  RawClient& operator=(RawClient&&) = delete;
  ~RawClient();

  [[nodiscard]] bool is_connected() const { return connected_; }
  /// False once the server has closed.
  bool send(std::string_view bytes) const;
  void send_end() const;
  /// What comes until the text ends with `end`, the server closes, or five seconds pass.
  [[nodiscard]] std::string receive_until(std::string_view end) const;
  /// All that comes until the server closes; "…" at the end if it did not.
  [[nodiscard]] std::string receive_all() const;
  /// Whether the server has closed, without waiting; throws away what came before.
  [[nodiscard]] bool is_closed() const;
  /// One request with keep-alive and its whole answer with a body that ends with `end`.
  [[nodiscard]] std::string get(std::string_view path, std::string_view end) const;
  void close();

 private:
  int descriptor_;
  bool connected_;
};

}  // namespace reeve::http
