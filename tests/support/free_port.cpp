#include "support/free_port.h"

#include <atomic>
#include <stdexcept>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"

namespace reeve::tests {
namespace {

bool is_free(std::uint16_t port) {
  const base::Descriptor probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return ::bind(probe.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
}

}  // namespace

std::uint16_t free_port() {
  // Below those that Linux gives to clients: such a one may be somebody's before the server is up.
  constexpr std::uint16_t first = 10'000;
  constexpr std::uint16_t count = 20'000;
  static std::atomic<unsigned> turn = static_cast<unsigned>(::getpid()) * 101;
  for (int tries = 0; tries < count; ++tries) {
    const auto port = static_cast<std::uint16_t>(first + turn++ % count);
    if (is_free(port)) {
      return port;
    }
  }
  throw std::runtime_error("no free port on the loopback");
}

}  // namespace reeve::tests
