// The small things that the listeners are made of.

#include "api/accept_encoding.h"
#include "api/access.h"
#include "api/digest.h"
#include "api/host_names.h"
#include "api/login_throttle.h"
#include "api/passwords.h"
#include "support/catch.h"
#include "support/manual_clock.h"

namespace reeve::api {
namespace {

using namespace std::chrono_literals;

TEST_CASE("gzip is sent to whom asks for it, by name or by star, and does not rule it out") {
  for (const char* header : {"gzip", "GZIP", "x-gzip", "deflate, gzip", "gzip;q=0.5", "*",
                             "br;q=1.0, gzip;q=0.8, *;q=0.1", "identity;q=0, *", "gzip ; q=1"}) {
    CAPTURE(header);
    CHECK(accepts_gzip(header));
  }
  for (const char* header : {"", "identity", "br, deflate", "gzip;q=0", "gzip;q=0.000", "*;q=0",
                             "gzip;q=0, *", "gzipped", ",;,=", "gzip;q="}) {
    CAPTURE(header);
    CHECK_FALSE(accepts_gzip(header));
  }
}

TEST_CASE("scopes have names that are read back") {
  for (const Scope scope : all_scopes) {
    CHECK(scope_from_string(to_string(scope)) == scope);
  }
  CHECK_FALSE(scope_from_string("write"));
  CHECK_FALSE(scope_from_string(""));
}

TEST_CASE("credentials are what follows their scheme") {
  CHECK(credentials("Bearer abc", "Bearer") == "abc");
  CHECK(credentials("BEARER   abc", "Bearer") == "abc");
  CHECK_FALSE(credentials("Bearerabc", "Bearer"));
  CHECK_FALSE(credentials("Bear", "Bearer"));
  CHECK_FALSE(credentials("", "Bearer"));
  CHECK(credentials("Bearer ", "Bearer") == "");
}

TEST_CASE("an empty token is nobody's, even if one were configured so") {
  ControlOptions options;
  options.tokens = {{"careless", base::Secret(""), {Scope::read}}};
  http::Request request;
  request.headers = {{"Authorization", "Bearer "}};
  CHECK(Access(options).recognise(request) == nullptr);
}

TEST_CASE("digests are SHA-256, and keyed ones depend on their key") {
  CHECK(digest_of("abc")[0] == 0xba);
  CHECK(digest_of("abc")[31] == 0xad);
  CHECK(digest_of(random_key(), "abc") != digest_of(random_key(), "abc"));
  CHECK(equal_in_constant_time("abc", "abc"));
  CHECK_FALSE(equal_in_constant_time("abc", "abd"));
  CHECK_FALSE(equal_in_constant_time("abc", "abcd"));
}

TEST_CASE(
    "a listener answers to loopback, to its address, to the machine's names, to those added") {
  int asked = 0;
  const HostNames names("2001:db8::1", {"Reeve.Example", "10.0.0.1:19002"},
                        {"box", [&] {
                           ++asked;
                           return "Box.Example.Org";
                         }});
  for (const char* host :
       {"localhost", "LOCALHOST:19002", "localhost.", "127.0.0.1:1", "[::1]", "[::1]:19002",
        "[2001:db8::1]:19002", "reeve.example:443", "10.0.0.1", "box", "box:19002"}) {
    CAPTURE(host);
    CHECK(names.allow(host));
  }
  CHECK(asked == 0);
  CHECK(names.allow("box.example.org:19002"));
  CHECK_FALSE(names.allow("box.evil.example"));
  CHECK(asked == 1);
  for (const char* host : {"", ":", ":19002", "evil.example", "127.0.0.1.evil.example", "[::1",
                           "::1", "localhost@evil.example", "0x7f000001", "127.1"}) {
    CAPTURE(host);
    CHECK_FALSE(names.allow(host));
  }
}

TEST_CASE("a machine without a qualified name is not asked for it again and again") {
  int asked = 0;
  const HostNames names("", {}, {"box", [&] {
                                   ++asked;
                                   return "";
                                 }});
  CHECK_FALSE(names.allow("box.example"));
  CHECK_FALSE(names.allow("box.example"));
  CHECK(asked == 1);
}

TEST_CASE("failed logins are counted per address, over a minute, for a bounded number of them") {
  tests::ManualClock clock;
  LoginThrottle throttle(clock);
  for (int i = 1; i <= LoginThrottle::max_failures; ++i) {
    CHECK_FALSE(throttle.wait_for("a"));
    CHECK(throttle.failed("a") == i);
  }
  clock.advance(10s);
  CHECK(throttle.wait_for("a") == 50s);
  CHECK_FALSE(throttle.wait_for("b"));
  for (std::size_t i = 0; i < LoginThrottle::max_peers; ++i) {
    throttle.failed("peer" + std::to_string(i));
  }
  CHECK_FALSE(throttle.wait_for("a"));
}

TEST_CASE("a Basic header holds a name and a password, base64-encoded") {
  const auto login = read_login("Basic b3BzOnBhOnNz");
  REQUIRE(login);
  CHECK(login->name == "ops");
  CHECK(login->password.reveal() == "pa:ss");
  for (const char* header :
       {"", "Basic", "Basic ", "Basic b3Bz", "Basic ====", "Basic b3BzOnBh OnNz", "Basic !!!!",
        "Bearer b3BzOnBhOnNz", "Basic b3BzOgBwYQ=="}) {
    CAPTURE(header);
    CHECK_FALSE(read_login(header));
  }
  CHECK_FALSE(read_login("Basic " + std::string(4'000, 'A')));
}

}  // namespace
}  // namespace reeve::api
