#include "guards/command.h"
#include "guards/decision.h"
#include "guards/refusal.h"

namespace reeve::guards {

std::string_view to_string(Action action) {
  return base::name_of<all_actions>(action, {"start", "stop", "restart", "signal"});
}

std::string_view to_string(GroupOrder order) {
  return base::name_of<all_group_orders>(order, {"rolling", "at_once"});
}

std::string_view to_string(Source source) {
  return base::name_of<all_sources>(source, {"api", "alert"});
}

std::string_view to_string(Verdict verdict) {
  return base::name_of<all_verdicts>(verdict, {"not_here",
                                               "no_rule",
                                               "off",
                                               "resolved",
                                               "no_target",
                                               "not_allowed",
                                               "self",
                                               "duplicate",
                                               "attempts_exhausted",
                                               "state_unreadable",
                                               "unreachable",
                                               "maintenance",
                                               "breaker_open",
                                               "stopped",
                                               "state",
                                               "in_transition",
                                               "too_young",
                                               "restarted_since",
                                               "cooldown",
                                               "budget",
                                               "gave_up",
                                               "in_flight",
                                               "would_act",
                                               "accepted"});
}

std::string_view to_string(RefusalReason reason) {
  return base::name_of<all_refusal_reasons>(
      reason,
      {"not_found", "invalid", "unreachable", "own_program", "not_allowed", "signal_not_allowed",
       "stale", "guarded", "in_flight", "shutting_down", "not_recorded"});
}

std::string Target::text() const {
  const std::string process = name.name.empty() ? name.group + ":*" : name.full();
  return supervisor.empty() ? process : supervisor + "/" + process;
}

}  // namespace reeve::guards
