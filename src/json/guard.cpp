#include "json/guard.h"

#include "json/nullable.h"

namespace reeve::json {

using nlohmann::ordered_json;

ordered_json to_json(const guards::GuardStats& stats) {
  ordered_json list = ordered_json::array();
  for (const guards::GuardState& guard : stats.guards) {
    const auto& until = guard.cooldown_until;
    list.push_back({
        {"supervisor", null_if_empty(guard.target.supervisor)},
        {"group", base::to_utf8(guard.target.name.group)},
        {"name", base::to_utf8(guard.target.name.name)},
        {"cooldown_until", until ? ordered_json(base::to_rfc3339(*until)) : ordered_json()},
        {"attempts", guard.attempts},
        {"budget_used", guard.budget_used},
        {"budget_limit", guard.budget_limit},
        {"gave_up", guard.gave_up},
        {"breaker_open", stats.breaker_open},
    });
  }
  return list;
}

ordered_json to_json(const guards::MaintenanceWindow& window) {
  return {
      {"scope", base::to_utf8(window.scope)},
      {"until", base::to_rfc3339(window.until)},
      {"reason", null_if_empty(window.reason)},
      {"actor", base::to_utf8(window.actor)},
  };
}

}  // namespace reeve::json
