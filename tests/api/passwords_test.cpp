#include <atomic>

#include "api/api_fixture.h"
#include "api/authentication.h"
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
    request.headers.push_back({"Authorization", authorization});
    return api.handle(request);
  }

  /// As a transport would send it in the end.
  [[nodiscard]] http::Response answer(const std::string& authorization) {
    const http::Response response = ask(authorization);
    if (tests::is_deferred(response)) {
      const auto deferred = std::get<http::DeferredResponse>(response.body);
      REQUIRE(tests::eventually(20s, [&] { return deferred.ready(); }));
    }
    return tests::awaited(response);
  }

  base::SystemClock clock;
  MetricsApi api;
};

TEST_CASE("PasswordChecker: a right password is accepted, and cached from then on") {
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
    "PasswordChecker: an address that fails too often has to wait, except with a cached login") {
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

TEST_CASE("PasswordChecker: a reload clears the cache") {
  Listener listener;
  CHECK(listener.answer(right_login).status == 200);
  listener.api.configure({.users = {{"other", base::Secret(hash)}}});
  CHECK(listener.answer(right_login).status == 401);
}

TEST_CASE("PasswordChecker: the queue is bounded") {
  const base::SystemClock clock;
  std::atomic<bool> held = true;
  std::atomic<bool> begun = false;
  PasswordChecker passwords({{"scraper", base::Secret(hash)}}, clock);
  REQUIRE(passwords.check({"scraper", base::Secret("x")}, [&](bool) {
    begun = true;
    while (held) {
      std::this_thread::yield();
    }
  }));
  REQUIRE(tests::eventually(20s, [&] { return begun.load(); }));
  for (std::size_t i = 0; i < PasswordChecker::max_queued; ++i) {
    CHECK(passwords.check({"scraper", base::Secret("x")}, [](bool) {}));
  }
  CHECK_FALSE(passwords.check({"scraper", base::Secret("x")}, [](bool) {}));
  held = false;
}

TEST_CASE("PasswordChecker: a malformed hash matches no password") {
  const base::SystemClock clock;
  for (const char* broken : {"", "*0", "$2y$", "open sesame", "$2y$99$abc"}) {
    PasswordChecker passwords({{"scraper", base::Secret(broken)}}, clock);
    std::atomic<int> verdict = -1;
    REQUIRE(passwords.check({"scraper", base::Secret("open sesame")},
                            [&](bool right) { verdict = right ? 1 : 0; }));
    CHECK(tests::eventually(20s, [&] { return verdict >= 0; }));
    CHECK(verdict == 0);
  }
}

}  // namespace
}  // namespace reeve::api
