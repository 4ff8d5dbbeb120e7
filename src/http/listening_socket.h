#pragma once

// A bound, listening socket of TCP or a unix socket, and who is at the other end of a connection.
// A unix socket's file is removed when the socket is closed, unless another server has replaced it.
// Plain POSIX, non-blocking. open_unix() changes the umask: call it before the first thread.

#include <cstdint>
#include <optional>
#include <string>

#include <sys/socket.h>
#include <sys/types.h>

#include "reeve/base/endpoint.h"
#include "reeve/base/result.h"

namespace reeve::http {

class ListeningSocket {
 public:
  /// conflict (in use), denied, invalid_argument (no such host, no such folder), internal.
  /// A unix socket gets mode 0660.
  [[nodiscard]] static base::Result<ListeningSocket> open(const base::ListenAddress& address);
  /// The socket file has `mode` from its first moment. A file that a server left behind is
  /// replaced; one that is in use, or no stream socket, is a conflict.
  [[nodiscard]] static base::Result<ListeningSocket> open_unix(const std::string& path,
                                                               mode_t mode);
  /// A listening socket that another program has opened. invalid_argument: it is none.
  [[nodiscard]] static base::Result<ListeningSocket> adopt(int descriptor);
  ListeningSocket(ListeningSocket&& other) noexcept;
  ListeningSocket& operator=(ListeningSocket&& other) = delete;
  ~ListeningSocket();

  /// Gives the descriptor away, but not the file.
  [[nodiscard]] int release();
  [[nodiscard]] int descriptor() const { return descriptor_; }
  /// Removes the unix socket's file, unless another server has replaced it.
  void remove_file();
  [[nodiscard]] int family() const { return family_; }
  /// As bound; 0 on a unix socket.
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  /// A name in the kernel's form.
  struct Name {
    sockaddr_storage bytes{};
    socklen_t size = 0;
  };

  explicit ListeningSocket(int family);
  ListeningSocket(int family, int descriptor) : family_(family), descriptor_(descriptor) {}
  static base::Result<ListeningSocket> open_every_address(const base::ListenAddress& address);
  static base::Result<ListeningSocket> open_host(const base::ListenAddress& address);
  /// An error number, or 0.
  [[nodiscard]] int listen_on(const Name& name);
  void remember_file(const std::string& path);
  void remember_port();

  int family_;
  int descriptor_;
  std::uint16_t port_ = 0;
  std::string path_;  ///< of the file that this socket made
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

/// The other end of a connection, as handlers see it and as the limit per address counts it.
struct PeerAddress {
  std::string text;     ///< without port; "unix" on a unix socket
  std::string counted;  ///< an IPv6 /64 is one site, loopback another; empty: not counted
  friend bool operator==(const PeerAddress&, const PeerAddress&) = default;
};

/// An IPv4 address that came in over a dual-stack socket is shown as IPv4.
[[nodiscard]] PeerAddress peer_address(const sockaddr& name);

/// Bounds what the kernel keeps for a connection, of either side's bytes: left alone, it grows to
/// megabytes.
void bound_buffers(int socket);

/// The process at the other end of a unix socket's connection, as the kernel knows it.
struct PeerProcess {
  pid_t pid = 0;
  uid_t uid = 0;
};
[[nodiscard]] std::optional<PeerProcess> peer_process(int connection);

}  // namespace reeve::http
