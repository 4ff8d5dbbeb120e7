#include "http/peer_address.h"

#include <algorithm>
#include <iterator>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace reeve::http {
namespace {

std::string text_of(int family, const void* address) {
  char text[INET6_ADDRSTRLEN] = {};
  ::inet_ntop(family, address, text, sizeof text);
  return text;
}

PeerAddress peer_v6(in6_addr address) {
  if (IN6_IS_ADDR_V4MAPPED(&address)) {
    const std::string text = text_of(AF_INET, address.s6_addr + 12);
    return {text, text};
  }
  const std::string text = text_of(AF_INET6, &address);
  std::fill(std::begin(address.s6_addr) + 8, std::end(address.s6_addr), std::uint8_t{0});
  return {text, text_of(AF_INET6, &address) + "/64"};
}

}  // namespace

PeerAddress peer_address(const sockaddr& name) {
  if (name.sa_family == AF_INET) {
    const std::string text = text_of(AF_INET, &reinterpret_cast<const sockaddr_in&>(name).sin_addr);
    return {text, text};
  }
  if (name.sa_family == AF_INET6) {
    return peer_v6(reinterpret_cast<const sockaddr_in6&>(name).sin6_addr);
  }
  return {"unix", ""};
}

}  // namespace reeve::http
