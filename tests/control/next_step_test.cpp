#include "control/next_step.h"

#include "support/catch.h"

namespace reeve::control {
namespace {

using base::ErrorKind;
using Kind = NextStep::Kind;
using substrate::InstanceState;

constexpr bool patient = true;
constexpr bool impatient = false;
const substrate::ManagerTime old_start{std::chrono::seconds(1'000)};
const substrate::ManagerTime new_start{std::chrono::seconds(2'000)};

substrate::InstanceDetail seen(InstanceState state, substrate::ManagerTime start = old_start) {
  substrate::InstanceDetail detail;
  detail.name = {"job", "job"};
  detail.state = state;
  detail.start_time = start;
  if (substrate::is_active(state) && state != InstanceState::backoff) {
    detail.pid = substrate::Pid{start == old_start ? 10 : 20};
  }
  return detail;
}

/// A restart of pid 10 that has come this far.
Operation restart(std::initializer_list<OperationStep> steps) {
  Operation operation;
  operation.command.action = guards::Action::restart;
  operation.command.target.name = {"job", "job"};
  operation.incarnation_before = seen(InstanceState::running).incarnation();
  operation.last_spawn_before = old_start;
  for (const OperationStep step : steps) {
    operation.steps.push_back({step, {}, ""});
  }
  return operation;
}

Operation stop(std::initializer_list<OperationStep> steps) {
  Operation operation = restart(steps);
  operation.command.action = guards::Action::stop;
  return operation;
}

const std::initializer_list<OperationStep> stopping = {
    OperationStep::looked, OperationStep::stop_requested, OperationStep::outcome_unknown};
const std::initializer_list<OperationStep> starting = {
    OperationStep::looked, OperationStep::stop_requested, OperationStep::stopped,
    OperationStep::start_requested, OperationStep::outcome_unknown};

TEST_CASE(
    "next_step: a restart begins with a stop where there is something to stop, else with the "
    "start") {
  for (const InstanceState state : substrate::all_instance_states) {
    const NextStep next = next_step(restart({OperationStep::looked}), seen(state), patient);
    CHECK(next.kind == (substrate::is_active(state) ? Kind::stop : Kind::start));
  }
}

TEST_CASE("next_step: what cannot be seen is not acted on") {
  const guards::Observation away = base::failure(ErrorKind::unreachable, "connection refused");
  const NextStep next = next_step(restart({OperationStep::looked}), away, patient);
  CHECK(next.kind == Kind::finish);
  CHECK(next.result == OperationResult::failed);
  CHECK(next.error == away.error());
}

TEST_CASE("next_step: a restart that is stopped is started, whatever is seen") {
  const auto stopped =
      restart({OperationStep::looked, OperationStep::stop_requested, OperationStep::stopped});
  const guards::Observation away = base::failure(ErrorKind::cancelled, "shutting down");
  CHECK(next_step(stopped, away, impatient).kind == Kind::start);
  CHECK(next_step(stopped, seen(InstanceState::stopped), impatient).kind == Kind::start);
}

TEST_CASE("next_step: a stop of unknown outcome: stopped is success, the old run is waited for") {
  const NextStep done = next_step(stop(stopping), seen(InstanceState::stopped), patient);
  CHECK(done.result == OperationResult::succeeded);
  CHECK(done.changed);
  for (const auto state : {InstanceState::running, InstanceState::stopping}) {
    CHECK(next_step(stop(stopping), seen(state), patient).kind == Kind::look_again);
    CHECK(next_step(stop(stopping), seen(state), impatient).error->kind == ErrorKind::timeout);
  }
}

TEST_CASE("next_step: a stop of unknown outcome: a newer run is somebody else's, and wins") {
  const NextStep next =
      next_step(restart(stopping), seen(InstanceState::running, new_start), patient);
  CHECK(next.result == OperationResult::abandoned);
  CHECK(next.error->message == "'job' was started again by another client meanwhile");
}

TEST_CASE(
    "next_step: a stop of unknown outcome: out of sight is waited for, a vanished process is not") {
  const guards::Observation away = base::failure(ErrorKind::timeout, "no answer");
  const guards::Observation gone = base::failure(ErrorKind::not_found, "no such process");
  CHECK(next_step(restart(stopping), away, patient).kind == Kind::look_again);
  CHECK(next_step(restart(stopping), away, impatient).error->kind == ErrorKind::timeout);
  CHECK(next_step(restart(stopping), gone, patient).error->kind == ErrorKind::not_found);
  CHECK(next_step(restart(starting), away, patient).kind == Kind::look_again);
  CHECK(next_step(restart(starting), gone, patient).error->kind == ErrorKind::not_found);
}

TEST_CASE("next_step: a start of unknown outcome: a new run that is RUNNING is success") {
  const NextStep next =
      next_step(restart(starting), seen(InstanceState::running, new_start), patient);
  CHECK(next.kind == Kind::finish);
  CHECK(next.result == OperationResult::succeeded);
  CHECK(next.changed);
  CHECK(next_step(restart(starting), seen(InstanceState::starting, new_start), patient).kind ==
        Kind::look_again);
}

TEST_CASE(
    "next_step: a start of unknown outcome: where nothing was spawned since it is asked for "
    "again") {
  for (const auto state : {InstanceState::stopped, InstanceState::exited, InstanceState::fatal}) {
    CHECK(next_step(restart(starting), seen(state), patient).kind == Kind::start);
    CHECK(next_step(restart(starting), seen(state), impatient).error->kind == ErrorKind::timeout);
  }
}

TEST_CASE(
    "next_step: a start of unknown outcome: a new run that somebody stopped is left stopped") {
  for (const auto state : {InstanceState::stopped, InstanceState::stopping}) {
    const NextStep next = next_step(restart(starting), seen(state, new_start), patient);
    CHECK(next.result == OperationResult::abandoned);
  }
}

TEST_CASE("next_step: a start of unknown outcome: a new run that failed has flapped") {
  for (const auto state : {InstanceState::backoff, InstanceState::fatal}) {
    const NextStep next = next_step(restart(starting), seen(state, new_start), patient);
    CHECK(next.result == OperationResult::flapped);
    CHECK(next.error->kind == ErrorKind::spawn_failed);
  }
}

TEST_CASE(
    "next_step: a start of unknown outcome: a new run that ended tells by its spawn error how") {
  auto ended = seen(InstanceState::exited, new_start);
  CHECK(next_step(restart(starting), ended, patient).result == OperationResult::succeeded);
  ended.spawn_error = "Bad exit code 2";
  CHECK(next_step(restart(starting), ended, patient).result == OperationResult::flapped);
}

TEST_CASE("next_step: UNKNOWN after a start is supervisord's own trouble") {
  const NextStep next =
      next_step(restart(starting), seen(InstanceState::unknown, new_start), patient);
  CHECK(next.error->kind == ErrorKind::fault);
}

TEST_CASE("next_step: every step in every state, seen or not, patient or not, has an answer") {
  const std::initializer_list<OperationStep> all = {
      OperationStep::looked,    OperationStep::stop_requested,   OperationStep::stopped,
      OperationStep::started,   OperationStep::signal_requested, OperationStep::start_requested,
      OperationStep::signalled, OperationStep::outcome_unknown,  OperationStep::finished};
  for (const guards::Action action : guards::all_actions) {
    for (const OperationStep step : all) {
      for (const InstanceState state : substrate::all_instance_states) {
        Operation operation = restart({step});
        operation.command.action = action;
        const NextStep next = next_step(operation, seen(state), impatient);
        CHECK(next.kind != Kind::look_again);
        const bool failed = next.result != OperationResult::succeeded;
        CHECK(next.error.has_value() == failed);
      }
    }
  }
}

}  // namespace
}  // namespace reeve::control
