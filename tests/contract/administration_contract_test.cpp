// What every manager's Administration does: held against the fake and the real thing.

#include <algorithm>
#include <tuple>

#include "contract/contract.h"

namespace reeve::tests {
namespace {

TEMPLATE_TEST_CASE("Administration: a manager describes itself", "", FakeManager, RealManager) {
  Contract<TestType> it;
  const auto described = it.manager.administration().describe(it.soon());
  REQUIRE(described);
  CHECK_FALSE(described->version.empty());
  CHECK(described->api_version == "3.0");
  CHECK_FALSE(described->identification.empty());
}

TEMPLATE_TEST_CASE(
    "Administration: the configured programs are told with their command and their times", "",
    FakeManager, RealManager) {
  Contract<TestType> it;
  const auto programs = it.manager.administration().programs(it.soon());
  REQUIRE(programs);
  CHECK(programs->size() == contract_programs().size());
  const auto slow = std::find_if(programs->begin(), programs->end(), [](const auto& program) {
    return program.name == named("slow_start");
  });
  REQUIRE(slow != programs->end());
  CHECK(slow->in_use);
  CHECK_FALSE(slow->autostart);
  CHECK(slow->start_seconds == std::chrono::seconds(1));
  CHECK(slow->stop_wait_seconds == std::chrono::seconds(2));
  CHECK(slow->command == "/bin/sleep 100000");
}

TEMPLATE_TEST_CASE(
    "Administration: a signal reaches what runs; no signal and nothing to be signalled are refused",
    "", FakeManager, RealManager) {
  Contract<TestType> it;
  substrate::Administration& administration = it.manager.administration();
  REQUIRE(it.becomes(named("backoff"), InstanceState::backoff));
  CHECK(kind_of(administration.signal(named("running"), "FOO", it.soon())) ==
        ErrorKind::invalid_argument);
  CHECK(kind_of(administration.signal(named("stopped_never"), "HUP", it.soon())) ==
        ErrorKind::conflict);
  CHECK(kind_of(administration.signal(named("backoff"), "HUP", it.soon())) == ErrorKind::conflict);
  CHECK(it.start(named("obedient")) == Outcome::changed);
  CHECK(administration.signal(named("obedient"), "SIGURG", it.soon()));
  // Sent more than once: between fork and exec supervisord's own handlers swallow a signal.
  CHECK(it.manager.eventually([&] {
    std::ignore = administration.signal(named("obedient"), "TERM", it.soon());
    return it.look(named("obedient")).state == InstanceState::exited;
  }));
  CHECK(it.look(named("obedient")).exit_status == -1);
}

TEMPLATE_TEST_CASE(
    "Administration: a changed configuration is found by a reread and taken over group by group",
    "", FakeManager, RealManager) {
  Contract<TestType> it;
  substrate::Administration& administration = it.manager.administration();
  CHECK(administration.reread(it.soon()) == substrate::ConfigChanges{});

  FakeProgram fresh;
  fresh.name = named("fresh");
  fresh.start_seconds = std::chrono::seconds(0);
  std::vector<FakeProgram> programs = contract_programs();
  programs.push_back(fresh);
  it.manager.configure(programs);
  CHECK(administration.reread(it.soon()) == substrate::ConfigChanges{{"fresh"}, {}, {}});
  CHECK(kind_of(it.substrate.get_instance(fresh.name, it.soon())) == ErrorKind::not_found);
  CHECK(administration.add_group("fresh", it.soon()));
  CHECK(administration.add_group("fresh", it.soon()));
  CHECK(it.becomes(fresh.name, InstanceState::running));

  programs.back().stop_wait_seconds = std::chrono::seconds(3);
  it.manager.configure(programs);
  CHECK(administration.reread(it.soon()) == substrate::ConfigChanges{{}, {"fresh"}, {}});
  it.manager.configure(contract_programs());
  CHECK(administration.reread(it.soon()) == substrate::ConfigChanges{{}, {}, {"fresh"}});
  CHECK(kind_of(administration.remove_group("fresh", it.soon())) == ErrorKind::conflict);
  CHECK(it.stop(fresh.name) == Outcome::changed);
  CHECK(administration.remove_group("fresh", it.soon()));
  CHECK(kind_of(it.substrate.get_instance(fresh.name, it.soon())) == ErrorKind::not_found);
  CHECK(kind_of(administration.remove_group("fresh", it.soon())) == ErrorKind::not_found);
  CHECK(kind_of(administration.add_group("fresh", it.soon())) == ErrorKind::not_found);
}

}  // namespace
}  // namespace reeve::tests
