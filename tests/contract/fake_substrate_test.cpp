// What only the fake can do: script failures and turn time. What it shares with supervisord is
// in substrate_contract_test.cpp.

#include "support/fake_substrate.h"

#include "support/catch.h"

namespace reeve::tests {
namespace {

using base::Deadline;
using base::ErrorKind;
using substrate::InstanceName;
using substrate::InstanceState;
using substrate::Outcome;
using substrate::StopMode;
using namespace std::chrono_literals;

const InstanceName web{"web", "web"};

struct FakeWorld {
  ManualClock clock;
  FakeSubstrate fake{clock};
  [[nodiscard]] Deadline soon() const { return Deadline::after(clock, 30s); }
  [[nodiscard]] InstanceState state(const InstanceName& name) { return fake.look(name).state; }
};

FakeProgram program(const InstanceName& name) {
  FakeProgram made;
  made.name = name;
  return made;
}

TEST_CASE_METHOD(FakeWorld,
                 "FakeSubstrate: a waiting call lets the manual clock run as far as it needs") {
  FakeProgram slow = program(web);
  slow.autostart = false;
  slow.start_seconds = 10s;
  slow.stops_after = 4s;
  fake.add(slow);
  const auto begin = clock.steady_now();
  CHECK(fake.start_instance(web, soon()) == Outcome::changed);
  CHECK(clock.steady_now() - begin == 10s);
  CHECK(fake.stop_instance(web, StopMode::graceful, soon()) == Outcome::changed);
  CHECK(clock.steady_now() - begin == 14s);
}

TEST_CASE_METHOD(
    FakeWorld, "FakeSubstrate: a program that ignores the stop is killed after its stopwaitsecs") {
  FakeProgram deaf = program(web);
  deaf.stops_after.reset();
  fake.add(deaf);
  fake.tick();
  CHECK(fake.stop_instance(web, StopMode::force, soon()) == Outcome::changed);
  CHECK(state(web) == InstanceState::stopping);
  fake.tick(9s);
  CHECK(state(web) == InstanceState::stopping);
  fake.tick(1s);
  CHECK(state(web) == InstanceState::stopped);
  CHECK(fake.look(web).exit_status == -1);
}

TEST_CASE_METHOD(
    FakeWorld, "FakeSubstrate: a program that crashes is restarted at the next turn of the loop") {
  fake.add(program(web));
  fake.tick();
  const auto before = fake.look(web);
  fake.crash(web, 3);
  CHECK(state(web) == InstanceState::exited);
  CHECK(fake.look(web).exit_status == 3);
  fake.tick(2s);
  CHECK(state(web) == InstanceState::running);
  CHECK(fake.look(web).incarnation() != before.incarnation());
}

TEST_CASE_METHOD(FakeWorld,
                 "FakeSubstrate: a program that never stays up goes from BACKOFF to FATAL") {
  FakeProgram broken = program(web);
  broken.dies_after = 0ns;
  broken.start_retries = 2;
  fake.add(broken);
  CHECK(state(web) == InstanceState::backoff);
  fake.tick(1s);
  CHECK(state(web) == InstanceState::backoff);
  fake.tick(2s);
  CHECK(state(web) == InstanceState::fatal);
}

TEST_CASE_METHOD(FakeWorld,
                 "FakeSubstrate: a scripted failure hits the next call of its kind alone") {
  fake.add(program(web));
  fake.fail({.operation = Operation::start, .error = {ErrorKind::denied, "scripted"}});
  CHECK(fake.connect(soon()));
  CHECK(fake.start_instance(web, soon()).error().kind == ErrorKind::denied);
  CHECK(fake.start_instance(web, soon()) == Outcome::unchanged);
}

TEST_CASE_METHOD(FakeWorld,
                 "FakeSubstrate: a hanging supervisord answers nothing until the deadline") {
  fake.fail({.times = FakeFailure::always, .hangs = true});
  CHECK(fake.list_instances(soon()).error().kind == ErrorKind::timeout);
  CHECK(fake.list_instances(soon()).error().kind == ErrorKind::timeout);
  fake.recover();
  CHECK(fake.list_instances(soon()));
}

TEST_CASE_METHOD(FakeWorld, "FakeSubstrate: an answer can be lost after the work was done") {
  fake.add(program(web));
  fake.tick();
  fake.fail({.operation = Operation::stop, .after_its_work = true});
  CHECK(fake.stop_instance(web, StopMode::graceful, soon()).error().kind == ErrorKind::unreachable);
  CHECK(state(web) == InstanceState::stopped);
}

TEST_CASE_METHOD(FakeWorld, "FakeSubstrate: a group can vanish in the middle of a waiting call") {
  FakeProgram slow = program(web);
  slow.autostart = false;
  slow.start_seconds = 10s;
  fake.add(slow);
  fake.after(3s, [&] { fake.remove("web"); });
  CHECK(fake.start_instance(web, soon()).error().kind == ErrorKind::not_found);
}

TEST_CASE_METHOD(FakeWorld, "FakeSubstrate: a rejected record is counted and not listed") {
  fake.add(program(web));
  fake.add(program({"db", "db"}));
  fake.reject(web);
  const auto listing = fake.list_instances(soon());
  REQUIRE(listing);
  CHECK(listing->rejected == 1);
  REQUIRE(listing->instances.size() == 1);
  CHECK(listing->instances.front().name.text() == "db");
}

TEST_CASE_METHOD(FakeWorld,
                 "FakeSubstrate: a new daemon has a new pid and runs its programs anew") {
  fake.add(program(web));
  fake.tick();
  const auto before = fake.look(web);
  fake.restart_manager({200});
  fake.tick();
  CHECK(fake.connect(soon()) == substrate::Pid{200});
  CHECK(fake.look(web).incarnation() != before.incarnation());
}

}  // namespace
}  // namespace reeve::tests
