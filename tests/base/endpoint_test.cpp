#include "reeve/base/endpoint.h"

#include "support/catch.h"

namespace reeve::base {
namespace {

TEST_CASE("Endpoint: a URL without a path gets the default path") {
  for (const char* url : {"http://localhost:9001", "http://localhost:9001/"}) {
    const auto endpoint = Endpoint::parse(url, "/RPC2");
    REQUIRE(endpoint);
    CHECK(endpoint->url() == "http://localhost:9001/RPC2");
  }
  CHECK(Endpoint::parse("http://h:1/other", "/RPC2")->path == "/other");
}

TEST_CASE("Endpoint: a URL without a port gets the scheme's port") {
  CHECK(Endpoint::parse("http://h", "/RPC2")->port == 80);
  CHECK(Endpoint::parse("https://h", "/RPC2")->port == 443);
}

TEST_CASE("Endpoint: an IPv6 host stands in brackets") {
  const auto endpoint = Endpoint::parse("http://[::1]:9001/RPC2", "/RPC2");
  REQUIRE(endpoint);
  CHECK(endpoint->host == "::1");
  CHECK(endpoint->url() == "http://[::1]:9001/RPC2");
}

TEST_CASE("Endpoint: a unix socket is named by an absolute path") {
  const auto endpoint = Endpoint::parse("unix:///run/supervisor.sock", "/RPC2");
  REQUIRE(endpoint);
  CHECK(endpoint->scheme == Endpoint::Scheme::unix_socket);
  CHECK(endpoint->socket_path == "/run/supervisor.sock");
  CHECK(endpoint->path == "/RPC2");
  CHECK_FALSE(Endpoint::parse("unix://run/supervisor.sock", "/RPC2"));
  CHECK_FALSE(Endpoint::parse("unix:///" + std::string(120, 'x'), "/RPC2"));
}

TEST_CASE("Endpoint: credentials in a URL are refused with the place where they belong") {
  const auto endpoint = Endpoint::parse("http://alice:secret@h:9001", "/RPC2");
  REQUIRE_FALSE(endpoint);
  CHECK(endpoint.error().message ==
        "credentials do not belong in the URL: use username and password_file");
}

TEST_CASE("Endpoint: a malformed URL is refused") {
  for (const char* url :
       {"", "localhost:9001", "ftp://h", "http://", "http://:9001", "http://h:99999", "http://h:x",
        "http://[::1", "http://h /x", "http://::1:9001"}) {
    CAPTURE(url);
    CHECK_FALSE(Endpoint::parse(url, "/RPC2"));
  }
}

TEST_CASE("ListenAddress: a listen address is host and port, a port alone, or a socket") {
  CHECK(ListenAddress::parse(":19001") == ListenAddress{"", 19001, ""});
  CHECK(ListenAddress::parse("[::1]:19001") == ListenAddress{"::1", 19001, ""});
  CHECK(ListenAddress::parse("unix:///run/reeve.sock") == ListenAddress{"", 0, "/run/reeve.sock"});
  for (const char* text : {"", "19001", "localhost", "h:-1", "h:65536"}) {
    CHECK_FALSE(ListenAddress::parse(text));
  }
}

TEST_CASE("ListenAddress: only loopback addresses and sockets are local") {
  for (const char* text : {"127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "localhost:1", "unix:///s"}) {
    CHECK(ListenAddress::parse(text)->is_local());
  }
  for (const char* text : {":1", "0.0.0.0:1", "[::]:1", "10.0.0.1:1", "example:1"}) {
    CHECK_FALSE(ListenAddress::parse(text)->is_local());
  }
}

}  // namespace
}  // namespace reeve::base
