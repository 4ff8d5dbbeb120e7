#include "reeve/base/endpoint.h"

#include <optional>
#include <utility>

#include "base/text.h"

namespace reeve::base {
namespace {

constexpr std::string_view unix_prefix = "unix://";

tl::unexpected<Error> invalid(std::string message) {
  return failure(ErrorKind::invalid_argument, std::move(message));
}

struct HostPort {
  std::string host;
  std::optional<std::uint16_t> port;
};

/// `host`, `host:port`, `[v6]`, `[v6]:port`, `:port`.
Result<HostPort> split_host_port(std::string_view text) {
  HostPort parts;
  std::string_view rest;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) {
      return invalid("the bracket of the IPv6 address is not closed");
    }
    parts.host = text.substr(1, close - 1);
    rest = text.substr(close + 1);
  } else {
    const std::size_t colon = text.find(':');
    parts.host = text.substr(0, colon);
    rest = colon == std::string_view::npos ? "" : text.substr(colon);
  }
  if (rest.empty()) {
    return parts;
  }
  const std::optional<std::uint16_t> port =
      rest.front() == ':' ? parse_number<std::uint16_t>(rest.substr(1)) : std::nullopt;
  if (!port) {
    return invalid(
        "after the host comes a colon and a port from 0 to 65535"
        " (an IPv6 address stands in brackets)");
  }
  parts.port = port;
  return parts;
}

std::string host_and_port(const std::string& host, std::uint16_t port) {
  const bool bare_v6 = host.find(':') != std::string::npos;
  return (bare_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<std::string> absolute_socket_path(std::string_view path) {
  if (!path.starts_with('/')) {
    return invalid("a unix socket needs an absolute path: unix:///run/supervisor.sock");
  }
  if (path.size() > 107) {  // sockaddr_un.sun_path
    return invalid("the path of a unix socket has at most 107 bytes");
  }
  return std::string(path);
}

}  // namespace

Result<Endpoint> Endpoint::parse(std::string_view url, std::string_view default_path) {
  Endpoint endpoint;
  endpoint.path = default_path;
  if (url.starts_with(unix_prefix)) {
    endpoint.scheme = Scheme::unix_socket;
    return absolute_socket_path(url.substr(unix_prefix.size())).map([&](std::string socket) {
      endpoint.socket_path = std::move(socket);
      return endpoint;
    });
  }
  const std::size_t scheme_end = url.find("://");
  const std::string_view scheme = url.substr(0, scheme_end);
  if (scheme_end == std::string_view::npos || (scheme != "http" && scheme != "https")) {
    return invalid("a URL begins with http://, https:// or unix:///");
  }
  endpoint.scheme = scheme == "http" ? Scheme::http : Scheme::https;
  const std::string_view rest = url.substr(scheme_end + 3);
  const std::size_t slash = rest.find('/');
  const std::string_view authority = rest.substr(0, slash);
  if (authority.find('@') != std::string_view::npos) {
    return invalid("credentials do not belong in the URL: use username and password_file");
  }
  if (rest.find_first_of("\r\n \t") != std::string_view::npos) {
    return invalid("a URL holds no blanks");
  }
  auto host_port = split_host_port(authority);
  if (!host_port) {
    return failure(std::move(host_port.error()));
  }
  if (host_port->host.empty()) {
    return invalid("the URL names no host");
  }
  endpoint.host = std::move(host_port->host);
  const std::uint16_t usual_port = endpoint.scheme == Scheme::http ? 80 : 443;
  endpoint.port = host_port->port.value_or(usual_port);
  if (slash != std::string_view::npos && rest.substr(slash) != "/") {
    endpoint.path = rest.substr(slash);
  }
  return endpoint;
}

std::string Endpoint::url() const {
  if (scheme == Scheme::unix_socket) {
    return std::string(unix_prefix) + socket_path;
  }
  return (scheme == Scheme::http ? "http://" : "https://") + authority() + path;
}

std::string Endpoint::authority() const {
  return scheme == Scheme::unix_socket ? "" : host_and_port(host, port);
}

Result<ListenAddress> ListenAddress::parse(std::string_view text) {
  ListenAddress address;
  if (text.starts_with(unix_prefix)) {
    return absolute_socket_path(text.substr(unix_prefix.size())).map([&](std::string path) {
      address.socket_path = std::move(path);
      return address;
    });
  }
  auto host_port = split_host_port(text);
  if (!host_port) {
    return failure(std::move(host_port.error()));
  }
  if (!host_port->port) {
    return invalid("a listen address is host:port, [v6]:port, :port or unix:///path");
  }
  address.host = std::move(host_port->host);
  address.port = *host_port->port;
  return address;
}

std::string ListenAddress::text() const {
  return socket_path.empty() ? host_and_port(host, port) : std::string(unix_prefix) + socket_path;
}

bool ListenAddress::is_local() const {
  return !socket_path.empty() || host == "localhost" || host == "::1" || host.starts_with("127.");
}

}  // namespace reeve::base
