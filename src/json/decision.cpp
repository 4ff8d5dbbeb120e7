#include "json/decision.h"

#include "json/nullable.h"

namespace reeve::json {

nlohmann::ordered_json to_json(const alerts::AlertDecision& decision) {
  return {
      {"fingerprint", decision.fingerprint},
      {"alertname", base::to_utf8(decision.alertname)},
      {"status", alerts::to_string(decision.status)},
      {"rule", null_if_empty(decision.rule)},
      {"target", null_if_empty(decision.target ? decision.target->text() : "")},
      {"decision", to_string(decision.decision.verdict)},
      {"reason", base::to_utf8(decision.decision.reason)},
      {"operation", null_if_empty(decision.operation)},
  };
}

}  // namespace reeve::json
