#pragma once

// Why a wish to act, of a person or an alert, is refused. This is the one list of reasons; each
// has a row in the table of reason.cpp: its word, its label in reeve_actions_refused_total, its
// HTTP status. What an accepted command failed of is another question with other answers: see
// control::FailureReason, which comes from what supervisord answered.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "reeve/base/clock.h"
#include "reeve/base/enumeration.h"
#include "reeve/base/error.h"

namespace reeve::guards {

/// First the verdicts on an alert, in the order in which they are tested; docs/alerts.md explains
/// each. Behind them the reasons that only a command of a person meets.
enum class Reason : std::uint8_t {
  malformed,  ///< the alert itself
  not_here,
  no_rule,
  off,
  resolved,
  no_target,  ///< no such supervisord, group or process
  not_allowed,
  own_program,  ///< Reeve itself
  duplicate,
  attempts_exhausted,
  state_unreadable,
  unreachable,
  maintenance,
  breaker_open,
  stopped,
  other_state,
  in_transition,
  too_young,
  restarted_since,
  cooldown,
  budget,
  gave_up,
  in_flight,
  no_such_limit,
  waiting_for_slot,
  no_slot,
  fleet_budget,
  coordination_unreachable,
  pending,    ///< no refusal yet: an obstacle that passes by itself, see passes_by_itself()
  would_act,  ///< no refusal: what a dry run answers
  accepted,   ///< no refusal

  vetoed,  ///< an alert's command, just before acting: by its rule's only_if
  no_single_process,
  key_reused,  ///< the idempotency key, for another command
  signal_not_allowed,
  stale,  ///< another run than the one that was asked for
  shutting_down,
  not_recorded,  ///< the journal cannot be written
  /// Just before acting: the token, the rule or the alert behind an accepted command is gone.
  withdrawn,
};
inline constexpr auto all_reasons = base::all_of<Reason, Reason::withdrawn>();
/// Those that an alert is answered with.
inline constexpr auto all_verdicts = base::all_of<Reason, Reason::accepted>();

/// The word in the audit, in advice and in the answer to Alertmanager.
[[nodiscard]] std::string_view to_string(Reason reason);
/// What keeps an alert from being acted on now, and may not do so in a while.
[[nodiscard]] bool passes_by_itself(Reason reason);
/// The reason in the answer to an alert: one of all_verdicts.
[[nodiscard]] Reason verdict_of(Reason reason);
/// Of a command that is refused for this reason; 200 and 202 where it is none or an alert's alone.
/// With `unreachable` the error says more exactly what went wrong.
[[nodiscard]] int http_status(Reason reason);

/// Label values of reeve_actions_refused_total.
inline constexpr std::string_view refused_labels[] = {
    "not_found", "invalid", "unreachable", "own_program",   "not_allowed",  "signal_not_allowed",
    "stale",     "guarded", "in_flight",   "shutting_down", "not_recorded", "withdrawn"};
/// One of refused_labels; empty for what the controller never refuses.
[[nodiscard]] std::string_view refused_label(Reason reason);

/// Why a command did not become an operation.
struct Refusal {
  Reason reason = Reason::no_target;
  base::Error error;
  std::string operation = {};  ///< in_flight, key_reused: the id of the other one
  std::optional<base::SteadyTime> passes_at = {};  ///< as in GuardDecision
  friend bool operator==(const Refusal&, const Refusal&) = default;
};

/// What is decided on a command or an alert: accepted, would_act, or why not.
struct GuardDecision {
  Reason reason = Reason::accepted;
  std::string detail;  ///< for people: what objects to it, until when, and what to do
  /// When an obstacle ends that passes by itself, if that is known: not before.
  std::optional<base::SteadyTime> passes_at = {};
  friend bool operator==(const GuardDecision&, const GuardDecision&) = default;
};

}  // namespace reeve::guards
