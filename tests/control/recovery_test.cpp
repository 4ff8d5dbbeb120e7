// The agent dies in the middle of an action, and its next run finds what it left.

#include <algorithm>
#include <functional>

#include "base/file.h"
#include "control/world.h"
#include "support/catch.h"
#include "support/temporary_folder.h"

namespace reeve::control {
namespace {

using namespace std::chrono_literals;
using substrate::InstanceState;
using tests::Memory;
using tests::World;

const substrate::InstanceName job{"job", "job"};

/// What is thrown where the agent would be killed: nobody catches it.
struct Killed {};

/// A state directory, and one run of the agent after the other.
struct Lives {
  /// A run of the agent, on whatever world there is.
  struct Life {
    Life(const records::StateDir& state, const base::Clock& clock)
        : journal(*Journal::open(state, base::Log())),
          audit(*Audit::open(state, clock, base::Log())) {}

    [[nodiscard]] Memory memory() const { return {.journal = journal.get(), .audit = audit.get()}; }

    std::unique_ptr<Journal> journal;
    std::unique_ptr<Audit> audit;
  };

  /// Takes over what there is, and carries out what it can.
  [[nodiscard]] std::vector<Operation> next(World& world) {
    second.emplace(state, clock);
    world.publish();
    const guards::Maintenance maintenance(state, records::StateClock(world.clock, "boot"),
                                          base::Log());
    Memory memory = second->memory();
    memory.maintenance = &maintenance;
    Controller controller(world.deps({}, memory), guards::Options{}, world.clock, base::Log());
    controller.restore();
    while (controller.run_next()) {
    }
    return controller.list();
  }

  /// Of the first run, killed when `when` says so.
  void kill(World& world, const guards::Command& command,
            const std::function<bool(const Operation&)>& when) {
    world.controller.on_change([when](const Operation& operation) {
      if (when(operation)) {
        throw Killed();
      }
    });
    try {
      REQUIRE(world.controller.submit(command));
      (void)world.controller.run_next();
    } catch (const Killed&) {
      world.controller.on_change({});
    }
  }

  [[nodiscard]] std::vector<AuditEntry> told() const {
    return *second->audit->read(std::nullopt, 100);
  }

