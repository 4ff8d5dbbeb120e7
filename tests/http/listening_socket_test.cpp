#include "http/listening_socket.h"

#include <filesystem>
#include <fstream>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "http/raw_client.h"
#include "http/running_server.h"
#include "support/catch.h"
#include "support/temporary_folder.h"

namespace reeve::http {
namespace {

using base::ErrorKind;
using base::ListenAddress;

ListenAddress unix_socket(const std::string& path) {
  return {"", 0, path};
}

TEST_CASE("ListeningSocket: port 0 is bound to a port of the kernel's choice") {
  const auto one = ListeningSocket::open({"127.0.0.1", 0, ""});
  const auto other = ListeningSocket::open({"", 0, ""});
  REQUIRE(one);
  REQUIRE(other);
  CHECK(one->port() != 0);
  CHECK(other->port() != 0);
  CHECK(RawClient(one->port()).is_connected());
  CHECK(RawClient(other->port()).is_connected());
}

TEST_CASE("ListeningSocket: a host name is bound on its IPv4 address") {
  const auto socket = ListeningSocket::open({"localhost", 0, ""});
  REQUIRE(socket);
  CHECK(RawClient(socket->port()).is_connected());
}

TEST_CASE("ListeningSocket: an address that is in use is a conflict that says what to do") {
  const auto first = ListeningSocket::open({"127.0.0.1", 0, ""});
  REQUIRE(first);
  const auto second = ListeningSocket::open({"127.0.0.1", first->port(), ""});
  REQUIRE_FALSE(second);
  CHECK(second.error() ==
        base::Error{ErrorKind::conflict,
                    "cannot listen on 127.0.0.1:" + std::to_string(first->port()) +
                        ": the address is in use: stop the program that listens there, or choose"
                        " another port"});
}

TEST_CASE("ListeningSocket: an address or a host that does not exist is an error that says so") {
  const auto foreign = ListeningSocket::open({"192.0.2.1", 0, ""});
  REQUIRE_FALSE(foreign);
  CHECK(foreign.error().kind == ErrorKind::invalid_argument);
  CHECK(foreign.error().message.find("this machine has no such address") != std::string::npos);
  const auto unknown = ListeningSocket::open({"no-such-host.invalid", 0, ""});
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().kind == ErrorKind::invalid_argument);
  CHECK(unknown.error().message.find("no host of that name") != std::string::npos);
}

TEST_CASE("ListeningSocket: a unix socket is for its user and group, and goes when it is closed") {
  const tests::TemporaryFolder folder;
  const std::string path = folder.path() + "/socket";
  {
    const auto socket = ListeningSocket::open(unix_socket(path));
    REQUIRE(socket);
    CHECK(socket->port() == 0);
    CHECK(std::filesystem::status(path).permissions() == std::filesystem::perms{0660});
    CHECK(RawClient(path).is_connected());
  }
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("ListeningSocket: a stale socket file is replaced, and one in use is not") {
  const tests::TemporaryFolder folder;
  const std::string path = folder.path() + "/socket";
  {
    auto gone = ListeningSocket::open(unix_socket(path));
    REQUIRE(gone);
    std::filesystem::rename(path, folder.path() + "/aside");
  }
  std::filesystem::rename(folder.path() + "/aside", path);
  CHECK_FALSE(RawClient(path).is_connected());
  const auto socket = ListeningSocket::open(unix_socket(path));
  REQUIRE(socket);
  const auto second = ListeningSocket::open(unix_socket(path));
  REQUIRE_FALSE(second);
  CHECK(second.error().kind == ErrorKind::conflict);
  CHECK(RawClient(path).is_connected());
}

TEST_CASE("ListeningSocket: a socket file that another server has taken over is left alone") {
  const tests::TemporaryFolder folder;
  const std::string path = folder.path() + "/socket";
  std::optional<ListeningSocket> second;
  {
    const auto first = ListeningSocket::open(unix_socket(path));
    REQUIRE(first);
    std::filesystem::remove(path);
    auto opened = ListeningSocket::open(unix_socket(path));
    REQUIRE(opened);
    second.emplace(std::move(*opened));
  }
  CHECK(RawClient(path).is_connected());
}

TEST_CASE("ListeningSocket: a file that is no socket is never replaced, and a folder never made") {
  const tests::TemporaryFolder folder;
  const std::string path = folder.path() + "/precious";
  std::ofstream(path) << "data";
  const auto in_the_way = ListeningSocket::open(unix_socket(path));
  REQUIRE_FALSE(in_the_way);
  CHECK(in_the_way.error().kind == ErrorKind::conflict);
  CHECK(std::filesystem::file_size(path) == 4);
  const auto nowhere = ListeningSocket::open(unix_socket(folder.path() + "/none/socket"));
  REQUIRE_FALSE(nowhere);
  CHECK(nowhere.error().kind == ErrorKind::invalid_argument);
  CHECK(nowhere.error().message.find("folder does not exist") != std::string::npos);
}

TEST_CASE(
    "ListeningSocket: a server answers on a unix socket and takes its file away when it stops") {
  const tests::TemporaryFolder folder;
  ListenerOptions options = on_loopback();
  options.address = unix_socket(folder.path() + "/socket");
  const RunningServer server(options,
                             [](const Request& request) { return text_response(request.peer); });
  CHECK(server.port() == 0);
  CHECK(RawClient(options.address.socket_path).get("/", "unix").ends_with("unix"));
  server.stop(std::chrono::seconds(1));
  CHECK_FALSE(std::filesystem::exists(options.address.socket_path));
}

PeerAddress v6(const char* text) {
  sockaddr_in6 name{};
  name.sin6_family = AF_INET6;
  REQUIRE(::inet_pton(AF_INET6, text, &name.sin6_addr) == 1);
  return peer_address(reinterpret_cast<const sockaddr&>(name));
}

TEST_CASE("peer_address: an IPv4 client is its address, over a dual-stack socket too") {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  REQUIRE(::inet_pton(AF_INET, "192.0.2.7", &name.sin_addr) == 1);
  CHECK(peer_address(reinterpret_cast<const sockaddr&>(name)) ==
        PeerAddress{"192.0.2.7", "192.0.2.7"});
  CHECK(v6("::ffff:192.0.2.7") == PeerAddress{"192.0.2.7", "192.0.2.7"});
}

TEST_CASE("peer_address: an IPv6 client is counted with its whole /64") {
  CHECK(v6("2001:db8:1:2:3:4:5:6") == PeerAddress{"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"});
  CHECK(v6("::2") == PeerAddress{"::2", "::/64"});
}

TEST_CASE("peer_address: all loopback addresses are counted as one") {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  ::inet_pton(AF_INET, "127.9.8.7", &name.sin_addr);
  const PeerAddress v4 = peer_address(reinterpret_cast<const sockaddr&>(name));
  CHECK(v4.text == "127.9.8.7");
  for (const char* address : {"::1", "::ffff:127.0.0.1"}) {
    CHECK(v6(address).counted == v4.counted);
  }
  CHECK(v6("::2").counted != v4.counted);
}

TEST_CASE("peer_address: a client on a unix socket has no address to count") {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  CHECK(peer_address(reinterpret_cast<const sockaddr&>(name)) == PeerAddress{"unix", ""});
}

}  // namespace
}  // namespace reeve::http
