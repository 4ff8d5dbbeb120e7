#include "http/listening_socket.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <memory>
#include <system_error>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace reeve::http {
namespace {

using base::ErrorKind;
using base::failure;
using base::ListenAddress;

constexpr mode_t http_socket_mode = 0660;
constexpr int buffer_bytes = 64 * 1024;  // the kernel doubles it for its own needs

tl::unexpected<base::Error> cannot_listen(const ListenAddress& address, ErrorKind kind,
                                          const std::string& why) {
  return failure(kind, "cannot listen on " + address.text() + ": " + why);
}

tl::unexpected<base::Error> cannot_listen(const ListenAddress& address, int error) {
  switch (error) {
    case EADDRINUSE:
      return cannot_listen(address, ErrorKind::conflict,
                           "the address is in use: stop the program that listens there, or"
                           " choose another port");
    case EACCES:
    case EPERM:
      return cannot_listen(address, ErrorKind::denied,
                           address.socket_path.empty()
                               ? "permission denied: choose a port above 1023"
                               : "permission denied: this user must be allowed to write in the"
                                 " socket's folder");
    case EADDRNOTAVAIL:
      return cannot_listen(address, ErrorKind::invalid_argument,
                           "this machine has no such address: choose one of its own, or :port"
                           " for all of them");
    case ENOENT:
    case ENOTDIR:
      return cannot_listen(address, ErrorKind::invalid_argument,
                           "the socket's folder does not exist: create it");
    default:
      return cannot_listen(address, ErrorKind::internal, std::generic_category().message(error));
  }
}

void set_option(int descriptor, int level, int option, int value) {
  // An option that the kernel does not know is no reason not to listen.
  static_cast<void>(::setsockopt(descriptor, level, option, &value, sizeof value));
}

template <class Address>
const sockaddr* generic(const Address& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

/// Connects once: 0 if a server accepts, else the error number.
int try_to_connect(const sockaddr_un& name) {
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) {
    return errno;
  }
  const int error = ::connect(descriptor, generic(name), sizeof name) == 0 ? 0 : errno;
  ::close(descriptor);
  return error;
}

/// Removes a socket file that no server listens on any more.
base::Result<void> remove_stale_file(const ListenAddress& address, const sockaddr_un& name) {
  struct stat status {};
  if (::lstat(address.socket_path.c_str(), &status) != 0) {
    return errno == ENOENT ? base::Result<void>() : cannot_listen(address, errno);
  }
  if (!S_ISSOCK(status.st_mode)) {
    return cannot_listen(address, ErrorKind::conflict,
                         "a file that is not a socket is in the way: remove it, or choose"
                         " another path");
  }
  const int error = try_to_connect(name);
  if (error == 0 || error == EAGAIN || error == EPROTOTYPE) {
    return cannot_listen(address, ErrorKind::conflict,
                         "another program listens on this socket: stop it, or choose another"
                         " path");
  }
  if (error != ECONNREFUSED || ::unlink(name.sun_path) != 0) {
    return cannot_listen(address, error == ECONNREFUSED ? errno : error);
  }
  return {};
}

std::string address_text(int family, const void* address) {
  char text[INET6_ADDRSTRLEN] = {};
  ::inet_ntop(family, address, text, sizeof text);
  return text;
}

/// All of 127.0.0.0/8 and ::1: a client that can use one of these addresses can use all.
constexpr const char* loopback_site = "loopback";

PeerAddress peer_v4(const unsigned char* address) {
  const std::string text = address_text(AF_INET, address);
  return {text, address[0] == 127 ? loopback_site : text};
}

PeerAddress peer_v6(in6_addr address) {
  if (IN6_IS_ADDR_V4MAPPED(&address)) {
    return peer_v4(address.s6_addr + 12);
  }
  const std::string text = address_text(AF_INET6, &address);
  if (IN6_IS_ADDR_LOOPBACK(&address)) {
    return {text, loopback_site};
  }
  std::fill(std::begin(address.s6_addr) + 8, std::end(address.s6_addr), std::uint8_t{0});
  return {text, address_text(AF_INET6, &address) + "/64"};
}

}  // namespace

