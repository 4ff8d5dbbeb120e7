#include "events/unix_socket.h"

#include <cerrno>
#include <cstring>
#include <system_error>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace reeve::events {

using base::Descriptor;
using base::ErrorKind;
using base::failure;
using base::Result;

namespace {

constexpr int backlog = 16;

tl::unexpected<base::Error> socket_failure(const std::string& doing, int error_number) {
  ErrorKind kind = ErrorKind::unreachable;
  if (error_number == EACCES || error_number == EPERM || error_number == EROFS) {
    kind = ErrorKind::denied;
  } else if (error_number == EMFILE || error_number == ENFILE || error_number == ENOMEM) {
    kind = ErrorKind::internal;
  }
  return failure(kind, doing + ": " + std::generic_category().message(error_number));
}

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return failure(ErrorKind::invalid_argument,
                   "'" + path + "' cannot be the path of a socket: it must have 1 to " +
                       std::to_string(sizeof address.sun_path - 1) + " bytes");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

Descriptor new_socket() {
  return Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

/// Removes a socket that nobody listens on any more.
Result<void> clear_the_place(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    return {};
  }
  if (!S_ISSOCK(status.st_mode)) {
    return failure(ErrorKind::conflict, path + " is there already and is no socket");
  }
  const auto listener = connect_unix(path);
  if (listener || listener.error().kind != ErrorKind::unreachable) {
    return failure(ErrorKind::conflict,
                   "something listens on " + path + " already: is another agent running?");
  }
  ::unlink(path.c_str());
  return {};
}

}  // namespace

Result<Descriptor> connect_unix(const std::string& path) {
  const auto address = address_of(path);
  if (!address) {
    return failure(address.error());
  }
  Descriptor connection = new_socket();
  if (!connection.valid()) {
    return socket_failure("cannot make a socket", errno);
  }
  if (::connect(connection.get(), generic(*address), sizeof *address) == 0) {
    return connection;
  }
  if (errno == ENOENT) {
    return failure(ErrorKind::socket_missing, "there is no socket " + path);
  }
  if (errno == EPROTOTYPE) {
    return failure(ErrorKind::conflict, path + " is another kind of socket");
  }
  if (errno == EAGAIN) {
    return failure(ErrorKind::timeout, "the listener on " + path + " is busy");
  }
  return socket_failure("cannot connect to " + path, errno);
}

Result<Descriptor> listen_unix(const std::string& path) {
  const auto address = address_of(path);
  if (!address) {
    return failure(address.error());
  }
  if (const auto clear = clear_the_place(path); !clear) {
    return failure(clear.error());
  }
  Descriptor listener = new_socket();
  // Nobody gets in between bind and chmod: it does not listen yet.
  if (!listener.valid() || ::bind(listener.get(), generic(*address), sizeof *address) != 0 ||
      ::chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0 || ::listen(listener.get(), backlog) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) {
      return failure(ErrorKind::not_found, "cannot listen on " + path + ": no such folder");
    }
    return socket_failure("cannot listen on " + path, errno);
  }
  return listener;
}

std::optional<Peer> peer_of(const Descriptor& connection) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(connection.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return std::nullopt;
  }
  return Peer{credentials.pid, credentials.uid};
}

Sent send_some(const Descriptor& connection, std::string_view bytes) {
  Sent sent;
  while (sent.bytes < bytes.size()) {
    const std::string_view rest = bytes.substr(sent.bytes);
    const ssize_t written = ::send(connection.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written < 0) {
      sent.transfer = errno == EAGAIN ? Transfer::would_block : Transfer::closed;
      return sent;
    }
    sent.bytes += static_cast<std::size_t>(written);
  }
  return sent;
}

Transfer receive_some(const Descriptor& connection, std::string& into) {
  into.resize(std::size_t{64} * 1024);
  const ssize_t got = ::recv(connection.get(), into.data(), into.size(), 0);
  into.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  if (got > 0) {
    return Transfer::done;
  }
  return got < 0 && (errno == EAGAIN || errno == EINTR) ? Transfer::would_block : Transfer::closed;
}

}  // namespace reeve::events
