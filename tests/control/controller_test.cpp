#include "control/controller.h"

#include "control/world.h"
#include "support/catch.h"

namespace reeve::control {
namespace {

using base::ErrorKind;
using namespace std::chrono_literals;
using substrate::InstanceState;
using tests::FakeFailure;
using tests::World;

std::vector<OperationStep> steps_of(const Operation& operation) {
  std::vector<OperationStep> steps;
  for (const StepRecord& each : operation.steps) {
    steps.push_back(each.step);
  }
  return steps;
}

TEST_CASE(
    "Controller: an observer hears of each state of each operation, the first and the last too") {
  World world;
  std::vector<Operation> heard;
  world.controller.on_change([&](const Operation& operation) { heard.push_back(operation); });
  const Operation done = world.carry_out(World::command(guards::Action::restart, "job"));
  REQUIRE(heard.size() > 2);
  CHECK(heard.front().state == OperationState::queued);
  CHECK(heard[1].state == OperationState::running);
  CHECK(heard.back() == done);
}

TEST_CASE("Controller: a stop is asked for, seen done and recorded step by step") {
  World world;
  const Operation done = world.carry_out(World::command(guards::Action::stop, "web:front"));
  CHECK(done.result == OperationResult::succeeded);
  CHECK(done.changed == true);
  CHECK(world.look("web:front").state == InstanceState::stopped);
  CHECK(steps_of(done) == std::vector{OperationStep::looked, OperationStep::stop_requested,
                                      OperationStep::stopped, OperationStep::finished});
  CHECK(done.incarnation_before);
  CHECK_FALSE(done.incarnation_after);
  CHECK(done.finished_at);
}

TEST_CASE(
    "Controller: stopping what is stopped and starting what runs changes nothing, and is no "
    "error") {
  World world;
  CHECK(world.carry_out(World::command(guards::Action::start, "job")).changed == false);
  CHECK(world.carry_out(World::command(guards::Action::stop, "job")).changed == true);
  const Operation again = world.carry_out(World::command(guards::Action::stop, "job"));
  CHECK(again.result == OperationResult::succeeded);
  CHECK(again.changed == false);
}

TEST_CASE("Controller: a forced stop is done once it is asked for") {
  World world;
  world.supervisord->change({"job", "job"}, [](auto& program) { program.stops_after = 5s; });
  guards::Command command = World::command(guards::Action::stop, "job");
  command.stop_mode = substrate::StopMode::force;
  CHECK(world.carry_out(command).result == OperationResult::succeeded);
  CHECK(world.look("job").state == InstanceState::stopping);
}

TEST_CASE("Controller: a start is done once the process has outlived its startsecs") {
  World world;
  (void)world.carry_out(World::command(guards::Action::stop, "job"));
  world.supervisord->change({"job", "job"}, [](auto& program) { program.start_seconds = 5s; });
  const Operation done = world.carry_out(World::command(guards::Action::start, "job"));
  CHECK(done.result == OperationResult::succeeded);
  CHECK(done.incarnation_after == world.look("job").incarnation());
  CHECK(*done.finished_at - done.created_at >= 5s);
}

TEST_CASE("Controller: a start that fails says why in supervisord's words") {
  World world;
  (void)world.carry_out(World::command(guards::Action::stop, "job"));
  world.supervisord->change({"job", "job"},
                            [](auto& program) { program.spawn_error = "too many open files"; });
  const Operation done = world.carry_out(World::command(guards::Action::start, "job"));
  CHECK(done.result == OperationResult::failed);
  REQUIRE(done.error);
  CHECK(done.error->kind == ErrorKind::spawn_failed);
  CHECK(done.error->message.find("too many open files") != std::string::npos);
}

TEST_CASE("Controller: a signal is sent under its canonical name") {
  World world;
  guards::Command command = World::command(guards::Action::signal, "web:front");
  command.signal = "sigusr1";
  const Operation done = world.carry_out(command);
  CHECK(done.result == OperationResult::succeeded);
  CHECK(done.command.signal == "USR1");
  CHECK(world.supervisord->count(tests::Operation::signal) == 1);
}

TEST_CASE("Controller: a name with SIG before it twice is no signal") {
  World world;
  guards::Command command = World::command(guards::Action::signal, "web:front");
  command.signal = "SIGSIGUSR1";
  const auto submission = world.controller.submit(command);
  REQUIRE_FALSE(submission);
  CHECK(submission.error().reason == guards::Reason::signal_not_allowed);
}

TEST_CASE("Controller: a signal to what does not run is a conflict") {
  World world;
  (void)world.carry_out(World::command(guards::Action::stop, "job"));
  guards::Command command = World::command(guards::Action::signal, "job");
  command.signal = "HUP";
  const Operation done = world.carry_out(command);
  CHECK(done.result == OperationResult::failed);
  CHECK(done.error->kind == ErrorKind::conflict);
}

TEST_CASE(
    "Controller: whether a signal without an answer was delivered stays unknown, and is not "
    "repeated") {
  World world;
  world.supervisord->fail({.operation = tests::Operation::signal, .hangs = true});
  guards::Command command = World::command(guards::Action::signal, "job");
  command.signal = "HUP";
  const Operation done = world.carry_out(command);
  CHECK(done.error->kind == ErrorKind::timeout);
  CHECK(world.supervisord->count(tests::Operation::signal) == 1);
}

TEST_CASE("Controller: the run is compared once more just before acting") {
  World world;
  guards::Command command = World::command(guards::Action::stop, "job");
  command.if_incarnation = world.look("job").incarnation();
  const auto accepted = world.controller.submit(command);
  REQUIRE(accepted);
  world.supervisord->crash({"job", "job"}, 1);
  world.supervisord->tick(5s);
  CHECK(world.controller.run_next());
  const Operation done = *world.controller.find(accepted->id);
  CHECK(done.result == OperationResult::refused);
  CHECK(done.error->kind == ErrorKind::stale);
  CHECK(world.supervisord->count(tests::Operation::stop) == 0);
}

TEST_CASE("Controller: a process that vanished before the action is not found") {
  World world;
  REQUIRE(world.controller.submit(World::command(guards::Action::stop, "job")));
  world.supervisord->remove("job");
  CHECK(world.controller.run_next());
  CHECK(world.controller.list().back().error->kind == ErrorKind::not_found);
}

TEST_CASE("Controller: a stop whose answer is lost is verified by looking") {
  World world;
  world.supervisord->fail(
      {.operation = tests::Operation::stop, .hangs = true, .after_its_work = true});
  const Operation done = world.carry_out(World::command(guards::Action::stop, "job"));
  CHECK(done.result == OperationResult::succeeded);
  CHECK(done.changed == true);
  CHECK(steps_of(done) == std::vector{OperationStep::looked, OperationStep::stop_requested,
                                      OperationStep::outcome_unknown, OperationStep::finished});
}

TEST_CASE(
    "Controller: a stop that never came through is given up in the end: the outcome is unknown") {
  World world;
  world.supervisord->fail({.operation = tests::Operation::stop});
  const Operation done = world.carry_out(World::command(guards::Action::stop, "job"));
  CHECK(done.result == OperationResult::failed);
  CHECK(done.error->kind == ErrorKind::timeout);
  CHECK(world.look("job").state == InstanceState::running);
}

TEST_CASE(
    "Controller: a second command on the same process is refused while the first is not done") {
  World world;
  const auto first = world.controller.submit(World::command(guards::Action::restart, "web:front"));
  REQUIRE(first);
  const auto second = world.controller.submit(World::command(guards::Action::stop, "web:front"));
  REQUIRE_FALSE(second);
  CHECK(second.error().reason == guards::Reason::in_flight);
  CHECK(second.error().error.kind == ErrorKind::conflict);
  CHECK(second.error().operation == first->id);
  CHECK(world.controller.run_next());
  CHECK(world.controller.submit(World::command(guards::Action::stop, "web:front")));
}

TEST_CASE("Controller: the same key of the same actor is the same operation, done or not") {
  World world;
  guards::Command command = World::command(guards::Action::restart, "job");
  command.idempotency_key = "deploy-7";
  const auto first = world.controller.submit(command);
  CHECK(world.controller.submit(command)->id == first->id);
  CHECK(world.controller.run_next());
  CHECK(world.controller.submit(command)->result == OperationResult::succeeded);
  CHECK(world.supervisord->count(tests::Operation::stop) == 1);
  command.actor = "somebody else";
  CHECK(world.controller.submit(command)->id != first->id);
}

TEST_CASE(
    "Controller: a key stays good for its command though the actor's allow list was reloaded") {
  World world;
  guards::Command command = World::command(guards::Action::restart, "job");
  command.idempotency_key = "deploy-7";
  const auto first = world.controller.submit(command);
  command.actor_allow = {*substrate::Selector::parse("job")};
  const auto again = world.controller.submit(command);
  REQUIRE(again);
  CHECK(again->id == first->id);
}

TEST_CASE("Controller: a key that was used for another command is refused") {
  World world;
  guards::Command command = World::command(guards::Action::restart, "job");
  command.idempotency_key = "deploy-7";
  const auto first = world.controller.submit(command);
  command.action = guards::Action::stop;
  const auto second = world.controller.submit(command);
  REQUIRE_FALSE(second);
  CHECK(second.error().reason == guards::Reason::key_reused);
  CHECK(second.error().operation == first->id);
}

TEST_CASE("Controller: a dry run says whether something would change, and does nothing") {
  World world;
  guards::Command command = World::command(guards::Action::start, "job");
  command.dry_run = true;
  const auto rehearsed = world.controller.submit(command);
  REQUIRE(rehearsed);
  CHECK(rehearsed->done());
  CHECK(rehearsed->changed == false);
  CHECK_FALSE(rehearsed->result);
  CHECK(rehearsed->id.empty());
  command.action = guards::Action::restart;
  CHECK(world.controller.submit(command)->changed == true);
  CHECK_FALSE(world.controller.run_next());
  CHECK(world.controller.list().empty());
}

TEST_CASE("Controller: who waits is told once, at the end or at once if that was before") {
  World world;
  const std::string id = world.controller.submit(World::command(guards::Action::stop, "job"))->id;
  std::vector<OperationState> told;
  const auto tell = [&](const Operation& operation) { told.push_back(operation.state); };
  CHECK(world.controller.on_finished(id, tell));
  CHECK(told.empty());
  CHECK(world.controller.run_next());
  CHECK(told == std::vector{OperationState::done});
  CHECK(world.controller.on_finished(id, tell));
  CHECK(told.size() == 2);
  CHECK_FALSE(world.controller.on_finished("no-such-id", tell));
}

TEST_CASE(
    "Controller: an action that is broken off by a bug is failed, and its process is free again") {
  World world;
  const std::string id = world.controller.submit(World::command(guards::Action::stop, "job"))->id;
  world.supervisord->after(0s, [] { throw std::runtime_error("out of memory"); });
  CHECK(world.controller.run_next());
  const Operation broken = *world.controller.find(id);
  CHECK(broken.result == OperationResult::failed);
  CHECK(broken.error->kind == ErrorKind::internal);
  CHECK(world.controller.submit(World::command(guards::Action::stop, "job")));
}

TEST_CASE(
    "Controller: a callback that throws ends neither the operation's record nor the controller") {
  World world;
  const std::string id = world.controller.submit(World::command(guards::Action::stop, "job"))->id;
  CHECK(world.controller.on_finished(id, [](const Operation&) { throw std::bad_alloc(); }));
  CHECK(world.controller.run_next());
  CHECK(world.controller.find(id)->result == OperationResult::succeeded);
  CHECK(world.carry_out(World::command(guards::Action::start, "job")).changed == true);
}

TEST_CASE("Controller: after an action the fleet is nudged, and the counters tell of it") {
  World world;
  (void)world.carry_out(World::command(guards::Action::stop, "job"));
  CHECK(world.nudges == 1);
  world.supervisord->fail({.operation = tests::Operation::start,
                           .error = {ErrorKind::conflict, "it is being stopped"}});
  (void)world.carry_out(World::command(guards::Action::start, "job"));
  guards::Command denied = World::command(guards::Action::start, "job");
  denied.actor_allow.clear();
  CHECK_FALSE(world.controller.submit(denied));

  const Stats stats = world.controller.stats();
  CHECK(stats.of(guards::Action::stop, guards::Source::api).finished == 1);
  CHECK(stats.of(guards::Action::start, guards::Source::api)
            .failures[static_cast<std::size_t>(FailureReason::conflict)] == 1);
  CHECK(stats.of(guards::Action::start, guards::Source::api)
            .refused[static_cast<std::size_t>(guards::Reason::not_allowed)] == 1);
  CHECK(stats.last_actions.contains({denied.target, guards::Action::stop}));
}

TEST_CASE("Controller: an action's duration is that of the action, of each member of a group too") {
  World world;
  tests::FakeProgram slow;
  slow.name = {"slow", "one"};
  slow.start_seconds = 9s;
  world.supervisord->add(slow);
  world.supervisord->tick(20s);
  world.publish();
  const auto seconds = [&] {
    return world.controller.stats()
        .durations[static_cast<std::size_t>(guards::Action::restart)]
        .sum_seconds;
  };
  (void)world.carry_out(World::command(guards::Action::restart, "slow:one"));
  CHECK(seconds() >= 9);
  guards::Command group = World::command(guards::Action::restart, "slow:one");
  group.target.name.name.clear();
  group.group_order = guards::GroupOrder::rolling;
  (void)world.carry_out(group);
  CHECK(seconds() >= 18);
}

TEST_CASE("Controller: a configuration is for the commands that come after it") {
  World world;
  guards::Options options;
  options.deny = {*substrate::Selector::parse("job")};
  world.controller.configure(options);
  CHECK(world.controller.submit(World::command(guards::Action::stop, "job")).error().reason ==
        guards::Reason::not_allowed);
}

TEST_CASE(
    "Controller: once the controller is stopped it accepts nothing, and what was queued is "
    "abandoned") {
  World world;
  const std::string id = world.controller.submit(World::command(guards::Action::stop, "job"))->id;
  world.controller.stop(base::Deadline::after(world.clock, 1s));
  CHECK(world.controller.find(id)->result == OperationResult::abandoned);
  CHECK(world.controller.submit(World::command(guards::Action::stop, "job")).error().reason ==
        guards::Reason::shutting_down);
  CHECK(world.supervisord->count(tests::Operation::stop) == 0);
}

}  // namespace
}  // namespace reeve::control
