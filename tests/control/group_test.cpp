// Actions on a whole group of the little supervisord.

#include <algorithm>
#include <thread>

#include "control/world.h"
#include "support/catch.h"
#include "support/eventually.h"

namespace reeve::control {
namespace {

using namespace std::chrono_literals;
using substrate::InstanceState;
using tests::World;

/// Members of one priority are acted on side by side.
std::vector<std::string> sorted(std::vector<std::string> texts) {
  std::sort(texts.begin(), texts.end());
  return texts;
}

const substrate::InstanceName front{"web", "front"};
const substrate::InstanceName back{"web", "back"};

guards::Command on_web(guards::Action action,
                       guards::GroupOrder order = guards::GroupOrder::rolling) {
  guards::Command command = World::command(action, "web:any");
  command.target.name.name.clear();
  command.group_order = order;
  return command;
}

const std::vector<std::string> all_stopped_then_started = {"start web:back", "start web:front",
                                                           "stop web:back", "stop web:front"};

TEST_CASE("Controller: a group is restarted process by process, each an operation of its own") {
  World world;
  const Operation done = world.carry_out(on_web(guards::Action::restart));
  CHECK(done.result == OperationResult::succeeded);
  CHECK(done.changed == true);
  CHECK(world.asked() == std::vector<std::string>{"stop web:back", "start web:back",
                                                  "stop web:front", "start web:front"});
  const std::vector<Operation> all = world.controller.list();
  REQUIRE(all.size() == 3);
  CHECK(all[0] == done);
  CHECK(all[1].command.target.name == back);
  CHECK(all[1].incarnation_after == world.look("web:back").incarnation());
  CHECK(all[2].result == OperationResult::succeeded);
  CHECK(world.controller.stats().of(guards::Action::restart, guards::Source::api).finished == 2);
  REQUIRE(done.steps.size() == 4);
  CHECK(done.steps[1].step == OperationStep::member);
  CHECK(done.steps[1].detail == "web:back succeeded, operation " + all[1].id);
}

TEST_CASE("Controller: a group that is not to roll is stopped as a whole before it is started") {
  World world;
  const Operation done =
      world.carry_out(on_web(guards::Action::restart, guards::GroupOrder::at_once));
  CHECK(done.result == OperationResult::succeeded);
  CHECK(sorted(world.asked()) == all_stopped_then_started);
  CHECK(world.asked()[2].starts_with("start"));
  CHECK(world.look("web:front").state == InstanceState::running);
}

TEST_CASE(
    "Controller: where all are stopped first, a stop without an answer is waited for as any "
    "other") {
  World world;
  // One after the other: the clock that this one's wait moves would be the other's deadline, too.
  world.supervisord->change(front, [](auto& program) { program.priority = 1; });
  world.supervisord->fail(
      {.operation = tests::Operation::stop, .hangs = true, .after_its_work = true});
  CHECK(world.carry_out(on_web(guards::Action::restart, guards::GroupOrder::at_once)).result ==
        OperationResult::succeeded);
  CHECK(sorted(world.asked()) == all_stopped_then_started);
  CHECK(world.asked()[2].starts_with("start"));
}

TEST_CASE("Controller: where all are stopped first, what does not run is started with the others") {
  World world;
  (void)world.carry_out(World::command(guards::Action::stop, "web:back"));
  CHECK(world.carry_out(on_web(guards::Action::restart, guards::GroupOrder::at_once)).result ==
        OperationResult::succeeded);
  CHECK(sorted(world.asked()) == all_stopped_then_started);
  CHECK(world.asked()[2].starts_with("start"));
}

TEST_CASE("Controller: all that are stopped are started in the last moment that the agent has") {
  World world;
  std::vector<std::string> names = {"web:back", "web:front"};
  for (char name = '0'; name <= '9'; ++name) {
    names.push_back(std::string("web:") + name);
    tests::FakeProgram program;
    program.name = *substrate::InstanceName::parse(names.back());
    world.supervisord->add(program);
  }
  world.supervisord->tick(2s);
  world.publish();
  for (const std::string& name : names) {
    world.supervisord->change(*substrate::InstanceName::parse(name),
                              [](auto& program) { program.start_seconds = 24h; });
  }
  std::jthread later;
  world.supervisord->after(30s, [&] {
    // From here on time stands still until all have been started, however late a thread has its
    // turn, and then passes for those that wait.
    world.supervisord->let_test_turn_clock();
    later = std::jthread([&](const std::stop_token& stop) {
      (void)tests::eventually(60s, [&] {
        return std::all_of(names.begin(), names.end(), [&](const std::string& name) {
          return world.look(name.c_str()).state == InstanceState::starting;
        });
      });
      while (!stop.stop_requested()) {
        world.supervisord->tick(100ms);
        std::this_thread::yield();
      }
    });
    world.controller.stop(base::Deadline::after(world.clock, 0s));
  });
  const Operation done =
      world.carry_out(on_web(guards::Action::restart, guards::GroupOrder::at_once));
  later = {};
  CHECK(done.result == OperationResult::abandoned);
  for (const std::string& name : names) {
    CHECK(world.look(name.c_str()).state == InstanceState::starting);
  }
}

TEST_CASE("Controller: a group is started by priority, and stopped the other way round") {
  World world;
  world.supervisord->change(front, [](auto& program) { program.priority = 1; });
  world.supervisord->change(back, [](auto& program) { program.priority = 2; });
  const auto order = GENERATE(guards::GroupOrder::rolling, guards::GroupOrder::at_once);
  (void)world.carry_out(on_web(guards::Action::stop, order));
  (void)world.carry_out(on_web(guards::Action::start, order));
  CHECK(world.asked() == std::vector<std::string>{"stop web:back", "stop web:front",
                                                  "start web:front", "start web:back"});
  (void)world.carry_out(on_web(guards::Action::restart, guards::GroupOrder::at_once));
  const auto calls = world.asked();
  CHECK(std::vector<std::string>(calls.begin() + 4, calls.end()) ==
        std::vector<std::string>{"stop web:back", "stop web:front", "start web:front",
                                 "start web:back"});
}

/// Whoever asks after the first `granted` times is refused.
PermissionLookup withdrawn_after(int granted) {
  return [granted, asked = 0](const guards::Command& command) mutable -> Permission {
    if (++asked > granted) {
      return tl::unexpected(
          guards::Refusal{guards::Reason::withdrawn, {base::ErrorKind::denied, "it is gone"}});
    }
    return command.actor_allow;
  };
}

TEST_CASE("Controller: a rolling restart ends where its token is gone, with nothing left stopped") {
  World world;
  world.controller.set_permission_lookup(withdrawn_after(1));
  const Operation done = world.carry_out(on_web(guards::Action::restart));
  CHECK(world.asked() == std::vector<std::string>{"stop web:back", "start web:back"});
  CHECK(done.result == OperationResult::refused);
  const std::vector<Operation> all = world.controller.list();
  REQUIRE(all.size() == 3);
  CHECK(all[1].result == OperationResult::succeeded);
  CHECK(all[2].refused_for == guards::Reason::withdrawn);
}

TEST_CASE("Controller: what is stopped is started though the token is gone by then") {
  World world;
  world.controller.set_permission_lookup(withdrawn_after(2));
  const Operation done =
      world.carry_out(on_web(guards::Action::restart, guards::GroupOrder::at_once));
  CHECK(done.result == OperationResult::succeeded);
  CHECK(sorted(world.asked()) == all_stopped_then_started);
}

TEST_CASE("Controller: a command acts by what its actor may act on now") {
  World world;
  world.controller.set_permission_lookup([](const guards::Command&) -> Permission {
    return std::vector{*substrate::Selector::parse("job")};
  });
  const Operation done = world.carry_out(World::command(guards::Action::restart, "web:front"));
  CHECK(done.refused_for == guards::Reason::not_allowed);
  CHECK(world.asked().empty());
}

TEST_CASE("Controller: a rolling restart ends with the first process that does not come up") {
  World world;
  world.supervisord->change(back, [](auto& program) { program.spawn_error = "no such file"; });
  const auto untouched = world.look("web:front").incarnation();
  const Operation done = world.carry_out(on_web(guards::Action::restart));
  CHECK(done.result != OperationResult::succeeded);
  REQUIRE(done.error);
  CHECK(done.error->message.find("'web:back'") == 0);
  CHECK(world.look("web:front").incarnation() == untouched);
}

TEST_CASE("Controller: where all are stopped first, one that fails keeps no other from its start") {
  World world;
  world.supervisord->change(back, [](auto& program) { program.spawn_error = "no such file"; });
  const auto before = world.look("web:front").incarnation();
  const Operation done =
      world.carry_out(on_web(guards::Action::restart, guards::GroupOrder::at_once));
  CHECK(done.result != OperationResult::succeeded);
  CHECK(world.look("web:front").state == InstanceState::running);
  CHECK(world.look("web:front").incarnation() != before);
}

TEST_CASE("Controller: a group that is gone when its turn comes is not found") {
  World world;
  const auto accepted = world.controller.submit(on_web(guards::Action::stop));
  REQUIRE(accepted);
  world.snapshot = std::make_shared<monitor::Snapshot>();
  REQUIRE(world.controller.run_next());
  const Operation done = *world.controller.find(accepted->id);
  CHECK(done.result == OperationResult::failed);
  REQUIRE(done.error);
  CHECK(done.error->kind == base::ErrorKind::not_found);
}

TEST_CASE(
    "Controller: an action on a group is counted for each of its processes, and not for the "
    "group") {
  World world;
  (void)world.carry_out(on_web(guards::Action::stop));
  const Stats stats = world.controller.stats();
  const auto& counters = stats.actions[static_cast<std::size_t>(guards::Action::stop)]
                                      [static_cast<std::size_t>(guards::Command().source)];
  CHECK(counters.finished == 2);
  REQUIRE(stats.last_actions.size() == 2);
  CHECK(stats.last_actions.begin()->first.first.name == back);
}

TEST_CASE("Controller: a group is stopped, and started") {
  World world;
  CHECK(world.carry_out(on_web(guards::Action::stop)).changed == true);
  CHECK(world.look("web:front").state == InstanceState::stopped);
  CHECK(world.look("web:back").state == InstanceState::stopped);
  CHECK(world.look("job").state == InstanceState::running);
  CHECK(world.carry_out(on_web(guards::Action::start)).changed == true);
  CHECK(world.look("web:back").state == InstanceState::running);
  CHECK(world.carry_out(on_web(guards::Action::start)).changed == false);
}

TEST_CASE(
    "Controller: a group that Reeve itself is in, or a process that is not allowed, is refused") {
  World world({front});
  const auto refused = world.controller.submit(on_web(guards::Action::restart));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().reason == guards::Reason::own_program);
  World other;
  guards::Command command = on_web(guards::Action::stop);
  command.actor_allow = {*substrate::Selector::parse("web:front")};
  CHECK(other.controller.submit(command).error().reason == guards::Reason::not_allowed);
  // What is not there is not told to an actor that may not act on it.
  command.target.name.group = "nothing";
  CHECK(other.controller.submit(command).error().reason == guards::Reason::not_allowed);
  command.actor_allow = {*substrate::Selector::parse("*")};
  CHECK(other.controller.submit(command).error().reason == guards::Reason::no_target);
}

TEST_CASE("Controller: a group's operation and one on its process exclude each other") {
  World world;
  const auto whole = world.controller.submit(on_web(guards::Action::stop));
  REQUIRE(whole);
  const auto refused = world.controller.submit(World::command(guards::Action::stop, "web:back"));
  CHECK(refused.error().operation == whole->id);
  CHECK(world.controller.submit(World::command(guards::Action::stop, "job")));
}

TEST_CASE("Controller: a rehearsal of a group says whether anything would change") {
  World world;
  guards::Command command = on_web(guards::Action::stop);
  command.dry_run = true;
  CHECK(world.controller.submit(command)->changed == true);
  command.action = guards::Action::start;
  CHECK(world.controller.submit(command)->changed == false);
  CHECK(world.asked().empty());
}

}  // namespace
}  // namespace reeve::control
