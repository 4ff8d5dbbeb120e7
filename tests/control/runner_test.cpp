// A restart against the little supervisord, with everything that can go wrong in between.

#include "control/runner.h"

#include <functional>

#include "control/world.h"
#include "support/catch.h"

namespace reeve::control {
namespace {

using base::ErrorKind;
using namespace std::chrono_literals;
using substrate::InstanceState;
using tests::World;

const substrate::InstanceName job{"job", "job"};

std::vector<OperationStep> steps_of(const Operation& operation) {
  std::vector<OperationStep> steps;
  for (const StepRecord& each : operation.steps) {
    steps.push_back(each.step);
  }
  return steps;
}

Operation restart(World& world) {
  return world.carry_out(World::command(guards::Action::restart, "job"));
}

TEST_CASE("runner: a restart stops, sees it stopped, starts, and verifies the new run") {
  World world;
  const auto before = world.look("job").incarnation();
  const Operation done = restart(world);
  CHECK(done.result == OperationResult::succeeded);
  CHECK(done.changed == true);
  CHECK(steps_of(done) == std::vector{OperationStep::looked, OperationStep::stop_requested,
                                      OperationStep::stopped, OperationStep::start_requested,
                                      OperationStep::started, OperationStep::finished});
  CHECK(done.incarnation_before == before);
  CHECK(done.incarnation_after == world.look("job").incarnation());
  CHECK(done.incarnation_after != before);
}

TEST_CASE("runner: a restart of what does not run is a start") {
  World world;
  (void)world.carry_out(World::command(guards::Action::stop, "job"));
  const Operation done = restart(world);
  CHECK(done.result == OperationResult::succeeded);
  CHECK(steps_of(done) == std::vector{OperationStep::looked, OperationStep::start_requested,
                                      OperationStep::started, OperationStep::finished});
}

TEST_CASE("runner: a restart waits for a process that takes its whole stopwaitsecs to go") {
  World world;
  world.supervisord->change(job, [](auto& program) {
    program.stops_after = std::nullopt;
    program.stop_wait_seconds = 300s;
  });
  CHECK(restart(world).result == OperationResult::succeeded);
}

TEST_CASE("runner: a restart whose stop was carried out without an answer starts it all the same") {
  World world;
  world.supervisord->fail(
      {.operation = tests::Operation::stop, .hangs = true, .after_its_work = true});
  CHECK(restart(world).result == OperationResult::succeeded);
  CHECK(world.look("job").state == InstanceState::running);
}

TEST_CASE("runner: a start that was carried out without an answer is not repeated") {
  World world;
  world.supervisord->fail(
      {.operation = tests::Operation::start, .hangs = true, .after_its_work = true});
  CHECK(restart(world).result == OperationResult::succeeded);
  CHECK(world.supervisord->count(tests::Operation::start) == 1);
}

TEST_CASE("runner: a start that did not come through is asked for again until it does") {
  World world;
  world.supervisord->fail({.operation = tests::Operation::start, .times = 5});
  const Operation done = restart(world);
  CHECK(done.result == OperationResult::succeeded);
  CHECK(world.supervisord->count(tests::Operation::start) == 6);
  CHECK(done.steps.size() < 10);
}

TEST_CASE("runner: a supervisord that restarts between stop and start still gets its start") {
  World world;
  world.supervisord->fail({.operation = tests::Operation::start,
                           .error = {ErrorKind::shutting_down, "supervisord is shutting down"}});
  CHECK(restart(world).result == OperationResult::succeeded);
  CHECK(world.look("job").state == InstanceState::running);
}

TEST_CASE("runner: a stop that supervisord refuses leaves the process as it was") {
  World world;
  world.supervisord->lose(job);
  world.publish();
  const Operation done = world.carry_out(World::command(guards::Action::stop, "job"));
  CHECK(done.result == OperationResult::failed);
  CHECK(world.supervisord->count(tests::Operation::start) == 0);
}

TEST_CASE("runner: a new run that does not reach its startsecs is a failure with the spawn error") {
  World world;
  world.supervisord->change(job, [](auto& program) { program.dies_after = 500ms; });
  const Operation done = restart(world);
  CHECK(done.result == OperationResult::failed);
  CHECK(done.error->kind == ErrorKind::spawn_failed);
}

TEST_CASE("runner: a new run that ends right after its start has flapped") {
  World world;
  world.supervisord->change(job, [](auto& program) {
    program.start_seconds = 0s;
    program.dies_after = 0s;
    program.exit_status = 3;
    program.autorestart = tests::FakeProgram::Restart::never;
  });
  const Operation done = restart(world);
  CHECK(done.result == OperationResult::flapped);
  CHECK(done.error->message == "'job' came up and did not stay, it is EXITED: Bad exit code 3");
}

TEST_CASE("runner: a new run that does its work and ends as expected has succeeded") {
  World world;
  world.supervisord->change(job, [](auto& program) {
    program.start_seconds = 0s;
    program.dies_after = 0s;
    program.autorestart = tests::FakeProgram::Restart::never;
  });
  CHECK(restart(world).result == OperationResult::succeeded);
}

TEST_CASE("runner: what supervisord cannot tell of its programs does not hinder a restart") {
  World world;
  world.supervisord->fail({.operation = tests::Operation::programs,
                           .error = {ErrorKind::not_implemented, "HTTP 500"},
                           .times = tests::FakeFailure::always});
  CHECK(restart(world).result == OperationResult::succeeded);
}

using Record = std::function<base::Result<void>(const Operation&)>;

/// As the controller has it, with a journal that answers as `record` does.
ExecutionContext context_in(World& world, Record record) {
  return {.member = tests::member_of("", world.supervisord),
          .timeouts = {},
          .clock = &world.clock,
          .drain_requested = {},
          .abort_requested = {},
          .record = std::move(record),
          .recheck = [](const guards::Observation&) { return std::optional<guards::Refusal>(); }};
}

Operation new_restart() {
  Operation operation;
  operation.id = "1";
  operation.command = World::command(guards::Action::restart, "job");
  return operation;
}

/// Carries a restart out while the agent runs out of time, as soon as `when` is recorded.
Operation interrupted_at(World& world, OperationStep when) {
  std::stop_source drain_requested;
  std::stop_source abort_requested;
  ExecutionContext context = context_in(world, [&](const Operation& so_far) {
    drain_requested.request_stop();
    if (so_far.steps.back().step == when) {
      abort_requested.request_stop();
    }
    return base::Result<void>();
  });
  context.drain_requested = drain_requested.get_token();
  context.abort_requested = abort_requested.get_token();
  return run(new_restart(), context);
}

/// The disk is full once the stop is recorded, whose answer never comes.
base::Result<void> only_the_stop(const Operation& so_far) {
  const OperationStep last = so_far.steps.back().step;
  return last == OperationStep::looked || last == OperationStep::stop_requested
             ? base::Result<void>()
             : base::failure(ErrorKind::internal, "No space left on device");
}

TEST_CASE("runner: a request that cannot be recorded is not sent, and refused for that") {
  World world;
  const auto before = world.look("job");
  Operation operation = new_restart();
  const auto only_the_look = [](const Operation& so_far) {
    return so_far.steps.back().step == OperationStep::looked
               ? base::Result<void>()
               : base::failure(ErrorKind::internal, "No space left on device");
  };
  for (const guards::Action action : {guards::Action::restart, guards::Action::stop}) {
    operation.command.action = action;
    const Operation done = run(operation, context_in(world, only_the_look));
    CHECK(done.result == OperationResult::refused);
    CHECK(done.refused_for == guards::Reason::not_recorded);
    CHECK(done.changed == false);
    CHECK(done.error->message == "nothing is done without a record of it: No space left on device");
  }
  CHECK(world.asked().empty());
  CHECK(world.look("job").incarnation() == before.incarnation());
}

TEST_CASE("runner: a restart that is seen stopped is started though nothing more can be recorded") {
  World world;
  world.supervisord->fail(
      {.operation = tests::Operation::stop, .hangs = true, .after_its_work = true});
  const Operation done = run(new_restart(), context_in(world, only_the_stop));
  CHECK(done.result == OperationResult::succeeded);
  CHECK(world.look("job").state == InstanceState::running);
}

TEST_CASE("runner: a restart that was cut off at its stop goes on though nothing can be recorded") {
  World world;
  Operation cut_off = new_restart();
  const auto run_before = world.look("job");
  cut_off.incarnation_before = run_before.incarnation();
  cut_off.last_spawn_before = run_before.start_time;
  cut_off.steps = {{OperationStep::looked, {}, ""}, {OperationStep::stop_requested, {}, ""}};
  (void)world.carry_out(World::command(guards::Action::stop, "job"));
  (void)resume(cut_off, world.look("job"), context_in(world, only_the_stop));
  CHECK(world.look("job").state == InstanceState::running);
}

TEST_CASE(
    "runner: a restart that is stopped already is started though the agent has no time left") {
  for (const OperationStep when : {OperationStep::stopped, OperationStep::start_requested}) {
    World world;
    const Operation done = interrupted_at(world, when);
    CHECK(world.look("job").state == InstanceState::running);
    CHECK(done.result == OperationResult::succeeded);
  }
}

TEST_CASE(
    "runner: a restart of which nothing was done yet is abandoned when the agent has no time "
    "left") {
  World world;
  const Operation done = interrupted_at(world, OperationStep::looked);
  CHECK(done.result == OperationResult::abandoned);
  CHECK(done.error->kind == ErrorKind::cancelled);
  CHECK(world.look("job").state == InstanceState::running);
}

TEST_CASE("runner: a restart is carried through while the agent only is in a hurry") {
  World world;
  const Operation done = interrupted_at(world, OperationStep::finished);
  CHECK(done.result == OperationResult::succeeded);
}

}  // namespace
}  // namespace reeve::control
