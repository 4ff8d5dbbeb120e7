#include "monitor/snapshot.h"

#include "support/catch.h"

namespace reeve::monitor {
namespace {

ProcessSnapshot process(const char* name) {
  ProcessSnapshot snapshot;
  snapshot.detail.name = *substrate::InstanceName::parse(name);
  return snapshot;
}

TEST_CASE("a process is found by group and name, and only by both") {
  SupervisorSnapshot supervisor;
  supervisor.processes = std::vector{process("a:x"), process("b:a"), process("b:x")};
  REQUIRE(supervisor.find({"b", "x"}));
  CHECK(supervisor.find({"b", "x"}) == &supervisor.processes[2]);
  CHECK_FALSE(supervisor.find({"x", "x"}));
  CHECK_FALSE(supervisor.find({"c", "x"}));
  CHECK_FALSE(SupervisorSnapshot{}.find({"b", "x"}));
}

TEST_CASE("copies of a snapshot share one list of processes") {
  SupervisorSnapshot supervisor;
  supervisor.processes = std::vector{process("a:x")};
  const SupervisorSnapshot copy = supervisor;
  CHECK(copy.processes.begin() == supervisor.processes.begin());
  CHECK(copy == supervisor);
}

TEST_CASE("a supervisord is found by its name, the single one by an empty name") {
  Snapshot fleet;
  fleet.supervisors.resize(2);
  fleet.supervisors[1].name = "web";
  CHECK(fleet.find("") == &fleet.supervisors[0]);
  CHECK(fleet.find("web") == &fleet.supervisors[1]);
  CHECK_FALSE(fleet.find("db"));
}

}  // namespace
}  // namespace reeve::monitor
