#include "api/passwords.h"

#include <atomic>

#include "api/api_fixture.h"
#include "api/metrics_api.h"
#include "support/catch.h"
#include "support/eventually.h"

namespace reeve::api {
namespace {

using namespace std::chrono_literals;

// bcrypt, cost 4, of "open sesame".
const char* const hash = "$2y$04$ESvCG0TMRCglEdHX4sTBAefrFpLKxE6a0F1Kjoxpm0nMoObCVBpd6";
const std::string right_login = "Basic c2NyYXBlcjpvcGVuIHNlc2FtZQ==";  // scraper:open sesame
const std::string wrong_login = "Basic c2NyYXBlcjpvcGVuIHNlc2Ft";      // scraper:open sesam
const std::string wrong_name = "Basic c3RyYW5nZXI6b3BlbiBzZXNhbWU=";   // stranger:open sesame

struct Listener {
  Listener()
      : api({[](metrics::Encoding) { return std::vector<http::SharedBytes>(); },
             [] { return true; }, [](std::string_view, int, auto) {}, ""},
            {.users = {{"scraper", base::Secret(hash)}}}, clock) {}

  [[nodiscard]] http::Response ask(const std::string& authorization) {
    http::Request request = tests::get("/metrics", "");
    request.counted_peer = peer;
    request.headers.push_back({"Authorization", authorization});
    return api.handle(request);
  }

  /// As a transport would send it in the end.
  [[nodiscard]] http::Response answer(const std::string& authorization) {
    const http::Response response = ask(authorization);
    if (tests::is_deferred(response)) {
      const auto deferred = std::get<http::DeferredResponse>(response.body);
      REQUIRE(tests::eventually(60s, [&] { return deferred.ready(); }));
    }
    return tests::awaited(response);
  }

  base::SystemClock clock;
  MetricsApi api;
  std::string peer = "192.0.2.7";
};

TEST_CASE("PasswordChecker: a right password is accepted, and known from then on") {
  Listener listener;
  CHECK(tests::is_deferred(listener.ask(right_login)));
  CHECK(listener.answer(right_login).status == 200);
  const http::Response again = listener.ask(right_login);
  CHECK_FALSE(tests::is_deferred(again));
  CHECK(again.status == 200);
}

TEST_CASE("PasswordChecker: a wrong password and an unknown name get the same delayed response") {
  Listener listener;
  for (const std::string& login : {wrong_login, wrong_name}) {
    const http::Response response = listener.answer(login);
    CHECK(response.status == 401);
    CHECK(response.delay > 0ms);
  }
  CHECK(listener.answer(right_login).status == 200);
}

TEST_CASE(
    "PasswordChecker: an address that fails too often has to wait, except with a known login") {
  Listener listener;
  CHECK(listener.answer(right_login).status == 200);
  for (int i = 0; i < LoginThrottle::max_failures; ++i) {
    CHECK(listener.answer(wrong_login).status == 401);
  }
  const http::Response response = listener.answer(wrong_login);
  CHECK(response.status == 429);
  CHECK_FALSE(tests::header_of(response, "Retry-After").empty());
  CHECK(listener.answer(right_login).status == 200);
}

// The same password, another salt.
const char* const other_hash = "$2y$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy";

TEST_CASE("PasswordChecker: who was right stays known over a reload, while his hash is unchanged") {
  Listener listener;
  CHECK(listener.answer(right_login).status == 200);
  listener.api.configure(
      {.users = {{"new", base::Secret(other_hash)}, {"scraper", base::Secret(hash)}}});
  CHECK_FALSE(tests::is_deferred(listener.ask(right_login)));
  listener.api.configure({.users = {{"scraper", base::Secret(other_hash)}}});
  CHECK(tests::is_deferred(listener.ask(right_login)));
  listener.api.configure({.users = {{"other", base::Secret(hash)}}});
  listener.peer = "192.0.2.8";
  CHECK(listener.answer(right_login).status == 401);
}

TEST_CASE("PasswordChecker: wrong passwords after a reload do not lock out who was right") {
  Listener listener;
  CHECK(listener.answer(right_login).status == 200);
  listener.api.configure({.users = {{"scraper", base::Secret(hash)}}});
  for (int i = 0; i < LoginThrottle::max_failures; ++i) {
    CHECK(listener.answer(wrong_login).status == 401);
  }
  CHECK(listener.ask(right_login).status == 200);
}

TEST_CASE("MetricsApi: addresses that count as one share their failures") {
  Listener listener;
  listener.peer = "2001:db8::/64";
  const auto ask_from = [&](const std::string& address) {
    http::Request request = tests::get("/metrics", "");
    request.peer = address;
    request.counted_peer = listener.peer;
    request.headers.push_back({"Authorization", "Basic malformed"});
    return listener.api.handle(request).status;
  };
  for (int i = 0; i < LoginThrottle::max_failures; ++i) {
    CHECK(ask_from("2001:db8::" + std::to_string(i)) == 401);
  }
  CHECK(listener.answer(right_login).status == 429);
}

struct HeldChecker {
  HeldChecker() {
    REQUIRE(passwords.check({"scraper", base::Secret("x")}, "first", [this](bool) {
      begun = true;
      while (held) {
        std::this_thread::yield();
      }
    }));
    REQUIRE(tests::eventually(60s, [&] { return begun.load(); }));
  }
  ~HeldChecker() { held = false; }
  HeldChecker(const HeldChecker&) = delete;
  HeldChecker& operator=(const HeldChecker&) = delete;

  [[nodiscard]] bool check(const std::string& address, const std::string& password = "x") {
    return passwords.check({"scraper", base::Secret(password)}, address, [this](bool) { ++done; });
  }

  const base::SystemClock clock;
  std::atomic<bool> held = true;
  std::atomic<bool> begun = false;
  std::atomic<int> done = 0;
  PasswordChecker passwords{{{"scraper", base::Secret(hash)}}, clock};
};

TEST_CASE("PasswordChecker: the queue is bounded") {
  HeldChecker checker;
  for (std::size_t i = 0; i < PasswordChecker::max_queued; ++i) {
    CHECK(checker.check(std::to_string(i)));
  }
  CHECK_FALSE(checker.check("another"));
}

TEST_CASE("PasswordChecker: an address has one place in the queue") {
  HeldChecker checker;
  CHECK(checker.check("storm"));
  CHECK_FALSE(checker.check("storm", "y"));
  CHECK(checker.check("another", "y"));
  CHECK(checker.check("storm"));  // the same check
  checker.held = false;
  CHECK(tests::eventually(60s, [&] { return checker.done == 3; }));
}

TEST_CASE("PasswordChecker: a malformed hash matches no password") {
  const base::SystemClock clock;
  for (const char* broken : {"", "*0", "$2y$", "open sesame", "$2y$99$abc"}) {
    PasswordChecker passwords({{"scraper", base::Secret(broken)}}, clock);
    std::atomic<int> verdict = -1;
    REQUIRE(passwords.check({"scraper", base::Secret("open sesame")}, "a",
                            [&](bool right) { verdict = right ? 1 : 0; }));
    CHECK(tests::eventually(60s, [&] { return verdict >= 0; }));
    CHECK(verdict == 0);
  }
}

TEST_CASE("read_login: a name and a password, base64-encoded") {
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