  tests::TemporaryFolder folder;
  records::StateDir state = *records::StateDir::open(folder.path());
  tests::ManualClock clock;
  Life first{state, clock};
  std::optional<Life> second;
};

/// The agent is killed before this step is on the disk, and after all that came before it.
std::function<bool(const Operation&)> before(OperationStep step) {
  return [step](const Operation& operation) {
    return !operation.steps.empty() && operation.steps.back().step == step;
  };
}

TEST_CASE("Controller: operations and their idempotency keys outlive the agent") {
  Lives lives;
  World world({}, lives.first.memory());
  guards::Command command = World::command(guards::Action::restart, "job");
  command.idempotency_key = "once";
  const Operation done = world.carry_out(command);
  CHECK(lives.next(world) == std::vector{done});
  Controller third(world.deps({}, lives.second->memory()), guards::Options{}, world.clock,
                   base::Log());
  third.restore();
  CHECK(third.submit(command) == done);
}

TEST_CASE(
    "Controller: an agent that is killed before it asks for the stop leaves the process alone") {
  for (const OperationStep step : {OperationStep::looked, OperationStep::stop_requested}) {
    Lives lives;
    World world({}, lives.first.memory());
    const auto run = world.look("job").incarnation();
    lives.kill(world, World::command(guards::Action::restart, "job"), before(step));
    const std::vector<Operation> found = lives.next(world);
    REQUIRE(found.size() == 1);
    CHECK(found[0].result == OperationResult::abandoned);
    CHECK(world.look("job").incarnation() == run);
    CHECK(world.look("job").state == InstanceState::running);
  }
}

TEST_CASE("Controller: an agent that is killed after it asked for the stop finishes the restart") {
  for (const OperationStep step : {OperationStep::stopped, OperationStep::start_requested}) {
    Lives lives;
    World world({}, lives.first.memory());
    const auto run = world.look("job").incarnation();
    lives.kill(world, World::command(guards::Action::restart, "job"), before(step));
    CHECK(world.look("job").state == InstanceState::stopped);
    const std::vector<Operation> found = lives.next(world);
    REQUIRE(found.size() == 1);
    CHECK(found[0].result == OperationResult::succeeded);
    CHECK(world.look("job").state == InstanceState::running);
    CHECK(world.look("job").incarnation() != run);
    CHECK(world.supervisord->count(tests::Operation::start) == 1);
  }
}

TEST_CASE(
    "Controller: a restart that was cut off is not finished where people are at work, or may be") {
  const std::string file = GENERATE(as<std::string>(), "", "damaged");
  Lives lives;
  World world({}, lives.first.memory());
  lives.kill(world, World::command(guards::Action::restart, "job"), before(OperationStep::stopped));
  if (file.empty()) {
    guards::Maintenance maintenance(lives.state, records::StateClock(world.clock, "boot"),
                                    base::Log());
    REQUIRE(maintenance.set("job:job", 1h, "new disks", "ops"));
  } else {
    REQUIRE(lives.state.write("maintenance.json", file));
  }
  const std::vector<Operation> found = lives.next(world);
  REQUIRE(found.size() == 1);
  CHECK(found[0].result == OperationResult::abandoned);
  CHECK(world.look("job").state == InstanceState::stopped);
}

TEST_CASE("Controller: an update that was cut off adds what it removed, once supervisord answers") {
  Lives lives;
  World world({}, lives.first.memory());
  tests::FakeProgram changed;
  changed.name = job;
  changed.command = "/bin/sleep 7";
  world.supervisord->configure(changed);
  guards::Command update = World::command(guards::Action::update, "job");
  update.target = {};
  update.group_order = guards::GroupOrder::rolling;
  lives.kill(world, update, before(OperationStep::group_removed));
  REQUIRE(world.supervisord->count(tests::Operation::remove_group) == 1);
  world.supervisord->fail({.operation = tests::Operation::reread, .times = 1});
  const std::vector<Operation> waiting = lives.next(world);
  CHECK(std::count_if(waiting.begin(), waiting.end(),
                      [](const Operation& each) { return !each.done(); }) == 1);
  const std::vector<Operation> found = lives.next(world);
  REQUIRE(found.size() == 2);
  CHECK(found[0].result == OperationResult::abandoned);  // the update as a whole
  CHECK(found[1].result == OperationResult::succeeded);
  CHECK(world.look("job").state == InstanceState::running);
  CHECK(world.supervisord->count(tests::Operation::add_group) == 1);
}

TEST_CASE("Controller: an agent that is killed after the start does not start it again") {
  for (const OperationStep step : {OperationStep::started, OperationStep::finished}) {
    Lives lives;
    World world({}, lives.first.memory());
    lives.kill(world, World::command(guards::Action::restart, "job"), before(step));
    const auto run = world.look("job").incarnation();
    const std::vector<Operation> found = lives.next(world);
    REQUIRE(found.size() == 1);
    CHECK(found[0].result == OperationResult::succeeded);
    CHECK(world.look("job").incarnation() == run);
  }
}

TEST_CASE("Controller: what a person did meanwhile wins, and is told") {
  Lives lives;
  World world({}, lives.first.memory());
  lives.kill(world, World::command(guards::Action::restart, "job"),
             before(OperationStep::start_requested));
  world.supervisord->tick(1s);
  (void)world.supervisord->start_instance(job, base::Deadline::after(world.clock, 5s));
  const auto run = world.look("job").incarnation();
  const std::vector<Operation> found = lives.next(world);
  CHECK(found.at(0).result == OperationResult::abandoned);
  CHECK(world.look("job").incarnation() == run);
  REQUIRE(lives.told().size() == 1);
  CHECK(lives.told()[0].result == "abandoned");
  CHECK(lives.told()[0].reason ==
        "the agent ended before this was done: another client started it meanwhile");
}

TEST_CASE("Controller: what is queued when the agent is killed is abandoned") {
  Lives lives;
  World world({}, lives.first.memory());
  REQUIRE(world.controller.submit(World::command(guards::Action::stop, "job")));
  const std::vector<Operation> found = lives.next(world);
  CHECK(found.at(0).result == OperationResult::abandoned);
  CHECK(world.look("job").state == InstanceState::running);
}

TEST_CASE("Controller: an end that was told is not told again") {
  Lives lives;
  World world({}, lives.first.memory());
  (void)world.carry_out(World::command(guards::Action::restart, "job"));
  (void)lives.next(world);
  CHECK(lives.told().size() == 1);
}

TEST_CASE(
    "Controller: a supervisord that is away is waited for, and what waits can be ended with the "
    "agent") {
  Lives lives;
  World world({}, lives.first.memory());
  lives.kill(world, World::command(guards::Action::restart, "job"),
             before(OperationStep::start_requested));
  world.supervisord->fail({.error = {base::ErrorKind::unreachable, "nobody there"}});
  CHECK_FALSE(lives.next(world).at(0).done());
  world.supervisord->recover();
  CHECK(lives.next(world).at(0).result == OperationResult::succeeded);
  CHECK(world.look("job").state == InstanceState::running);
}

TEST_CASE(
    "Controller: a restart that the agent's orderly end cuts off is finished by the next run") {
  Lives lives;
  World world({}, lives.first.memory());
  world.supervisord->change(job, [](auto& program) { program.stops_after = 30s; });
  world.supervisord->after(
      5s, [&world] { world.controller.stop(base::Deadline::after(world.clock, 0s)); });
  REQUIRE(world.controller.submit(World::command(guards::Action::restart, "job")));
  (void)world.controller.run_next();
  CHECK(world.controller.list().at(0).result == OperationResult::abandoned);
  world.supervisord->tick(60s);
  CHECK(lives.next(world).at(0).result == OperationResult::succeeded);
  CHECK(world.look("job").state == InstanceState::running);
}

guards::Command restart_of_web() {
  guards::Command command = World::command(guards::Action::restart, "web:any");
  command.target.name.name.clear();
  command.group_order = guards::GroupOrder::at_once;
  return command;
}

TEST_CASE("Controller: a group's operation is journalled when it is accepted, begun and ended") {
  Lives lives;
  World world({}, lives.first.memory());
  (void)world.carry_out(restart_of_web());
  const std::string journal = *base::read_file(lives.state.path("journal.jsonl"), 1'000'000);
  std::size_t lines = 0;
  for (std::size_t at = 0; (at = journal.find("whole_group", at)) != std::string::npos; ++at) {
    ++lines;
  }
  CHECK(lines == 3);
}

TEST_CASE("Controller: what is cut off does not age while the others of its group are seen to") {
  Lives lives;
  World world({}, lives.first.memory());
  lives.kill(world, restart_of_web(), before(OperationStep::start_requested));
  for (const char* name : {"back", "front"}) {
    world.supervisord->change({"web", name}, [](auto& program) { program.start_seconds = 660s; });
  }
  CHECK(lives.next(world).size() == 3);
  CHECK(world.look("web:back").state == InstanceState::running);
  CHECK(world.look("web:front").state == InstanceState::running);
}

TEST_CASE("Controller: what is cut off is as old as the last step in its group") {
  Lives lives;
  World world({}, lives.first.memory());
  world.supervisord->change({"web", "front"}, [](auto& program) {
    program.stops_after = std::nullopt;
    program.stop_wait_seconds = 660s;
  });
  lives.kill(world, restart_of_web(), before(OperationStep::start_requested));
  CHECK(lives.next(world).size() == 3);
  CHECK(world.look("web:back").state == InstanceState::running);
  CHECK(world.look("web:front").state == InstanceState::running);
}

TEST_CASE("Controller: what is cut off ages while its supervisord is away") {
  Lives lives;
  World world({}, lives.first.memory());
  lives.kill(world, World::command(guards::Action::restart, "job"),
             before(OperationStep::start_requested));
  world.supervisord->fail({.error = {base::ErrorKind::unreachable, "nobody there"}});
  CHECK_FALSE(lives.next(world).at(0).done());
  world.supervisord->recover();
  world.manual.advance(11min);
  CHECK(lives.next(world).at(0).result == OperationResult::abandoned);
  CHECK(world.look("job").state == InstanceState::stopped);
}

TEST_CASE("Controller: nothing is done that cannot be recorded first") {
  Lives lives;
  World world({}, lives.first.memory());
  guards::Command endless = World::command(guards::Action::restart, "job");
  endless.reason = std::string(2'000'000, 'x');
  const auto refused = world.controller.submit(endless);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().reason == guards::Reason::not_recorded);
  CHECK(world.controller.list().empty());
  CHECK(world.controller.submit(World::command(guards::Action::restart, "job")));
}

TEST_CASE("Controller: several commands are entered together, each with an answer of its own") {
  Lives lives;
  World world({}, lives.first.memory());
  const auto submissions = world.controller.submit_all(
      {World::command(guards::Action::restart, "job"), World::command(guards::Action::stop, "job"),
       World::command(guards::Action::stop, "nobody"),
       World::command(guards::Action::stop, "web:front")});
  REQUIRE(submissions.size() == 4);
  CHECK(submissions[0]);
  CHECK(submissions[1].error().reason == guards::Reason::in_flight);
  CHECK(submissions[1].error().operation == submissions[0]->id);
  CHECK(submissions[2].error().reason == guards::Reason::no_target);
  CHECK(submissions[3]);
  CHECK(lives.first.audit->read(std::nullopt, 10)->size() == 2);
}

TEST_CASE("Controller: what is refused does not wait for what is being entered") {
  std::optional<Submission> refused;  // outlives the world, whose end is told too
  World world;
  world.controller.on_change([&](const Operation&) {
    refused = world.controller.submit(World::command(guards::Action::stop, "nobody"));
  });
  REQUIRE(world.controller.submit(World::command(guards::Action::stop, "job")));
  REQUIRE(refused);
  CHECK(refused->error().reason == guards::Reason::no_target);
}

TEST_CASE("Controller: the policy is asked again just before acting") {
  World world;
  const auto accepted = world.controller.submit(World::command(guards::Action::stop, "job"));
  REQUIRE(accepted);
  guards::Options options;
  options.deny = {*substrate::Selector::parse("job")};
  world.controller.configure(options);
  REQUIRE(world.controller.run_next());
  const Operation refused = *world.controller.find(accepted->id);
  CHECK(refused.result == OperationResult::refused);
  CHECK(refused.refused_for == guards::Reason::not_allowed);
  CHECK(world.look("job").state == InstanceState::running);
}

}  // namespace
}  // namespace reeve::control
