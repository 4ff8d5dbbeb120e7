#include "control/next_step.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/text.h"
#include "guards/policy.h"

namespace reeve::control {

using base::Error;
using base::ErrorKind;
using guards::Observation;
using substrate::InstanceDetail;
using substrate::InstanceState;

namespace {

NextStep act(NextStep::Kind kind) {
  return {.kind = kind};
}

NextStep succeed(bool changed) {
  return {.kind = NextStep::Kind::finish, .changed = changed};
}

NextStep end(OperationResult result, Error error) {
  return {.kind = NextStep::Kind::finish, .result = result, .error = std::move(error)};
}

/// Looks again until there is no time left for it.
NextStep look_again(const Operation& operation, const std::string& seen, bool may_look_again) {
  if (may_look_again) {
    return act(NextStep::Kind::look_again);
  }
  return end(OperationResult::failed,
             {ErrorKind::timeout,
              "the outcome is unknown: '" + operation.command.target.name.text() + "' is " + seen});
}

NextStep abandon(const Operation& operation, const std::string& what) {
  return end(OperationResult::abandoned,
             {ErrorKind::conflict, "'" + operation.command.target.name.text() + "' " + what +
                                       " by another client meanwhile"});
}

NextStep did_not_stay(const Operation& operation, const InstanceDetail& seen) {
  std::string why = seen.spawn_error.empty() ? "" : ": " + seen.spawn_error;
  return end(OperationResult::flapped,
             {ErrorKind::spawn_failed, "'" + operation.command.target.name.text() +
                                           "' came up and did not stay, it is " +
                                           std::string(to_string(seen.state)) + std::move(why)});
}

NextStep first(const Operation& operation, const Observation& seen) {
  if (!seen) {
    return end(OperationResult::failed, seen.error());
  }
  const guards::Command& command = operation.command;
  if (command.if_incarnation && command.if_incarnation != seen->incarnation()) {
    return end(OperationResult::refused, guards::another_run(command, seen->incarnation()));
  }
  switch (command.action) {
    case guards::Action::start:
      return act(NextStep::Kind::start);
    case guards::Action::stop:
      return act(NextStep::Kind::stop);
    case guards::Action::restart:
      return act(substrate::is_active(seen->state) ? NextStep::Kind::stop : NextStep::Kind::start);
    case guards::Action::signal:
      return act(NextStep::Kind::signal);
    case guards::Action::update:
      break;
  }
  return end(OperationResult::failed, {ErrorKind::internal, "no such action"});
}

NextStep after_stopped(const Operation& operation, bool changed) {
  return operation.command.action == guards::Action::restart ? act(NextStep::Kind::start)
                                                             : succeed(changed);
}

NextStep after_stop_requested(const Operation& operation, const Observation& seen,
                              bool may_look_again) {
  if (!seen) {
    return seen.error().kind == ErrorKind::not_found
               ? end(OperationResult::failed, seen.error())
               : look_again(operation, "not observed: " + seen.error().message, may_look_again);
  }
  if (!substrate::is_active(seen->state)) {
    return after_stopped(operation, true);
  }
  if (seen->state != InstanceState::stopping && operation.incarnation_before &&
      seen->incarnation() && is_new_run(operation, *seen)) {
    return abandon(operation, "was started again");
  }
  return look_again(operation, std::string(to_string(seen->state)), may_look_again);
}

/// Requesting a start twice is harmless: supervisord starts only what does not run.
NextStep start_again(const Operation& operation, const InstanceDetail& seen, bool may_look_again) {
  const NextStep waiting =
      look_again(operation, std::string(to_string(seen.state)), may_look_again);
  return may_look_again ? act(NextStep::Kind::start) : waiting;
}

NextStep after_start_requested(const Operation& operation, const Observation& seen,
                               bool may_look_again) {
  if (!seen) {
    return seen.error().kind == ErrorKind::not_found
               ? end(OperationResult::failed, seen.error())
               : look_again(operation, "not observed: " + seen.error().message, may_look_again);
  }
  const bool is_new = is_new_run(operation, *seen);
  switch (seen->state) {
    case InstanceState::running:
      return succeed(is_new);
    case InstanceState::starting:
      return look_again(operation, "STARTING", may_look_again);
    case InstanceState::stopping:
      return abandon(operation, "was stopped");
    case InstanceState::stopped:
      return is_new ? abandon(operation, "was stopped")
                    : start_again(operation, *seen, may_look_again);
    case InstanceState::exited:
      if (is_new) {
        return *seen->exit_expected() ? succeed(true) : did_not_stay(operation, *seen);
      }
      return start_again(operation, *seen, may_look_again);
    case InstanceState::fatal:
      return is_new ? did_not_stay(operation, *seen)
                    : start_again(operation, *seen, may_look_again);
    case InstanceState::backoff:
      return did_not_stay(operation, *seen);
    case InstanceState::unknown:
      break;
  }
  return end(OperationResult::failed, {ErrorKind::fault, "it is in the state UNKNOWN"});
}

/// The start was verified; is the process still running?
NextStep after_started(const Operation& operation, const Observation& seen) {
  if (!seen || seen->state == InstanceState::running) {
    return succeed(false);
  }
  if (seen->state == InstanceState::stopped || seen->state == InstanceState::stopping) {
    return abandon(operation, "was stopped");
  }
  return seen->exit_expected() == true ? succeed(false) : did_not_stay(operation, *seen);
}

constexpr std::chrono::seconds max_clock_step{5};

Resumption do_not_resume(std::string why) {
  return {Resumption::Kind::abandon, std::move(why)};
}

bool is_the_run_before(const Operation& operation, const InstanceDetail& seen) {
  return seen.start_time == (operation.incarnation_before
                                 ? std::optional(operation.incarnation_before->start)
                                 : operation.last_spawn_before);
}

/// A restart whose start is still to be requested.
Resumption finish_restart(const InstanceDetail& seen, const ResumptionInputs& inputs) {
  if (seen.state != InstanceState::stopping && seen.state != InstanceState::stopped) {
    return do_not_resume("it is " + std::string(to_string(seen.state)));
  }
  if (inputs.maintenance) {
    return do_not_resume("it is under maintenance: " + *inputs.maintenance);
  }
  return {Resumption::Kind::resume, ""};
}

Resumption judge(const Operation& operation, const InstanceDetail& seen,
                 const ResumptionInputs& inputs) {
  const OperationStep step = progress(operation).value_or(OperationStep::looked);
  const bool start_requested =
      step == OperationStep::start_requested || step == OperationStep::started;
  if (start_requested && is_new_run(operation, seen)) {
    return {Resumption::Kind::resume, ""};
  }
  const bool owes_a_start =
      operation.command.action == guards::Action::restart &&
      (step == OperationStep::stop_requested || step == OperationStep::stopped ||
       step == OperationStep::start_requested);
  if (!owes_a_start) {
    return do_not_resume("its last step was '" + std::string(to_string(step)) + "', and now is " +
                         std::string(to_string(seen.state)));
  }
  if (!is_the_run_before(operation, seen)) {
    return do_not_resume("another client started it meanwhile");
  }
  return finish_restart(seen, inputs);
}

}  // namespace

bool leaves_unknown(ErrorKind answer) {
  return answer == ErrorKind::timeout || answer == ErrorKind::unreachable ||
         answer == ErrorKind::socket_missing || answer == ErrorKind::malformed ||
         answer == ErrorKind::cancelled;
}

bool is_new_run(const Operation& operation, const InstanceDetail& seen) {
  return seen.incarnation() ? seen.incarnation() != operation.incarnation_before
                            : seen.start_time && seen.start_time != operation.last_spawn_before;
}

std::optional<OperationStep> progress(const Operation& operation) {
  const auto found =
      std::find_if(operation.steps.rbegin(), operation.steps.rend(), [](const StepRecord& each) {
        return each.step != OperationStep::outcome_unknown && each.step != OperationStep::resumed;
      });
  return found == operation.steps.rend() ? std::nullopt : std::optional(found->step);
}

NextStep next_step(const Operation& operation, const Observation& seen, bool may_look_again) {
  switch (progress(operation).value_or(OperationStep::looked)) {
    case OperationStep::looked:
      return first(operation, seen);
    case OperationStep::stop_requested:
      return after_stop_requested(operation, seen, may_look_again);
    case OperationStep::stopped:
      return after_stopped(operation, false);
    case OperationStep::start_requested:
      return after_start_requested(operation, seen, may_look_again);
    case OperationStep::started:
      return after_started(operation, seen);
    case OperationStep::signal_requested:
      return end(OperationResult::failed,
                 {ErrorKind::timeout, "whether the signal was delivered is unknown"});
    case OperationStep::signalled:
    case OperationStep::outcome_unknown:
    case OperationStep::member:
    case OperationStep::group_removed:
    case OperationStep::group_added:
    case OperationStep::resumed:
    case OperationStep::finished:
      break;
  }
  return succeed(false);
}

base::SystemTime last_step_at(const Operation& operation) {
  const auto last =
      std::find_if(operation.steps.rbegin(), operation.steps.rend(),
                   [](const StepRecord& each) { return each.step != OperationStep::resumed; });
  return last == operation.steps.rend() ? operation.created_at : last->at;
}

bool is_too_old(const Operation& operation, const ResumptionInputs& inputs) {
  const base::SystemTime own = last_step_at(operation);
  const base::Duration age = inputs.eligible_since - std::max(own, inputs.group_step.value_or(own));
  // A time much later than now says nothing about the age: the clock was set back.
  return age >= inputs.resume_within || age < -max_clock_step;
}

Resumption decide_resumption(const Operation& operation, const Observation& seen,
                             const ResumptionInputs& inputs) {
  if (is_too_old(operation, inputs)) {
    return do_not_resume("its last step is older than resume_within, " +
                         base::format_duration(inputs.resume_within));
  }
  if (seen) {
    return judge(operation, *seen, inputs);
  }
  return seen.error().kind == ErrorKind::not_found ? do_not_resume(seen.error().message)
                                                   : Resumption{Resumption::Kind::wait, ""};
}

}  // namespace reeve::control
