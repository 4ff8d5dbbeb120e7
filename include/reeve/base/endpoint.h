#pragma once

// Where a peer is, or where we listen: parsed once, with an error that says what is wrong.

#include <cstdint>
#include <string>
#include <string_view>

#include "reeve/base/result.h"

namespace reeve::base {

/// The address of an HTTP peer: `http://host:port/path`, `https://…` or `unix:///socket`.
struct Endpoint {
  enum class Scheme { http, https, unix_socket };

  Scheme scheme = Scheme::http;
  std::string host;         ///< name or address, no brackets; empty for a unix socket
  std::uint16_t port = 0;   ///< 80 or 443 where the URL names none
  std::string socket_path;  ///< unix sockets only
  std::string path;         ///< the HTTP path

  /// invalid_argument: unknown scheme, no host, bad port, or credentials inside the URL
  /// (they belong in username and password_file, and would show in argv and logs).
  /// An empty path or "/" becomes `default_path`.
  [[nodiscard]] static Result<Endpoint> parse(std::string_view url, std::string_view default_path);

  /// The URL again, fit for a log: it never holds credentials.
  [[nodiscard]] std::string url() const;

  /// `host:port`, an IPv6 address in brackets; empty for a unix socket.
  [[nodiscard]] std::string authority() const;

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

/// Where a listener binds: `host:port`, `[v6]:port`, `:port` (all addresses, dual-stack) or
/// `unix:///socket`.
struct ListenAddress {
  std::string host;  ///< empty: every address
  std::uint16_t port = 0;
  std::string socket_path;

  [[nodiscard]] static Result<ListenAddress> parse(std::string_view text);
  [[nodiscard]] std::string text() const;
  /// True for unix sockets, 127.0.0.0/8, ::1 and localhost.
  [[nodiscard]] bool is_local() const;

  friend bool operator==(const ListenAddress&, const ListenAddress&) = default;
};

}  // namespace reeve::base
