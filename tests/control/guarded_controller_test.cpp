// Guards at work: asked for the answer to an alert, and again just before acting.

#include "control/world.h"
#include "guards/guarded_world.h"
#include "support/catch.h"

namespace reeve::control {
namespace {

using namespace std::chrono_literals;
using substrate::InstanceState;
using tests::World;

/// An agent whose initial cooldowns are over, with guards between alerts and its supervisord.
struct Guarded {
  explicit Guarded(guards::GuardOptions options = {}) : guards_options(options) {
    world.manual.advance(1h);
    world.publish();
  }

  [[nodiscard]] static guards::Command alert(const char* process,
                                             guards::Action action = guards::Action::restart) {
    guards::Command command = World::command(action, process);
    command.source = guards::Source::alert;
    command.trigger.emplace();
    command.trigger->rule = "hung";
    return command;
  }
  [[nodiscard]] Operation queue(const guards::Command& command) {
    return controller.submit(command).value();
  }
  [[nodiscard]] Operation carry_out(const Operation& queued) {
    while (controller.run_next()) {
    }
    return controller.find(queued.id).value();
  }
  /// What becomes of it if `meanwhile` happens between the answer and the action.
  template <class Meanwhile>
  [[nodiscard]] Operation late(const Meanwhile& meanwhile) {
    const Operation queued = queue(alert("job"));
    meanwhile();
    return carry_out(queued);
  }

