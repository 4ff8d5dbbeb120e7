// What every Substrate of supervisord's kind does: held against the fake and the real thing.

#include <algorithm>
#include <array>
#include <thread>

#include "contract/contract.h"

namespace reeve::tests {
namespace {

using namespace std::chrono_literals;

TEMPLATE_TEST_CASE("Substrate: connecting answers with the manager's pid, the same each time", "",
                   FakeManager, RealManager) {
  Contract<TestType> it;
  const auto pid = it.substrate.connect(it.soon());
  REQUIRE(pid);
  CHECK(pid->value > 0);
  CHECK(it.substrate.connect(it.soon()) == pid);
}

TEMPLATE_TEST_CASE("Substrate: a listing holds every program once, whole and sorted", "",
                   FakeManager, RealManager) {
  Contract<TestType> it;
  const auto listing = it.substrate.list_instances(it.soon());
  REQUIRE(listing);
  CHECK(listing->rejected == 0);
  std::vector<InstanceName> names;
  for (const InstanceDetail& instance : listing->instances) {
    names.push_back(instance.name);
  }
  std::vector<InstanceName> expected;
  for (const FakeProgram& program : contract_programs()) {
    expected.push_back(program.name);
  }
  std::sort(expected.begin(), expected.end());
  CHECK(names == expected);
}

TEMPLATE_TEST_CASE("Substrate: each state is told with what is known in it, and with nothing else",
                   "", FakeManager, RealManager) {
  Contract<TestType> it;
  SECTION("RUNNING: a pid, a start, an uptime") {
    REQUIRE(it.becomes(named("running"), InstanceState::running));
    const InstanceDetail seen = it.look(named("running"));
    REQUIRE(seen.incarnation());
    CHECK(*seen.start_time <= seen.now);
    CHECK(seen.uptime() < 1h);
    CHECK_FALSE(seen.stop_time);
    CHECK_FALSE(seen.exit_status);
    CHECK(seen.spawn_error.empty());
    CHECK(seen.description.starts_with("pid "));
    CHECK_FALSE(seen.stdout_log.empty());
  }
  SECTION("STARTING: a pid already") {
    REQUIRE(it.becomes(named("starting"), InstanceState::starting));
    CHECK(it.look(named("starting")).incarnation());
  }
  SECTION("STOPPED and never run: no times") {
    const InstanceDetail seen = it.look(named("stopped_never"));
    CHECK(seen.state == InstanceState::stopped);
    CHECK_FALSE(seen.pid);
    CHECK_FALSE(seen.start_time);
    CHECK_FALSE(seen.stop_time);
    CHECK_FALSE(seen.exit_status);
    CHECK(seen.description == "Not started");
  }
  SECTION("EXITED: the exit status, and a spawn error if it was not expected") {
    REQUIRE(it.becomes(named("exited_ok"), InstanceState::exited));
    CHECK(it.look(named("exited_ok")).exit_status == 0);
    CHECK(it.look(named("exited_ok")).spawn_error.empty());
    REQUIRE(it.becomes(named("exited_bad"), InstanceState::exited));
    const InstanceDetail seen = it.look(named("exited_bad"));
    CHECK(seen.exit_status == 7);
    CHECK(seen.spawn_error == "Bad exit code 7");
    CHECK_FALSE(seen.pid);
    CHECK(seen.start_time);
    CHECK(seen.stop_time);
  }
  SECTION("BACKOFF: the reason, and no process") {
    REQUIRE(it.becomes(named("backoff"), InstanceState::backoff));
    const InstanceDetail seen = it.look(named("backoff"));
    CHECK_FALSE(seen.pid);
    CHECK_FALSE(seen.exit_status);
    CHECK(seen.spawn_error == "can't find command '/nonexistent/binary'");
    CHECK(seen.description == seen.spawn_error);
  }
  SECTION("FATAL: the reason, and no process") {
    REQUIRE(it.becomes(named("fatal"), InstanceState::fatal));
    const InstanceDetail seen = it.look(named("fatal"));
    CHECK_FALSE(seen.pid);
    CHECK_FALSE(seen.stop_time);
    CHECK_FALSE(seen.exit_status);
    CHECK_FALSE(seen.spawn_error.empty());
  }
}

TEMPLATE_TEST_CASE("Substrate: a listing and a look say the same of a process", "", FakeManager,
                   RealManager) {
  Contract<TestType> it;
  REQUIRE(it.becomes(named("worker:worker_01"), InstanceState::running));
  const auto listing = it.substrate.list_instances(it.soon());
  REQUIRE(listing);
  const auto listed =
      std::find_if(listing->instances.begin(), listing->instances.end(),
                   [](const auto& each) { return each.name == named("worker:worker_01"); });
  REQUIRE(listed != listing->instances.end());
  InstanceDetail seen = it.look(named("worker:worker_01"));
  seen.now = listed->now;
  seen.description = listed->description;  // it tells the uptime
  CHECK(seen == *listed);
}

TEMPLATE_TEST_CASE(
    "Substrate: names beyond ASCII and with XML's characters are names like any other", "",
    FakeManager, RealManager) {
  Contract<TestType> it;
  for (const char* name : {"naïve-日本", "a&b<c>\"d'"}) {
    CHECK(it.becomes(named(name), InstanceState::running));
    CHECK(it.start(named(name)) == Outcome::unchanged);
  }
}

TEMPLATE_TEST_CASE(
    "Substrate: what does not exist is not found: a process, a group's name, a whole group", "",
    FakeManager, RealManager) {
  Contract<TestType> it;
  for (const InstanceName& name :
       {named("nope"), named("worker"), named("worker:nope"), InstanceName{"worker", "*"},
        InstanceName{"worker:*", "worker:*"}}) {
    CAPTURE(name.full());
    CHECK(kind_of(it.substrate.get_instance(name, it.soon())) == ErrorKind::not_found);
    CHECK(kind_of(it.start(name)) == ErrorKind::not_found);
    CHECK(kind_of(it.stop(name)) == ErrorKind::not_found);
    CHECK(kind_of(it.manager.administration().signal(name, "HUP", it.soon())) ==
          ErrorKind::not_found);
  }
}

TEMPLATE_TEST_CASE(
    "Substrate: a start and a stop change a process once, asked again they change nothing", "",
    FakeManager, RealManager) {
  Contract<TestType> it;
  const InstanceName name = named("stopped_after_run");
  CHECK(it.stop(name) == Outcome::unchanged);
  CHECK(it.start(name) == Outcome::changed);
  CHECK(it.look(name).state == InstanceState::running);
  CHECK(it.start(name) == Outcome::unchanged);
  CHECK(it.stop(name) == Outcome::changed);
  const InstanceDetail seen = it.look(name);
  CHECK(seen.state == InstanceState::stopped);
  CHECK_FALSE(seen.pid);
  CHECK(seen.start_time);
  CHECK(seen.stop_time);
  CHECK(seen.exit_status == -1);
  CHECK(it.stop(name) == Outcome::unchanged);
}

TEMPLATE_TEST_CASE("Substrate: a start returns once the process has outlived its startsecs", "",
                   FakeManager, RealManager) {
  Contract<TestType> it;
  const InstanceName name = named("slow_start");
  CHECK(it.start(name) == Outcome::changed);
  const InstanceDetail seen = it.look(name);
  CHECK(seen.state == InstanceState::running);
  CHECK(seen.uptime() >= 1s);
  CHECK(it.stop(name) == Outcome::changed);
}

TEMPLATE_TEST_CASE("Substrate: a program that does not stay up is a failed spawn with the reason",
                   "", FakeManager, RealManager) {
  Contract<TestType> it;
  const auto started = it.start(named("quick_exit"));
  CHECK(kind_of(started) == ErrorKind::spawn_failed);
  CHECK(started.error().message.find("Exited too quickly") != std::string::npos);
  CHECK(it.becomes(named("quick_exit"), InstanceState::fatal));
  CHECK(it.stop(named("quick_exit")) == Outcome::unchanged);
}

TEMPLATE_TEST_CASE(
    "Substrate: a program whose command is missing cannot be started and stays as it was", "",
    FakeManager, RealManager) {
  Contract<TestType> it;
  const auto started = it.start(named("missing_command"));
  CHECK(kind_of(started) == ErrorKind::no_file);
  CHECK(started.error().message.find("/nonexistent/binary") != std::string::npos);
  CHECK(it.look(named("missing_command")).state == InstanceState::stopped);
}

TEMPLATE_TEST_CASE("Substrate: a graceful stop waits for a program that must be killed", "",
                   FakeManager, RealManager) {
  Contract<TestType> it;
  const InstanceName name = named("deaf");
  CHECK(it.start(name) == Outcome::changed);
  CHECK(it.substrate.stop_instance(name, StopMode::force, it.soon()) == Outcome::changed);
  CHECK(it.look(name).state == InstanceState::stopping);
  CHECK(it.look(name).pid);
  CHECK(it.substrate.stop_instance(name, StopMode::force, it.soon()) == Outcome::unchanged);
  CHECK(it.stop(name) == Outcome::changed);
  CHECK(it.look(name).state == InstanceState::stopped);
  CHECK(it.look(name).exit_status == -1);
}

TEMPLATE_TEST_CASE(
    "Substrate: what is being stopped can neither be started nor outlast the deadline", "",
    FakeManager, RealManager) {
  Contract<TestType> it;
  const InstanceName name = named("very_deaf");
  CHECK(it.start(name) == Outcome::changed);
  CHECK(kind_of(it.substrate.stop_instance(name, StopMode::graceful, it.manager.within(5s))) ==
        ErrorKind::timeout);
  CHECK(it.look(name).state == InstanceState::stopping);
  CHECK(kind_of(it.start(name)) == ErrorKind::conflict);
  CHECK(it.manager.administration().signal(name, "KILL", it.soon()));
  CHECK(it.becomes(name, InstanceState::stopped));
}

TEMPLATE_TEST_CASE("Substrate: a start that takes longer than the deadline times out and goes on",
                   "", FakeManager, RealManager) {
  Contract<TestType> it;
  CHECK(kind_of(it.substrate.start_instance(named("starting"), it.manager.within(200ms))) ==
        ErrorKind::timeout);
  CHECK(it.look(named("starting")).state == InstanceState::starting);
}

TEMPLATE_TEST_CASE("Substrate: a program that waits for its next try is stopped at once", "",
                   FakeManager, RealManager) {
  Contract<TestType> it;
  const InstanceName name = named("retrying");
  REQUIRE(it.becomes(name, InstanceState::backoff));
  CHECK(it.stop(name) == Outcome::changed);
  const InstanceDetail seen = it.look(name);
  CHECK(seen.state == InstanceState::stopped);
  CHECK_FALSE(seen.spawn_error.empty());
  CHECK_FALSE(seen.exit_status);
}

TEMPLATE_TEST_CASE("Substrate: stopping what has ended by itself changes nothing", "", FakeManager,
                   RealManager) {
  Contract<TestType> it;
  for (const char* name : {"exited_bad", "fatal"}) {
    REQUIRE(it.manager.eventually([&] { return !is_active(it.look(named(name)).state); }));
    const InstanceState before = it.look(named(name)).state;
    CHECK(it.stop(named(name)) == Outcome::unchanged);
    CHECK(it.look(named(name)).state == before);
  }
}

TEMPLATE_TEST_CASE(
    "Substrate: a program that crashes in a loop runs each time anew, until it is stopped", "",
    FakeManager, RealManager) {
  Contract<TestType> it;
  const InstanceName name = named("crashing");
  CHECK(it.start(name) == Outcome::changed);
  std::optional<substrate::Incarnation> first;
  CHECK(it.manager.eventually([&] {
    const auto now = it.look(name).incarnation();
    first = first ? first : now;
    return now && first && now->pid != first->pid;
  }));
  // Between two of its runs there is nothing to stop.
  CHECK(it.manager.eventually([&] { return it.stop(name) == Outcome::changed; }));
  CHECK(it.look(name).state == InstanceState::stopped);
}

TEMPLATE_TEST_CASE(
    "Substrate: a restart is another run of the same process, and starts what is stopped", "",
    FakeManager, RealManager) {
  Contract<TestType> it;
  const InstanceName name = named("obedient");
  CHECK(it.substrate.restart_instance(name, it.soon()) == Outcome::changed);
  const InstanceDetail first = it.look(name);
  CHECK(first.state == InstanceState::running);
  CHECK(it.substrate.restart_instance(name, it.soon()) == Outcome::changed);
  const InstanceDetail second = it.look(name);
  CHECK(second.state == InstanceState::running);
  CHECK(second.pid != first.pid);
  CHECK(it.stop(name) == Outcome::changed);
}

TEMPLATE_TEST_CASE("Substrate: what the manager cannot do is not implemented", "", FakeManager,
                   RealManager) {
  Contract<TestType> it;
  const InstanceName name = named("running");
  CHECK(kind_of(it.substrate.create_instance({name, "/bin/true"}, it.soon())) ==
        ErrorKind::not_implemented);
  CHECK(kind_of(it.substrate.delete_instance(name, StopMode::graceful, it.soon())) ==
        ErrorKind::not_implemented);
  CHECK(kind_of(it.substrate.execute_command(name, "/bin/true", it.soon())) ==
        ErrorKind::not_implemented);
}

TEMPLATE_TEST_CASE(
    "Substrate: a deadline that has passed and a stop that was requested are told apart", "",
    FakeManager, RealManager) {
  Contract<TestType> it;
  std::stop_source shutdown;
  shutdown.request_stop();
  CHECK(kind_of(it.substrate.connect(it.manager.within(0s))) == ErrorKind::timeout);
  CHECK(kind_of(it.substrate.connect(it.manager.within(60s, shutdown.get_token()))) ==
        ErrorKind::cancelled);
  CHECK(kind_of(it.substrate.list_instances(it.manager.within(60s, shutdown.get_token()))) ==
        ErrorKind::cancelled);
}

TEMPLATE_TEST_CASE("Substrate: one substrate serves several threads at once", "", FakeManager,
                   RealManager) {
  Contract<TestType> it;
  std::array<std::size_t, 4> listed{};
  {
    std::vector<std::jthread> threads;
    for (std::size_t& count : listed) {
      threads.emplace_back([&] {
        for (int turn = 0; turn < 5; ++turn) {
          const auto listing = it.substrate.list_instances(it.soon());
          count += listing ? listing->instances.size() : 0;
        }
      });
    }
  }
  for (const std::size_t count : listed) {
    CHECK(count == 5 * contract_programs().size());
  }
}

}  // namespace
}  // namespace reeve::tests
