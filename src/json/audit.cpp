#include "json/audit.h"

#include "json/nullable.h"

namespace reeve::json {

nlohmann::ordered_json to_json(const control::AuditEntry& entry) {
  using nlohmann::ordered_json;
  const auto& target = entry.target;
  return {
      {"at", base::to_rfc3339(entry.at)},
      {"kind", to_string(entry.kind)},
      {"actor", null_if_empty(entry.actor)},
      {"source", to_string(entry.source)},
      {"action", null_if_empty(entry.action)},
      {"supervisor", target ? null_if_empty(target->supervisor) : ordered_json()},
      {"group", target ? null_if_empty(target->name.group) : ordered_json()},
      {"name", target ? null_if_empty(target->name.name) : ordered_json()},
      {"rule", null_if_empty(entry.rule)},
      {"fingerprint", null_if_empty(entry.fingerprint)},
      {"decision", null_if_empty(entry.decision)},
      {"reason", null_if_empty(entry.reason)},
      {"operation", null_if_empty(entry.operation)},
      {"incarnation_before", null_if_empty(entry.incarnation_before)},
      {"incarnation_after", null_if_empty(entry.incarnation_after)},
      {"result", null_if_empty(entry.result)},
  };
}

}  // namespace reeve::json
