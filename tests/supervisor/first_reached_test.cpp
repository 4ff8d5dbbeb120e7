#include "supervisor/first_reached.h"

#include "reeve/base/clock.h"
#include "supervisor/stub_caller.h"
#include "support/catch.h"

namespace reeve::supervisor {
namespace {

using base::ErrorKind;
using tests::StubCaller;

struct Places {
  std::shared_ptr<StubCaller> port = std::make_shared<StubCaller>();
  std::shared_ptr<StubCaller> socket = std::make_shared<StubCaller>();
  FirstReached caller{{port, socket}};
  base::SystemClock clock;

  [[nodiscard]] auto ask() {
    return caller.call({"getPID", {}}, base::Deadline::after(clock, std::chrono::hours(1)));
  }
};

TEST_CASE("whoever comes first, later than the one who asks, is found and kept to") {
  Places places;
  places.port->answer("getPID", {tests::error(ErrorKind::unreachable)});
  places.socket->answer("getPID", {tests::error(ErrorKind::socket_missing), tests::value(7),
                                   tests::error(ErrorKind::unreachable)});
  CHECK(places.ask().error().kind == ErrorKind::unreachable);
  CHECK(places.ask());
  CHECK(places.ask().error().kind == ErrorKind::unreachable);
  CHECK(places.port->calls().size() == 2);
  CHECK(places.socket->calls().size() == 3);
}

TEST_CASE("who is there and refuses is not passed over for another") {
  Places places;
  places.port->answer("getPID", {tests::error(ErrorKind::denied)});
  places.socket->answer("getPID", {tests::value(7)});
  CHECK(places.ask().error().kind == ErrorKind::denied);
  CHECK(places.socket->calls().empty());
}

}  // namespace
}  // namespace reeve::supervisor
