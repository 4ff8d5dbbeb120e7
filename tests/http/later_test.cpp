#include "http/deferred_response.h"
#include "support/catch.h"

namespace reeve::http {
namespace {

using namespace std::chrono_literals;

Response with_status(int status) {
  Response response;
  response.status = status;
  return response;
}

Later one_that_falls_back_to_504() {
  return Later(1s, [] { return with_status(504); });
}

TEST_CASE("a response that is completed is taken, by whichever handle") {
  const Later later = one_that_falls_back_to_504();
  const Later copy = later;
  CHECK_FALSE(later.state()->ready());
  copy.complete(with_status(201));
  CHECK(later.state()->ready());
  CHECK(later.state()->take().status == 201);
}

TEST_CASE("the first response counts") {
  const Later later = one_that_falls_back_to_504();
  later.complete(with_status(201));
  later.complete(with_status(202));
  CHECK(later.state()->take().status == 201);
}

TEST_CASE("without a response in time there is another one, and what comes then is dropped") {
  const Later later = one_that_falls_back_to_504();
  int notified = 0;
  later.state()->subscribe([&] { ++notified; });
  CHECK(later.state()->take().status == 504);
  later.complete(with_status(201));
  CHECK(notified == 0);
  CHECK_FALSE(later.state()->ready());
}

TEST_CASE("who waits is told once") {
  const Later later = one_that_falls_back_to_504();
  int notified = 0;
  later.state()->subscribe([&] { ++notified; });
  later.complete(with_status(201));
  later.complete(with_status(202));
  CHECK(notified == 1);
}

TEST_CASE("who comes after the response need not wait") {
  const Later later = one_that_falls_back_to_504();
  later.complete(with_status(201));
  int notified = 0;
  later.state()->subscribe([&] { ++notified; });
  CHECK(notified == 0);
  CHECK(later.state()->ready());
}

}  // namespace
}  // namespace reeve::http
