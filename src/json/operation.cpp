#include "json/operation.h"

#include "base/text.h"
#include "json/nullable.h"

namespace reeve::json {
namespace {

using nlohmann::ordered_json;

ordered_json or_null(const std::optional<substrate::Incarnation>& incarnation) {
  return incarnation ? ordered_json(incarnation->text()) : ordered_json();
}

ordered_json steps_of(const control::Operation& operation) {
  ordered_json steps = ordered_json::array();
  for (const control::OperationStep& step : operation.steps) {
    steps.push_back({{"step", to_string(step.step)},
                     {"at", base::to_rfc3339(step.at)},
                     {"detail", base::to_utf8(step.detail)}});
  }
  return steps;
}

ordered_json texts_of(const std::vector<std::string>& texts) {
  ordered_json list = ordered_json::array();
  for (const std::string& each : texts) {
    list.push_back(base::to_utf8(each));
  }
  return list;
}

}  // namespace

ordered_json to_json(const control::Operation& operation) {
  const guards::Command& command = operation.command;
  const guards::Trigger trigger = command.trigger.value_or(guards::Trigger());
  const auto& result = operation.result;
  const auto& finished = operation.finished_at;
  const base::PeerFault* const fault =
      operation.error && operation.error->fault ? &*operation.error->fault : nullptr;
  return {
      {"id", null_if_empty(operation.id)},
      {"action", to_string(command.action)},
      {"supervisor", null_if_empty(command.target.supervisor)},
      {"group", base::to_utf8(command.target.name.group)},
      {"name", null_if_empty(command.target.name.name)},
      {"source", to_string(command.source)},
      {"actor", base::to_utf8(command.actor)},
      {"reason", null_if_empty(command.reason)},
      {"rule", null_if_empty(trigger.rule)},
      {"fingerprint", null_if_empty(trigger.fingerprint)},
      {"state", to_string(operation.state)},
      {"result", result ? ordered_json(to_string(*result)) : ordered_json()},
      {"changed", or_null(operation.changed)},
      {"decision",
       operation.verdict ? ordered_json(to_string(*operation.verdict)) : ordered_json()},
      {"advice", texts_of(operation.advice)},
      {"fault_code", fault != nullptr ? ordered_json(fault->code) : ordered_json()},
      {"fault_string",
       fault != nullptr ? ordered_json(base::to_utf8(fault->text)) : ordered_json()},
      {"incarnation_before", or_null(operation.incarnation_before)},
      {"incarnation_after", or_null(operation.incarnation_after)},
      {"created_at", base::to_rfc3339(operation.created_at)},
      {"finished_at", finished ? ordered_json(base::to_rfc3339(*finished)) : ordered_json()},
      {"steps", steps_of(operation)},
  };
}

}  // namespace reeve::json
