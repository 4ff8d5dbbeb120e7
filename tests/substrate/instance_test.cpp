#include "reeve/substrate/instance.h"

#include "support/catch.h"

namespace reeve::substrate {
namespace {

TEST_CASE("Instance: a bare name stands for the process of that name in the group of that name") {
  CHECK(InstanceName::parse("web") == InstanceName{"web", "web"});
  CHECK(InstanceName::parse("web")->text() == "web");
  CHECK(InstanceName::parse("web")->full() == "web:web");
}

TEST_CASE("Instance: group:name names one process, whatever characters the name holds") {
  CHECK(InstanceName::parse("worker:worker_00") == InstanceName{"worker", "worker_00"});
  CHECK(InstanceName::parse("naïve-日本:a&b<c>")->text() == "naïve-日本:a&b<c>");
}

TEST_CASE("Instance: a name without a group, without a process or with two colons is refused") {
  for (const char* text : {"", ":", "g:", ":p", "g:*:p"}) {
    const auto name = InstanceName::parse(text);
    REQUIRE_FALSE(name);
    CHECK(name.error().kind == base::ErrorKind::invalid_argument);
  }
}

TEST_CASE("Instance: every state has supervisord's number, and no other number is a state") {
  for (const InstanceState state : all_instance_states) {
    CHECK(state_from_code(state_code(state)) == state);
  }
  CHECK_FALSE(state_from_code(1));
  CHECK_FALSE(state_from_code(-10));
}

TEST_CASE("Instance: an incarnation is written pid:start and read back") {
  const Incarnation run{{4711}, ManagerTime(std::chrono::seconds(1'700'000'000))};
  CHECK(run.text() == "4711:1700000000");
  CHECK(Incarnation::parse(run.text()) == run);
  for (const char* text : {"", "4711", "0:1", "-1:1", "a:b", "1:2:3", "1: 2"}) {
    CHECK_FALSE(Incarnation::parse(text));
  }
}

TEST_CASE("Instance: uptime is never negative, and there is none without a process") {
  InstanceDetail detail;
  detail.start_time = ManagerTime(std::chrono::seconds(100));
  detail.now = ManagerTime(std::chrono::seconds(160));
  CHECK_FALSE(detail.uptime());
  detail.pid = Pid{1};
  CHECK(detail.uptime() == std::chrono::seconds(60));
  detail.now = ManagerTime(std::chrono::seconds(50));
  CHECK(detail.uptime() == std::chrono::seconds(0));
}

}  // namespace
}  // namespace reeve::substrate
