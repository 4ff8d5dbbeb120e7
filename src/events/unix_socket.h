#pragma once

// The few calls on unix sockets that relay and agent make. All sockets are non-blocking.

#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "base/descriptor.h"
#include "reeve/base/result.h"

namespace reeve::events {

/// unreachable, socket_missing, invalid_argument (the path is too long for a socket).
[[nodiscard]] base::Result<base::Descriptor> connect_unix(const std::string& path);
/// See RelayServer::listen.
[[nodiscard]] base::Result<base::Descriptor> listen_unix(const std::string& path);

struct Peer {
  pid_t pid = 0;
  uid_t uid = 0;
};
[[nodiscard]] std::optional<Peer> peer_of(const base::Descriptor& connection);

enum class Transfer { done, would_block, closed };
struct Sent {
  Transfer transfer = Transfer::done;
  std::size_t bytes = 0;
};
/// As much as goes now.
[[nodiscard]] Sent send_some(const base::Descriptor& connection, std::string_view bytes);
/// Replaces `into` with what is there, at most 64 KiB.
[[nodiscard]] Transfer receive_some(const base::Descriptor& connection, std::string& into);

}  // namespace reeve::events
