// What is known of supervisords and their processes: views of the fleet's snapshot.

#include <algorithm>
#include <string>

#include <nlohmann/json.hpp>

#include "api/answer.h"
#include "api/problem.h"
#include "api/process_address.h"
#include "api/routes.h"
#include "json/json.h"

namespace reeve::api {

using monitor::ProcessSnapshot;
using monitor::SupervisorSnapshot;
using nlohmann::ordered_json;

namespace {

http::Response json_answer(const ordered_json& value) {
  return answer(200, "application/json", json::to_text(value));
}

/// While a supervisord is away nothing of the present is known of its processes.
ordered_json to_json(const SupervisorSnapshot& supervisor, const ProcessSnapshot& process) {
  ordered_json object = json::to_json(supervisor.name, process);
  if (!supervisor.up) {
    for (const char* member :
         {"state", "state_code", "pid", "description", "now", "uptime_seconds"}) {
      object[member] = nullptr;
    }
  }
  return object;
}

struct Filter {
  std::optional<std::string> group;
  std::optional<std::string> state;
  std::optional<std::string> supervisor;

  [[nodiscard]] bool shows(const SupervisorSnapshot& of, const ProcessSnapshot& process) const {
    const auto& detail = process.detail;
    return (!supervisor || *supervisor == of.name) && (!group || *group == detail.name.group) &&
           (!state || (of.up && *state == substrate::to_string(detail.state)));
  }
};

std::optional<Problem> objection_to(const Filter& filter, const monitor::Snapshot& snapshot) {
  const auto& states = substrate::all_instance_states;
  if (filter.state && std::none_of(states.begin(), states.end(), [&](auto state) {
        return substrate::to_string(state) == *filter.state;
      })) {
    return malformed_request("'" + *filter.state +
                             "' is no state: use supervisord's names, like RUNNING or FATAL");
  }
  if (filter.supervisor && snapshot.find(*filter.supervisor) == nullptr) {
    return no_such_supervisor(*filter.supervisor, snapshot);
  }
  return std::nullopt;
}

}  // namespace

http::Response list_supervisors(const Call& call) {
  ordered_json list = ordered_json::array();
  for (const SupervisorSnapshot& supervisor : call.around.snapshot()->supervisors) {
    list.push_back(json::to_json(supervisor));
  }
  return json_answer(list);
}

http::Response list_processes(const Call& call) {
  const auto snapshot = call.around.snapshot();
  const Filter filter{call.request.parameter("group"), call.request.parameter("state"),
                      call.request.parameter("supervisor")};
  if (const auto objection = objection_to(filter, *snapshot)) {
    return answer(*objection, call.request.path);
  }
  ordered_json list = ordered_json::array();
  for (const SupervisorSnapshot& supervisor : snapshot->supervisors) {
    for (const ProcessSnapshot& process : supervisor.processes) {
      if (filter.shows(supervisor, process)) {
        list.push_back(to_json(supervisor, process));
      }
    }
  }
  return json_answer(list);
}

http::Response show_process(const Call& call) {
  const auto snapshot = call.around.snapshot();
  const auto target = address_of(call, *snapshot);
  if (!target) {
    return answer(target.error(), call.request.path);
  }
  const SupervisorSnapshot& supervisor = *snapshot->find(target->supervisor);
  if (const ProcessSnapshot* const process = supervisor.find(target->name)) {
    return json_answer(to_json(supervisor, *process));
  }
  return answer(unknown_process(*target, supervisor), call.request.path);
}

}  // namespace reeve::api
