#include "metrics/alert_page.h"

namespace reeve::metrics {

void write_alert_decisions(TextWriter& out, const alerts::Stats& stats) {
  out.begin(family("reeve_alert_decisions_total"));
  for (const auto& [rule, counts] : stats.decisions) {
    for (const guards::Verdict verdict : guards::all_verdicts) {
      out.sample({label("rule", rule), label("decision", to_string(verdict))},
                 counts.at(static_cast<std::size_t>(verdict)));
    }
  }
}

}  // namespace reeve::metrics
