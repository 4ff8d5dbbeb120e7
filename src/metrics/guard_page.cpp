#include "metrics/guard_page.h"

#include "metrics/target_labels.h"

namespace reeve::metrics {

void write_guards(TextWriter& out, const guards::GuardStats& stats) {
  out.begin(family("reeve_guard_gave_up"));
  for (const guards::GuardState& each : stats.guards) {
    out.sample({target_labels(each.target)}, each.gave_up ? 1 : 0);
  }
  out.begin(family("reeve_guard_breaker_open"));
  out.sample({}, stats.breaker_open ? 1 : 0);
  out.begin(family("reeve_maintenance"));
  for (const guards::MaintenanceWindow& each : stats.maintenance) {
    out.sample({label("scope", each.scope)}, 1);
  }
}

}  // namespace reeve::metrics