ListeningSocket::ListeningSocket(int family)
    : family_(family),
      descriptor_(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {}

ListeningSocket::ListeningSocket(ListeningSocket&& other) noexcept
    : family_(other.family_),
      descriptor_(std::exchange(other.descriptor_, -1)),
      port_(other.port_),
      path_(std::exchange(other.path_, {})),
      device_(other.device_),
      inode_(other.inode_) {}

ListeningSocket::~ListeningSocket() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
  }
  remove_file();
}

base::Result<ListeningSocket> ListeningSocket::open(const ListenAddress& address) {
  if (!address.socket_path.empty()) {
    return open_unix(address.socket_path, http_socket_mode);
  }
  return address.host.empty() ? open_every_address(address) : open_host(address);
}

base::Result<ListeningSocket> ListeningSocket::adopt(int descriptor) {
  int listens = 0;
  socklen_t size = sizeof listens;
  sockaddr_storage name{};
  socklen_t name_size = sizeof name;
  const bool sound = ::getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 &&
                     listens == 1 &&
                     ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&name), &name_size) == 0;
  if (!sound) {
    return failure(ErrorKind::invalid_argument,
                   "descriptor " + std::to_string(descriptor) + " is no listening socket");
  }
  static_cast<void>(::fcntl(descriptor, F_SETFD, FD_CLOEXEC));
  static_cast<void>(::fcntl(descriptor, F_SETFL, O_NONBLOCK));
  ListeningSocket listener(name.ss_family, descriptor);
  listener.remember_port();
  return listener;
}

base::Result<ListeningSocket> ListeningSocket::open_unix(const std::string& path, mode_t mode) {
  const ListenAddress address{.host = "", .port = 0, .socket_path = path};
  sockaddr_un unix_name{};
  unix_name.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof unix_name.sun_path) {
    return cannot_listen(address, ErrorKind::invalid_argument,
                         "the path of a socket has 1 to 107 bytes");
  }
  path.copy(unix_name.sun_path, sizeof unix_name.sun_path - 1);
  if (const auto removed = remove_stale_file(address, unix_name); !removed) {
    return failure(removed.error());
  }
  ListeningSocket listener(AF_UNIX);
  Name name;
  std::memcpy(&name.bytes, &unix_name, sizeof unix_name);
  name.size = sizeof unix_name;
  // bind() creates the file with the descriptor's mode less the umask. A chmod() of the path would
  // come late, and might reach another file that was put there meanwhile.
  static_cast<void>(::fchmod(listener.descriptor_, mode));
  const mode_t umask_before = ::umask(0666 & ~mode);
  const int error = listener.listen_on(name);
  ::umask(umask_before);
  if (error != 0) {
    return cannot_listen(address, error);
  }
  listener.remember_file(path);
  return listener;
}

base::Result<ListeningSocket> ListeningSocket::open_every_address(const ListenAddress& address) {
  sockaddr_in6 every{};
  every.sin6_family = AF_INET6;
  every.sin6_port = htons(address.port);
  Name name;
  std::memcpy(&name.bytes, &every, sizeof every);
  name.size = sizeof every;
  ListeningSocket dual(AF_INET6);
  const int error = dual.listen_on(name);
  if (error == 0) {
    return dual;
  }
  if (error != EAFNOSUPPORT && error != EADDRNOTAVAIL) {
    return cannot_listen(address, error);
  }
  return open_host(
      {.host = "0.0.0.0", .port = address.port, .socket_path = ""});  // a machine without IPv6
}

