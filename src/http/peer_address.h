#pragma once

// Who is at the other end, as handlers see it and as the limit per address counts it.

#include <string>

#include <sys/socket.h>

namespace reeve::http {

struct PeerAddress {
  std::string text;     ///< without port; "unix" on a unix socket
  std::string counted;  ///< an IPv6 /64 is one site; empty: not counted
  friend bool operator==(const PeerAddress&, const PeerAddress&) = default;
};

/// An IPv4 address that came in over a dual-stack socket is shown as IPv4.
[[nodiscard]] PeerAddress peer_address(const sockaddr& name);

}  // namespace reeve::http
