#pragma once

// How an operation proceeds, as pure functions of its steps so far and of the process as it is
// observed now. next_step() drives normal runs and resumed ones alike:
//
//   looked ──> stop_requested ──> stopped ──> start_requested ──> started ──> finished
//
// A stop ends at `stopped`, a start begins at `start_requested`, a restart goes all the way
// (from `looked` to `start_requested` where nothing runs). Where a request was not answered
// (outcome_unknown), the observation decides whether it took effect.
//
// decide_resumption() says what becomes of an operation that the agent's end interrupted; what
// people and supervisord did meanwhile takes precedence. A restart whose stop was requested is
// finished, so that the process does not stay stopped, if the same run is stopping or stopped,
// resume_within has not passed, and the process is not under maintenance. If its start was
// requested and a new run is observed, that run is watched until it is verified, and nothing is
// requested again. All else is abandoned.

#include <optional>
#include <string>

#include "control/operation.h"

namespace reeve::control {

struct NextStep {
  enum class Kind { look_again, stop, start, signal, finish };
  Kind kind = Kind::look_again;
  // With finish alone:
  OperationResult result = OperationResult::succeeded;
  bool changed = false;  ///< observed to have changed, beyond what the answers said
  std::optional<base::Error> error = std::nullopt;

  friend bool operator==(const NextStep&, const NextStep&) = default;
};

/// After such an answer the request may have taken effect or not.
[[nodiscard]] bool leaves_unknown(base::ErrorKind answer);

/// `may_look_again`: there is time left to find out an unknown outcome.
[[nodiscard]] NextStep next_step(const Operation& operation, const guards::Observation& observation,
                                 bool may_look_again);

/// The observed run was spawned after the operation's first look.
[[nodiscard]] bool is_new_run(const Operation& operation,
                              const substrate::InstanceDetail& observed);
/// The last step done or requested; nothing before the first look.
[[nodiscard]] std::optional<OperationStep> progress(const Operation& operation);

struct Resumption {
  enum class Kind { wait, resume, abandon };
  Kind kind = Kind::abandon;
  std::string why;  ///< abandon: for people

  friend bool operator==(const Resumption&, const Resumption&) = default;
};

struct ResumptionInputs {
  /// Since when the operation could be resumed but for other operations; now, if its supervisord
  /// is down.
  base::SystemTime eligible_since;
  base::Duration resume_within;
  /// Where it is part of a group's operation: the newest step of that. None of its members is
  /// older.
  std::optional<base::SystemTime> group_step = std::nullopt;
  /// The reason of the maintenance window that covers the process; nothing if none does.
  std::optional<std::string> maintenance;
};

/// When the last step was made, `resumed` aside.
[[nodiscard]] base::SystemTime last_step_at(const Operation& operation);
/// resume_within has passed: the operation is abandoned, whatever is observed.
[[nodiscard]] bool is_too_old(const Operation& operation, const ResumptionInputs& inputs);
/// `operation` is neither queued nor done.
[[nodiscard]] Resumption decide_resumption(const Operation& operation,
                                           const guards::Observation& observation,
                                           const ResumptionInputs& inputs);

}  // namespace reeve::control
