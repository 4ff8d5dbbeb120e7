#include "guards/reason.h"

#include <algorithm>
#include <array>

namespace reeve::guards {
namespace {

struct Row {
  Reason reason;
  std::string_view word;
  std::string_view label;  ///< of reeve_actions_refused_total
  int http_status;
};

constexpr std::array<Row, all_reasons.size()> rows = {{
    {Reason::malformed, "malformed", "", 200},
    {Reason::not_here, "not_here", "", 200},
    {Reason::no_rule, "no_rule", "", 200},
    {Reason::off, "off", "", 200},
    {Reason::resolved, "resolved", "", 200},
    {Reason::no_target, "no_target", "not_found", 404},
    {Reason::not_allowed, "not_allowed", "not_allowed", 403},
    {Reason::own_program, "self", "own_program", 403},
    {Reason::duplicate, "duplicate", "", 200},
    {Reason::attempts_exhausted, "attempts_exhausted", "", 200},
    {Reason::state_unreadable, "state_unreadable", "guarded", 503},
    {Reason::unreachable, "unreachable", "unreachable", 503},
    {Reason::maintenance, "maintenance", "guarded", 403},
    {Reason::breaker_open, "breaker_open", "guarded", 403},
    {Reason::stopped, "stopped", "guarded", 403},
    {Reason::other_state, "state", "guarded", 403},
    {Reason::in_transition, "in_transition", "guarded", 403},
    {Reason::too_young, "too_young", "guarded", 403},
    {Reason::restarted_since, "restarted_since", "guarded", 403},
    {Reason::cooldown, "cooldown", "guarded", 403},
    {Reason::budget, "budget", "guarded", 403},
    {Reason::gave_up, "gave_up", "guarded", 403},
    {Reason::in_flight, "in_flight", "in_flight", 409},
    {Reason::no_such_limit, "no_such_limit", "", 200},
    {Reason::waiting_for_slot, "waiting_for_slot", "", 200},
    {Reason::no_slot, "no_slot", "", 200},
    {Reason::fleet_budget, "fleet_budget", "", 200},
    {Reason::coordination_unreachable, "coordination_unreachable", "", 200},
    {Reason::pending, "pending", "", 200},
    {Reason::would_act, "would_act", "", 200},
    {Reason::accepted, "accepted", "", 202},
    {Reason::vetoed, "vetoed", "guarded", 403},
    {Reason::no_single_process, "no_target", "invalid", 422},
    {Reason::key_reused, "invalid", "invalid", 422},
    {Reason::signal_not_allowed, "signal_not_allowed", "signal_not_allowed", 403},
    {Reason::stale, "stale", "stale", 412},
    {Reason::shutting_down, "shutting_down", "shutting_down", 503},
    {Reason::not_recorded, "not_recorded", "not_recorded", 500},
    {Reason::withdrawn, "withdrawn", "withdrawn", 403},
}};

constexpr bool is_in_order() {
  for (std::size_t at = 0; at < rows.size(); ++at) {
    if (static_cast<std::size_t>(rows[at].reason) != at) {
      return false;
    }
  }
  return true;
}
static_assert(is_in_order(), "each reason has its row, in the enumeration's order");

const Row& row_of(Reason reason) {
  static constexpr Row none = {Reason::accepted, "", "", 500};
  const auto at = static_cast<std::size_t>(reason);
  return at < rows.size() ? rows[at] : none;
}

}  // namespace

std::string_view to_string(Reason reason) {
  return row_of(reason).word;
}

Reason verdict_of(Reason reason) {
  if (reason <= Reason::accepted) {
    return reason;
  }
  return reason == Reason::no_single_process ? Reason::no_target
         : reason == Reason::signal_not_allowed || reason == Reason::withdrawn
             ? Reason::not_allowed
             : Reason::unreachable;
}

bool passes_by_itself(Reason reason) {
  static constexpr std::array passing = {
      Reason::unreachable, Reason::breaker_open,     Reason::in_transition,
      Reason::too_young,   Reason::restarted_since,  Reason::cooldown,
      Reason::in_flight,   Reason::waiting_for_slot, Reason::coordination_unreachable};
  return std::find(passing.begin(), passing.end(), reason) != passing.end();
}

int http_status(Reason reason) {
  return row_of(reason).http_status;
}

std::string_view refused_label(Reason reason) {
  return row_of(reason).label;
}

}  // namespace reeve::guards
