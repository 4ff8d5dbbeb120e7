#include "http/peer_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "support/catch.h"

namespace reeve::http {
namespace {

PeerAddress v6(const char* text) {
  sockaddr_in6 name{};
  name.sin6_family = AF_INET6;
  REQUIRE(::inet_pton(AF_INET6, text, &name.sin6_addr) == 1);
  return peer_address(reinterpret_cast<const sockaddr&>(name));
}

TEST_CASE("an IPv4 client is its address, over a dual-stack socket too") {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  REQUIRE(::inet_pton(AF_INET, "192.0.2.7", &name.sin_addr) == 1);
  CHECK(peer_address(reinterpret_cast<const sockaddr&>(name)) ==
        PeerAddress{"192.0.2.7", "192.0.2.7"});
  CHECK(v6("::ffff:192.0.2.7") == PeerAddress{"192.0.2.7", "192.0.2.7"});
}

TEST_CASE("an IPv6 client is counted with its whole /64") {
  CHECK(v6("2001:db8:1:2:3:4:5:6") == PeerAddress{"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"});
  CHECK(v6("::1") == PeerAddress{"::1", "::/64"});
}

TEST_CASE("a client on a unix socket has no address to count") {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  CHECK(peer_address(reinterpret_cast<const sockaddr&>(name)) == PeerAddress{"unix", ""});
}

}  // namespace
}  // namespace reeve::http
