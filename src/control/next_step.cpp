#include "control/next_step.h"

#include <algorithm>
#include <string>
#include <utility>

#include "guards/policy.h"

namespace reeve::control {

using base::Error;
using base::ErrorKind;
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

/// One and the same question asked again until the patience is over.
NextStep look_again(const Operation& operation, const std::string& seen, bool patient) {
  if (patient) {
    return act(NextStep::Kind::look_again);
  }
  return end(OperationResult::failed,
             {ErrorKind::timeout,
              "the outcome is unknown: '" + operation.command.target.name.text() + "' is " + seen});
}

NextStep abandon(const Operation& operation, const std::string& what) {
  return end(OperationResult::abandoned,
             {ErrorKind::conflict, "'" + operation.command.target.name.text() + "' " + what +
                                       " by somebody else meanwhile"});
}

NextStep did_not_stay(const Operation& operation, const InstanceDetail& seen) {
  std::string why = seen.spawn_error.empty() ? "" : ": " + seen.spawn_error;
  return end(OperationResult::flapped,
             {ErrorKind::spawn_failed, "'" + operation.command.target.name.text() +
                                           "' came up and did not stay, it is " +
                                           std::string(to_string(seen.state)) + std::move(why)});
}

NextStep first(const Operation& operation, const Seen& seen) {
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
  }
  return end(OperationResult::failed, {ErrorKind::internal, "no such action"});
}

NextStep after_stopped(const Operation& operation, bool changed) {
  return operation.command.action == guards::Action::restart ? act(NextStep::Kind::start)
                                                             : succeed(changed);
}

NextStep was_it_stopped(const Operation& operation, const Seen& seen, bool patient) {
  if (!seen) {
    return seen.error().kind == ErrorKind::not_found
               ? end(OperationResult::failed, seen.error())
               : look_again(operation, "out of sight: " + seen.error().message, patient);
  }
  if (!substrate::is_active(seen->state)) {
    return after_stopped(operation, true);
  }
  if (seen->state != InstanceState::stopping && operation.incarnation_before &&
      seen->incarnation() && is_new_run(operation, *seen)) {
    return abandon(operation, "was started anew");
  }
  return look_again(operation, std::string(to_string(seen->state)), patient);
}

/// A start may be asked for twice: supervisord starts what does not run, and nothing else.
NextStep start_again(const Operation& operation, const InstanceDetail& seen, bool patient) {
  const NextStep waiting = look_again(operation, std::string(to_string(seen.state)), patient);
  return patient ? act(NextStep::Kind::start) : waiting;
}

NextStep was_it_started(const Operation& operation, const Seen& seen, bool patient) {
  if (!seen) {
    return seen.error().kind == ErrorKind::not_found
               ? end(OperationResult::failed, seen.error())
               : look_again(operation, "out of sight: " + seen.error().message, patient);
  }
  const bool anew = is_new_run(operation, *seen);
  switch (seen->state) {
    case InstanceState::running:
      return succeed(anew);
    case InstanceState::starting:
      return look_again(operation, "STARTING", patient);
    case InstanceState::stopping:
      return abandon(operation, "was stopped");
    case InstanceState::stopped:
      return anew ? abandon(operation, "was stopped") : start_again(operation, *seen, patient);
    case InstanceState::exited:
      if (anew) {
        return *seen->exit_expected() ? succeed(true) : did_not_stay(operation, *seen);
      }
      return start_again(operation, *seen, patient);
    case InstanceState::fatal:
      return anew ? did_not_stay(operation, *seen) : start_again(operation, *seen, patient);
    case InstanceState::backoff:
      return did_not_stay(operation, *seen);
    case InstanceState::unknown:
      break;
  }
  return end(OperationResult::failed, {ErrorKind::fault, "it is in the state UNKNOWN"});
}

/// The start was verified; has it stayed so until now?
NextStep after_started(const Operation& operation, const Seen& seen) {
  if (!seen || seen->state == InstanceState::running) {
    return succeed(false);
  }
  if (seen->state == InstanceState::stopped || seen->state == InstanceState::stopping) {
    return abandon(operation, "was stopped");
  }
  return seen->exit_expected() == true ? succeed(false) : did_not_stay(operation, *seen);
}

}  // namespace

bool is_new_run(const Operation& operation, const InstanceDetail& seen) {
  return seen.incarnation() ? seen.incarnation() != operation.incarnation_before
                            : seen.start_time && seen.start_time != operation.last_spawn_before;
}

std::optional<Step> progress(const Operation& operation) {
  const auto found =
      std::find_if(operation.steps.rbegin(), operation.steps.rend(), [](const OperationStep& each) {
        return each.step != Step::outcome_unknown && each.step != Step::resumed;
      });
  return found == operation.steps.rend() ? std::nullopt : std::optional(found->step);
}

NextStep next_step(const Operation& operation, const Seen& seen, bool patient) {
  switch (progress(operation).value_or(Step::looked)) {
    case Step::looked:
      return first(operation, seen);
    case Step::stop_requested:
      return was_it_stopped(operation, seen, patient);
    case Step::stopped:
      return after_stopped(operation, false);
    case Step::start_requested:
      return was_it_started(operation, seen, patient);
    case Step::started:
      return after_started(operation, seen);
    case Step::signal_requested:
      return end(OperationResult::failed,
                 {ErrorKind::timeout, "whether the signal was delivered is unknown"});
    case Step::signalled:
    case Step::outcome_unknown:
    case Step::member:
    case Step::resumed:
    case Step::finished:
      break;
  }
  return succeed(false);
}

}  // namespace reeve::control
