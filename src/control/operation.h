#pragma once

// An operation: a command that was accepted, how far it has come and how it ended. Clients poll it,
// and the journal keeps it as a line of JSON, whose format is here too. A value.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "guards/command.h"
#include "guards/reason.h"
#include "reeve/base/clock.h"
#include "reeve/base/enumeration.h"
#include "reeve/base/error.h"
#include "reeve/substrate/instance.h"

namespace reeve::control {

/// verifying: a request was not answered; looks at the process find out whether it took effect.
enum class OperationState : std::uint8_t { queued, running, verifying, done };
inline constexpr auto all_operation_states = base::all_of<OperationState, OperationState::done>();
[[nodiscard]] constexpr std::string_view to_string(OperationState state) {
  return base::name_of<all_operation_states>(state, {"queued", "running", "verifying", "done"});
}

enum class OperationResult : std::uint8_t {
  succeeded,
  failed,     ///< `error` says why
  flapped,    ///< the process came up and did not stay
  abandoned,  ///< another client acted on the process meanwhile, or the agent is shutting down
  refused,    ///< by the look just before acting; nothing was done
};
inline constexpr auto all_operation_results =
    base::all_of<OperationResult, OperationResult::refused>();
[[nodiscard]] constexpr std::string_view to_string(OperationResult result) {
  return base::name_of<all_operation_results>(
      result, {"succeeded", "failed", "flapped", "abandoned", "refused"});
}

enum class OperationStep : std::uint8_t {
  looked,           ///< just before acting
  stop_requested,   ///< about to send the stop
  stopped,          ///< seen stopped, or the forced stop was sent
  start_requested,  ///< about to send the start
  started,          ///< running for longer than its startsecs
  signal_requested,
  signalled,
  outcome_unknown,  ///< a request was not answered
  member,           ///< of a group or batch: the operation on one of its members is done
  group_removed,    ///< from supervisord's active configuration
  group_added,
  resumed,  ///< the agent was restarted and carries the operation on
  finished,
};
inline constexpr auto all_operation_steps = base::all_of<OperationStep, OperationStep::finished>();
[[nodiscard]] constexpr std::string_view to_string(OperationStep step) {
  return base::name_of<all_operation_steps>(
      step, {"looked", "stop_requested", "stopped", "start_requested", "started",
             "signal_requested", "signalled", "outcome_unknown", "member", "group_removed",
             "group_added", "resumed", "finished"});
}

struct StepRecord {
  OperationStep step = OperationStep::looked;
  base::SystemTime at;
  std::string detail;  ///< for people
  friend bool operator==(const StepRecord&, const StepRecord&) = default;
};

struct Operation {
  std::string id;  ///< unique over restarts of the agent; empty for a dry run
  guards::Command command;
  OperationState state = OperationState::queued;
  std::optional<OperationResult> result;  ///< once done; never for a dry run
  /// Once done: whether anything was (dry run: would be) changed.
  std::optional<bool> changed;
  std::optional<base::Error> error;  ///< why the result is not succeeded
  /// With OperationResult::refused.
  std::optional<guards::Reason> refused_for;
  /// What the guards would have objected to an alert's action: for the person who commands.
  std::vector<std::string> advice;
  std::optional<substrate::Incarnation> incarnation_before;
  /// The last spawn known just before the start: a new run differs from it, where the process was
  /// not running.
  std::optional<substrate::ManagerTime> last_spawn_before;
  std::optional<substrate::Incarnation> incarnation_after;
  base::SystemTime created_at;
  std::optional<base::SystemTime> finished_at;
  std::vector<StepRecord> steps;
  /// Ids of the operations on its members, of a group or a batch.
  std::vector<std::string> members;

  [[nodiscard]] bool done() const { return state == OperationState::done; }
  friend bool operator==(const Operation&, const Operation&) = default;
};

/// Why nothing is done: the journal, which comes first, could not be written.
[[nodiscard]] base::Error not_recorded(const base::Error& cause);

/// Called with an operation whose state has changed.
using OperationObserver = std::function<void(const Operation&)>;

/// A line of the journal, without its end.
[[nodiscard]] std::string to_line(const Operation& operation);
/// Exactly the operation of which to_line() made this line; nothing if it is no such line.
[[nodiscard]] std::optional<Operation> operation_from(std::string_view line);

}  // namespace reeve::control
