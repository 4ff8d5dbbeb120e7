#pragma once

// A bound, listening socket, and with a unix socket the file that it removes when closed.
// Made while starting up; plain POSIX.

#include <cstdint>
#include <string>

#include <sys/socket.h>
#include <sys/types.h>

#include "reeve/base/endpoint.h"
#include "reeve/base/result.h"

namespace reeve::http {

class ListeningSocket {
 public:
  /// conflict (in use), denied, invalid_argument (no such host, no such folder), internal.
  [[nodiscard]] static base::Result<ListeningSocket> open(const base::ListenAddress& address);
  ListeningSocket(ListeningSocket&& other) noexcept;
  ListeningSocket& operator=(ListeningSocket&& other) = delete;
  ~ListeningSocket();

  /// Gives the descriptor away; the file stays ours.
  [[nodiscard]] int release();
  /// Removes the unix socket's file, unless it is another server's by now.
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
  static base::Result<ListeningSocket> open_unix(const base::ListenAddress& address);
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

}  // namespace reeve::http
