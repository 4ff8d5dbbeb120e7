#pragma once

// A command that was accepted, and what became of it: the record that clients poll.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "guards/command.h"
#include "guards/decision.h"
#include "reeve/base/clock.h"
#include "reeve/base/enumeration.h"
#include "reeve/base/error.h"
#include "reeve/substrate/instance.h"

namespace reeve::control {

/// verifying: the answer to a step never came, so its outcome is unknown and looked for.
enum class OperationState : std::uint8_t { queued, running, verifying, done };
inline constexpr auto all_operation_states = base::all_of<OperationState, OperationState::done>();
[[nodiscard]] std::string_view to_string(OperationState state);

enum class OperationResult : std::uint8_t {
  succeeded,
  failed,     ///< what was asked for is not so; `error` says why
  flapped,    ///< it came up and did not stay
  abandoned,  ///< somebody else acted on it meanwhile, or the agent is shutting down
  refused,    ///< the look just before acting forbade it; nothing was done
};
inline constexpr auto all_operation_results =
    base::all_of<OperationResult, OperationResult::refused>();
[[nodiscard]] std::string_view to_string(OperationResult result);

enum class Step : std::uint8_t {
  looked,           ///< afresh, just before acting
  stop_requested,   ///< about to ask for the stop
  stopped,          ///< seen stopped, or the forced stop is asked for
  start_requested,  ///< about to ask for the start
  started,          ///< runs, and has outlived its startsecs
  signal_requested,
  signalled,
  outcome_unknown,  ///< no answer: looking for what happened
  member,           ///< of a group: one of its processes is done
  resumed,          ///< the agent ended in between: its next run goes on
  finished,
};
inline constexpr auto all_steps = base::all_of<Step, Step::finished>();
[[nodiscard]] std::string_view to_string(Step step);

struct OperationStep {
  Step step = Step::looked;
  base::SystemTime at;
  std::string detail;  ///< for people
  friend bool operator==(const OperationStep&, const OperationStep&) = default;
};

struct Operation {
  std::string id;  ///< unique over restarts of the agent; empty for a dry run
  guards::Command command;
  OperationState state = OperationState::queued;
  std::optional<OperationResult> result;  ///< once done; never for a dry run
  /// Once done: whether anything was (dry run: would be) changed.
  std::optional<bool> changed;
  std::optional<base::Error> error;        ///< why the result is not succeeded
  std::optional<guards::Verdict> verdict;  ///< of a late refusal
  /// What the guards would have said to an alert: for the person whose command this is.
  std::vector<std::string> advice;
  std::optional<substrate::Incarnation> incarnation_before;
  /// The last spawn known just before the start: what a new run is told apart from, where the
  /// process was not running.
  std::optional<substrate::ManagerTime> last_spawn_before;
  std::optional<substrate::Incarnation> incarnation_after;
  base::SystemTime created_at;
  std::optional<base::SystemTime> finished_at;
  std::vector<OperationStep> steps;

  [[nodiscard]] bool done() const { return state == OperationState::done; }
  friend bool operator==(const Operation&, const Operation&) = default;
};

}  // namespace reeve::control