  World world;
  tests::TemporaryFolder folder;
  guards::GuardOptions guards_options;
  records::StateDir state = records::StateDir::open(folder.path() + "/state").value();
  records::StateClock clock{world.clock, "boot"};
  guards::Maintenance maintenance{state, clock, base::Log()};
  guards::Guards guards{guards_options, state, maintenance, clock, base::Log(), [] { return 0.5; }};
  Controller controller{world.deps({}, {.maintenance = &maintenance, .guards = &guards}),
                        guards::Options{}, world.clock, base::Log()};
};

TEST_CASE(
    "Controller: an alert's action is counted just before it is done, not when it is accepted") {
  Guarded agent;
  const Operation queued = agent.queue(Guarded::alert("job"));
  CHECK(agent.guards.list().empty());
  CHECK(agent.carry_out(queued).result == OperationResult::succeeded);
  REQUIRE(agent.guards.list().size() == 1);
  CHECK(agent.guards.list()[0].budget_used == 1);
}

TEST_CASE("Controller: what the guards object to is not accepted, in their words") {
  Guarded agent;
  REQUIRE(agent.maintenance.set("*", 1h, "new disks", "ops"));
  const auto refused = agent.controller.submit(Guarded::alert("job"));
  REQUIRE_FALSE(refused);
  CHECK(guards::refused_label(refused.error().reason) == "guarded");
  CHECK(refused.error().reason == guards::Reason::maintenance);
  CHECK_THAT(refused.error().error.message, Catch::Matchers::StartsWith("maintenance of * until"));
}

TEST_CASE(
    "Controller: what comes between the answer and the action refuses it late, and nothing is "
    "counted") {
  Guarded agent;
  const auto name = substrate::InstanceName{"job", "job"};
  const auto deadline = base::Deadline::after(agent.world.clock, 1min);
  auto& supervisord = *agent.world.supervisord;
  std::size_t stops_by_others = 0;
  const auto verdict_if = [&](const auto& meanwhile) {
    const Operation refused = agent.late(meanwhile);
    CHECK(refused.result == OperationResult::refused);
    CHECK(refused.changed == false);
    CHECK(refused.error);
    return refused.refused_for;
  };
  SECTION("people go to work there") {
    CHECK(verdict_if([&] { (void)agent.maintenance.set("*", 1h, "", "ops"); }) ==
          guards::Reason::maintenance);
  }
  SECTION("so many others fire that the breaker opens") {
    CHECK(verdict_if([&] {
            agent.guards.report_firing({{"", {"a", "a"}}, {"", {"b", "b"}}, {"", {"c", "c"}}}, 3);
          }) == guards::Reason::breaker_open);
  }
  SECTION("it is stopped") {
    stops_by_others = 1;
    CHECK(verdict_if([&] {
            (void)supervisord.stop_instance(name, substrate::StopMode::graceful, deadline);
          }) == guards::Reason::stopped);
  }
  SECTION("it dies") {
    CHECK(verdict_if([&] {
            supervisord.change(name, [](auto& program) {
              program.autorestart = tests::FakeProgram::Restart::never;
            });
            supervisord.crash(name, 1);
          }) == guards::Reason::other_state);
  }
  SECTION("somebody is faster") {
    stops_by_others = 1;
    CHECK(verdict_if([&] {
            (void)supervisord.stop_instance(name, substrate::StopMode::graceful, deadline);
            (void)supervisord.start_instance(name, deadline);
          }) == guards::Reason::too_young);
  }
  SECTION("it vanishes") {
    CHECK(verdict_if([&] { supervisord.remove("job"); }) == guards::Reason::no_target);
  }
  SECTION("supervisord goes away") {
    CHECK(verdict_if([&] {
            supervisord.fail(
                {.operation = tests::Operation::get, .times = tests::FakeFailure::always});
          }) == guards::Reason::unreachable);
  }
  for (const guards::GuardState& guard : agent.guards.list()) {
    CHECK(guard.budget_used == 0);
  }
  CHECK(supervisord.count(tests::Operation::stop) == stops_by_others);
}

TEST_CASE("Controller: only_if is asked just before acting, and its result decides") {
  Guarded agent;
  guards::Command command = Guarded::alert("job");
  command.trigger->only_if.emplace().text = "up > 7";
  agent.world.query_result = false;
  const Operation queued = agent.queue(command);
  CHECK(agent.world.queries.empty());
  const Operation vetoed = agent.carry_out(queued);
  CHECK(agent.world.queries == std::vector<std::string>{"up > 7"});
  CHECK(vetoed.result == OperationResult::refused);
  CHECK(vetoed.refused_for == guards::Reason::vetoed);
  CHECK(vetoed.error->message == "only_if has no result: up > 7");
  CHECK(vetoed.changed == false);
  CHECK(agent.guards.list().empty());  // neither cooldown nor budget
  agent.world.query_result = base::failure(base::ErrorKind::timeout, "no answer");
  const Operation unanswered = agent.carry_out(agent.queue(command));
  CHECK(unanswered.refused_for == guards::Reason::vetoed);
  CHECK(unanswered.error->message == "only_if could not be asked: no answer");
  agent.world.query_result = true;
  CHECK(agent.carry_out(agent.queue(command)).result == OperationResult::succeeded);
}

TEST_CASE("Controller: only_if is asked after all other guards, and never for people") {
  Guarded agent;
  guards::Command command = Guarded::alert("job");
  command.trigger->only_if.emplace().text = "up > 7";
  const Operation queued = agent.queue(command);
  REQUIRE(agent.maintenance.set("*", 1h, "", "ops"));
  CHECK(agent.carry_out(queued).refused_for == guards::Reason::maintenance);
  CHECK(agent.carry_out(agent.queue(World::command(guards::Action::restart, "job"))).result ==
        OperationResult::succeeded);
  CHECK(agent.world.queries.empty());
}

TEST_CASE("Controller: of two that were accepted the budget permits one") {
  Guarded agent({{1, 1h}, {}});
  const Operation first = agent.queue(Guarded::alert("job"));
  const Operation second = agent.queue(Guarded::alert("web:front"));
  CHECK(agent.carry_out(first).result == OperationResult::succeeded);
  const Operation refused = agent.carry_out(second);
  CHECK(refused.result == OperationResult::refused);
  CHECK(refused.refused_for == guards::Reason::budget);
}

TEST_CASE("Controller: an action that cannot be counted is not done") {
  Guarded agent;
  const Operation refused = agent.late(
      [&] { std::filesystem::create_directory(agent.folder.path() + "/state/guards.json.new"); });
  CHECK(refused.refused_for == guards::Reason::state_unreadable);
  CHECK(agent.world.supervisord->count(tests::Operation::stop) == 0);
}

TEST_CASE("Controller: a person acts whatever the guards think, and is told") {
  Guarded agent;
  REQUIRE(agent.carry_out(agent.queue(Guarded::alert("job"))).result == OperationResult::succeeded);
  REQUIRE(agent.maintenance.set("job:job", 1h, "", "ops"));
  const Operation done =
      agent.carry_out(agent.queue(World::command(guards::Action::restart, "job")));
  CHECK(done.result == OperationResult::succeeded);
  REQUIRE(done.advice.size() == 2);
  CHECK_THAT(done.advice[0], Catch::Matchers::StartsWith("maintenance: "));
  CHECK_THAT(done.advice[1], Catch::Matchers::StartsWith("cooldown: "));
  CHECK(agent.guards.list().at(0).budget_used == 1);
}

TEST_CASE("Controller: a rehearsal says what would be done, and does nothing") {
  Guarded agent;
  guards::Command command = Guarded::alert("job");
  command.dry_run = true;
  CHECK(agent.queue(command).id.empty());
  CHECK(agent.controller.submit(command).error().reason == guards::Reason::cooldown);
  CHECK_FALSE(agent.controller.run_next());
  CHECK(agent.guards.list().empty());
}

TEST_CASE(
    "Controller: a person who acts on a group is told what stands against it for any of its "
    "processes") {
  Guarded agent;
  REQUIRE(agent.maintenance.set("web:front", 1h, "new disk", "ops"));
  guards::Command command = World::command(guards::Action::restart, "web:any");
  command.target.name.name.clear();
  command.group_order = guards::GroupOrder::rolling;
  const Operation queued = agent.queue(command);
  REQUIRE(queued.advice.size() == 1);
  CHECK_THAT(queued.advice[0], Catch::Matchers::EndsWith(": new disk"));
}

TEST_CASE("Controller: a rehearsal on what is in flight is refused, and not counted") {
  Guarded agent;
  (void)agent.queue(World::command(guards::Action::restart, "job"));
  guards::Command command = Guarded::alert("job");
  command.dry_run = true;
  CHECK(agent.controller.submit(command).error().reason == guards::Reason::in_flight);
  CHECK_FALSE(agent.guards.is_cooling_down(command.target, true));
}

TEST_CASE(
    "Controller: what we are about to start was not stopped on purpose: an operation is in "
    "flight") {
  Guarded agent;
  (void)agent.carry_out(agent.queue(World::command(guards::Action::stop, "job")));
  agent.world.publish();
  guards::Command command = Guarded::alert("job", guards::Action::start);
  command.trigger->limits.only_if_state = {InstanceState::stopped};
  CHECK(agent.controller.submit(command).error().reason == guards::Reason::stopped);
  (void)agent.queue(World::command(guards::Action::start, "job"));
  CHECK(agent.controller.submit(command).error().reason == guards::Reason::in_flight);
}

}  // namespace
}  // namespace reeve::control
