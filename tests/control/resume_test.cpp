// The rule for what was cut off, case by case.

#include "control/next_step.h"
#include "support/catch.h"

namespace reeve::control {
namespace {

using base::ErrorKind;
using base::SystemTime;
using namespace std::chrono_literals;
using substrate::InstanceDetail;
using substrate::InstanceState;
using substrate::ManagerTime;

constexpr SystemTime begun(1'700'000'000s);
constexpr ManagerTime first_start(1'699'990'000s);

/// A restart of a run that began at `first_start`, and came so far.
Operation came_to(std::vector<OperationStep> steps,
                  guards::Action action = guards::Action::restart) {
  Operation operation;
  operation.id = "1-1";
  operation.command.action = action;
  operation.command.target.name = {"job", "job"};
  operation.state = OperationState::running;
  operation.created_at = begun;
  if (!steps.empty()) {
    operation.incarnation_before = substrate::Incarnation{{100}, first_start};
    operation.last_spawn_before = first_start;
  }
  for (const OperationStep step : steps) {
    operation.steps.push_back({step, begun, ""});
  }
  return operation;
}

InstanceDetail seen(InstanceState state, ManagerTime start = first_start) {
  InstanceDetail detail;
  detail.name = {"job", "job"};
  detail.state = state;
  detail.start_time = start;
  if (is_active(state) && state != InstanceState::backoff) {
    detail.pid = {start == first_start ? 100 : 200};
  }
  return detail;
}

ResumptionInputs after(base::Duration age) {
  return {.eligible_since = begun + age, .resume_within = 10min, .maintenance = std::nullopt};
}

Resumption::Kind what(const Operation& operation, const guards::Observation& now,
                      const ResumptionInputs& inputs = after(10s)) {
  return decide_resumption(operation, now, inputs).kind;
}

using Kind = Resumption::Kind;
const std::vector<std::vector<OperationStep>> stop_asked_for = {
    {OperationStep::looked, OperationStep::stop_requested},
    {OperationStep::looked, OperationStep::stop_requested, OperationStep::outcome_unknown},
    {OperationStep::looked, OperationStep::stop_requested, OperationStep::stopped},
    {OperationStep::looked, OperationStep::stop_requested, OperationStep::stopped,
     OperationStep::resumed},
    {OperationStep::looked, OperationStep::stop_requested, OperationStep::stopped,
     OperationStep::start_requested},
};

TEST_CASE(
    "decide_resumption: a restart goes on where its process is stopping or stopped, and has not "
    "run since") {
  for (const auto& steps : stop_asked_for) {
    CHECK(what(came_to(steps), seen(InstanceState::stopping)) == Kind::resume);
    CHECK(what(came_to(steps), seen(InstanceState::stopped)) == Kind::resume);
  }
}

TEST_CASE("decide_resumption: a restart is abandoned where its process is in any other state") {
  for (const auto& steps : stop_asked_for) {
    for (const auto state :
         {InstanceState::running, InstanceState::starting, InstanceState::backoff,
          InstanceState::exited, InstanceState::fatal, InstanceState::unknown}) {
      CAPTURE(to_string(state));
      CHECK(what(came_to(steps), seen(state)) == Kind::abandon);
    }
  }
}

TEST_CASE(
    "decide_resumption: what people did meanwhile wins: a process that was started since is left "
    "alone") {
  const ManagerTime later = first_start + 1h;
  for (const auto& steps : {stop_asked_for[0], stop_asked_for[1], stop_asked_for[2]}) {
    for (const auto state : {InstanceState::running, InstanceState::starting,
                             InstanceState::stopping, InstanceState::stopped}) {
      const Resumption next = decide_resumption(came_to(steps), seen(state, later), after(10s));
      CHECK(next.kind == Kind::abandon);
      CHECK(next.why == "another client started it meanwhile");
    }
  }
}

TEST_CASE("decide_resumption: a new run whose start was asked for is watched to its end") {
  const ManagerTime later = first_start + 1h;
  for (const guards::Action action : {guards::Action::restart, guards::Action::start}) {
    for (const auto& steps : {std::vector{OperationStep::looked, OperationStep::start_requested},
                              std::vector{OperationStep::looked, OperationStep::start_requested,
                                          OperationStep::started}}) {
      for (const auto state : {InstanceState::running, InstanceState::starting,
                               InstanceState::exited, InstanceState::fatal}) {
        CHECK(what(came_to(steps, action), seen(state, later)) == Kind::resume);
      }
    }
  }
}

TEST_CASE("decide_resumption: what had not begun, and whatever is no restart, is abandoned") {
  CHECK(what(came_to({}), seen(InstanceState::stopped)) == Kind::abandon);
  CHECK(what(came_to({OperationStep::looked}), seen(InstanceState::stopped)) == Kind::abandon);
  CHECK(what(came_to({OperationStep::looked, OperationStep::stop_requested}, guards::Action::stop),
             seen(InstanceState::stopped)) == Kind::abandon);
  CHECK(
      what(came_to({OperationStep::looked, OperationStep::start_requested}, guards::Action::start),
           seen(InstanceState::stopped)) == Kind::abandon);
  CHECK(what(came_to({OperationStep::looked, OperationStep::signal_requested},
                     guards::Action::signal),
             seen(InstanceState::running)) == Kind::abandon);
}

TEST_CASE(
    "decide_resumption: what is older than resume_within is abandoned, and what comes from the "
    "future") {
  const Operation cut_off = came_to(stop_asked_for[2]);
  CHECK(what(cut_off, seen(InstanceState::stopped), after(10min - 1ns)) == Kind::resume);
  CHECK(what(cut_off, seen(InstanceState::stopped), after(10min)) == Kind::abandon);
  CHECK(what(cut_off, seen(InstanceState::stopped), after(-1min)) == Kind::abandon);
}

TEST_CASE("decide_resumption: going on does not make an operation younger") {
  Operation cut_off = came_to(stop_asked_for[2]);
  cut_off.steps.push_back({OperationStep::resumed, begun + 9min, ""});
  CHECK(what(cut_off, seen(InstanceState::stopped), after(10min)) == Kind::abandon);
}

TEST_CASE("decide_resumption: a restart is not finished where people are at work") {
  ResumptionInputs inputs = after(10s);
  inputs.maintenance = "moving house";
  const Resumption next =
      decide_resumption(came_to(stop_asked_for[2]), seen(InstanceState::stopped), inputs);
  CHECK(next.kind == Kind::abandon);
  CHECK(next.why == "it is under maintenance: moving house");
}

TEST_CASE(
    "decide_resumption: a supervisord that does not answer is waited for, within resume_within") {
  const guards::Observation away = base::failure(ErrorKind::unreachable, "nobody there");
  CHECK(what(came_to(stop_asked_for[2]), away) == Kind::wait);
  CHECK(what(came_to(stop_asked_for[2]), away, after(10min)) == Kind::abandon);
  const guards::Observation gone = base::failure(ErrorKind::not_found, "no such process");
  CHECK(what(came_to(stop_asked_for[2]), gone) == Kind::abandon);
}

}  // namespace
}  // namespace reeve::control