base::Result<ListeningSocket> ListeningSocket::open_host(const ListenAddress& address) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  int error = EADDRNOTAVAIL;
  for (const int family : {AF_INET, AF_INET6}) {
    hints.ai_family = family;
    addrinfo* found = nullptr;
    const std::string port = std::to_string(address.port);
    if (::getaddrinfo(address.host.c_str(), port.c_str(), &hints, &found) != 0) {
      continue;
    }
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, ::freeaddrinfo);
    Name name;
    std::memcpy(&name.bytes, found->ai_addr, found->ai_addrlen);
    name.size = found->ai_addrlen;
    ListeningSocket listener(family);
    error = listener.listen_on(name);
    return error == 0 ? base::Result<ListeningSocket>(std::move(listener))
                      : cannot_listen(address, error);
  }
  return cannot_listen(address, ErrorKind::invalid_argument,
                       "there is no host of that name: check its spelling and the DNS, or give"
                       " an address");
}

int ListeningSocket::listen_on(const Name& name) {
  if (descriptor_ < 0) {
    return errno;
  }
  if (family_ != AF_UNIX) {
    set_option(descriptor_, SOL_SOCKET, SO_REUSEADDR, 1);
    set_option(descriptor_, IPPROTO_TCP, TCP_NODELAY, 1);  // accepted sockets inherit this
    bound_buffers(descriptor_);                            // and this
    // Accepted once its first bytes are there: a client takes no place before, and cannot lose it
    // to others before its request is read. A silent one is accepted after that second.
    set_option(descriptor_, IPPROTO_TCP, TCP_DEFER_ACCEPT, 1);
  }
  if (family_ == AF_INET6) {
    const auto& address = reinterpret_cast<const sockaddr_in6&>(name.bytes).sin6_addr;
    set_option(descriptor_, IPPROTO_IPV6, IPV6_V6ONLY, IN6_IS_ADDR_UNSPECIFIED(&address) ? 0 : 1);
  }
  if (::bind(descriptor_, generic(name.bytes), name.size) != 0 ||
      ::listen(descriptor_, SOMAXCONN) != 0) {
    return errno;
  }
  remember_port();
  return 0;
}

void ListeningSocket::remember_port() {
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  if (::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&name), &size) != 0) {
    return;
  }
  if (family_ == AF_INET) {
    port_ = ntohs(reinterpret_cast<const sockaddr_in&>(name).sin_port);
  } else if (family_ == AF_INET6) {
    port_ = ntohs(reinterpret_cast<const sockaddr_in6&>(name).sin6_port);
  }
}

void ListeningSocket::remember_file(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0) {
    path_ = path;
    device_ = status.st_dev;
    inode_ = status.st_ino;
  }
}

void ListeningSocket::remove_file() {
  const std::string path = std::exchange(path_, {});
  struct stat status {};
  if (!path.empty() && ::lstat(path.c_str(), &status) == 0 && status.st_dev == device_ &&
      status.st_ino == inode_) {
    ::unlink(path.c_str());
  }
}

int ListeningSocket::release() {
  return std::exchange(descriptor_, -1);
}

PeerAddress peer_address(const sockaddr& name) {
  if (name.sa_family == AF_INET) {
    const in_addr& address = reinterpret_cast<const sockaddr_in&>(name).sin_addr;
    return peer_v4(reinterpret_cast<const unsigned char*>(&address));
  }
  if (name.sa_family == AF_INET6) {
    return peer_v6(reinterpret_cast<const sockaddr_in6&>(name).sin6_addr);
  }
  return {"unix", ""};
}

void bound_buffers(int socket) {
  set_option(socket, SOL_SOCKET, SO_SNDBUF, buffer_bytes);
  set_option(socket, SOL_SOCKET, SO_RCVBUF, buffer_bytes);
}

std::optional<PeerProcess> peer_process(int connection) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return std::nullopt;
  }
  return PeerProcess{.pid = credentials.pid, .uid = credentials.uid};
}

}  // namespace reeve::http
