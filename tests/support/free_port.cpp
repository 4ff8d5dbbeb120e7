#include "support/free_port.h"

#include <set>
#include <stdexcept>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "base/guarded.h"

namespace reeve::tests {
namespace {

std::uint16_t port_of_the_kernel() {
  const base::Descriptor probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(probe.get(), generic, size) != 0 || ::getsockname(probe.get(), generic, &size) != 0) {
    throw std::runtime_error("no free port on the loopback");
  }
  return ntohs(address.sin_port);
}

}  // namespace

std::uint16_t free_port() {
  static base::Guarded<std::set<std::uint16_t>> given;
  std::uint16_t port = port_of_the_kernel();
  while (!given.with([&](auto& all) { return all.insert(port).second; })) {
    port = port_of_the_kernel();
  }
  return port;
}

}  // namespace reeve::tests
