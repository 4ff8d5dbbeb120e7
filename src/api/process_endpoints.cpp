// Supervisords and processes, read from the monitor's snapshot; actions on processes and groups;
// and the operations that they become. An action is answered at once (202), or with `?wait=` when
// its operation is done: a deferred response, no thread waits.

#include "api/process_endpoints.h"

#include <algorithm>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "api/http_helpers.h"
#include "api/request_body.h"
#include "base/text.h"
#include "guards/policy.h"
#include "json/json.h"

namespace reeve::api {

using control::Operation;
using guards::Action;
using monitor::ProcessSnapshot;
using monitor::SupervisorSnapshot;
using nlohmann::ordered_json;

namespace {

constexpr std::size_t max_name_bytes = 1024;
constexpr std::size_t max_key_bytes = 255;
constexpr std::chrono::minutes max_wait{5};

Problem unknown_supervisor(const std::string& name, const monitor::Snapshot& snapshot) {
  return not_found(guards::no_such_supervisor(name, snapshot));
}

Problem name_too_long() {
  return malformed_request("a name has at most " + std::to_string(max_name_bytes) + " bytes");
}

/// Adds the supervisord: the one that is named, or the only one that is configured.
tl::expected<guards::Target, Problem> with_supervisor(const RequestContext& context,
                                                      const monitor::Snapshot& snapshot,
                                                      substrate::InstanceName name) {
  const auto supervisor = context.request.parameter("supervisor");
  if (!supervisor && snapshot.supervisors.size() != 1) {
    return tl::unexpected(
        malformed_request("several supervisords are configured: add ?supervisor= and one of " +
                          guards::supervisor_names(snapshot)));
  }
  guards::Target target{supervisor.value_or(snapshot.supervisors.front().name), std::move(name)};
  if (snapshot.find(target.supervisor) == nullptr) {
    return tl::unexpected(unknown_supervisor(target.supervisor, snapshot));
  }
  return target;
}

/// While a supervisord cannot be read, the present state of its processes is unknown: null.
ordered_json process_json(const SupervisorSnapshot& supervisor, const ProcessSnapshot& process) {
  ordered_json object = json::to_json(supervisor.name, process);
  if (!supervisor.up) {
    for (const char* member :
         {"state", "state_code", "pid", "description", "now", "uptime_seconds"}) {
      object[member] = nullptr;
    }
  }
  return object;
}

struct ProcessFilter {
  std::optional<std::string> group;
  std::optional<std::string> state;
  std::optional<std::string> supervisor;

  [[nodiscard]] bool matches(const SupervisorSnapshot& of, const ProcessSnapshot& process) const {
    const auto& detail = process.detail;
    return (!supervisor || *supervisor == of.name) && (!group || *group == detail.name.group) &&
           (!state || (of.up && *state == substrate::to_string(detail.state)));
  }
};

tl::expected<ProcessFilter, Problem> filter_of(const http::Request& request,
                                               const monitor::Snapshot& snapshot) {
  ProcessFilter filter{.group = request.parameter("group"),
                       .state = request.parameter("state"),
                       .supervisor = request.parameter("supervisor")};
  const auto& states = substrate::all_instance_states;
  if (filter.state && std::none_of(states.begin(), states.end(), [&](auto state) {
        return substrate::to_string(state) == *filter.state;
      })) {
    return tl::unexpected(malformed_request(
        "'" + *filter.state + "' is no state: use supervisord's names, like RUNNING or FATAL"));
  }
  if (filter.supervisor && snapshot.find(*filter.supervisor) == nullptr) {
    return tl::unexpected(unknown_supervisor(*filter.supervisor, snapshot));
  }
  return filter;
}

http::Response operation_response(int status, const Operation& operation) {
  http::Response response = json_response(status, json::to_json(operation));
  if (!operation.id.empty()) {
    response.headers.push_back({"Location", "/api/v1/operations/" + operation.id});
  }
  return response;
}

EndpointResult finished_response(const Operation& operation) {
  if (operation.result && operation.result != control::OperationResult::succeeded) {
    return tl::unexpected(problem_of(operation));
  }
  return operation_response(200, operation);
}

/// Responds when the operation is done; after `wait` with its state so far.
http::Response deferred_response(const RequestContext& context, const Operation& operation,
                                 base::Duration wait) {
  control::Controller* const controller = context.deps.controller;
  const auto measurement = context.measurement;
  const http::DeferredResponse deferred(wait, [controller, measurement, operation] {
    const auto so_far = controller->find(operation.id);
    measurement->end(202);
    return operation_response(202, so_far.value_or(operation));
  });
  const bool is_pending = controller->on_finished(
      operation.id, [deferred, measurement, path = context.request.path](const Operation& done) {
        const EndpointResult result = finished_response(done);
        http::Response response = result ? *result : problem_response(result.error(), path);
        measurement->end(response.status);
        deferred.complete(std::move(response));
      });
  if (!is_pending) {
    return operation_response(202, operation);
  }
  http::Response response;
  response.body = deferred;
  return response;
}

tl::expected<base::Duration, Problem> wait_of(const http::Request& request) {
  const auto text = request.parameter("wait");
  if (!text) {
    return base::Duration::zero();
  }
  const auto wait = base::parse_duration(*text);
  if (!wait) {
    return tl::unexpected(malformed_request("'wait': " + wait.error().message));
  }
  return std::min<base::Duration>(*wait, max_wait);
}

tl::expected<std::string, Problem> idempotency_key_of(const http::Request& request) {
  const auto key = request.header("Idempotency-Key");
  if (key && (key->empty() || key->size() > max_key_bytes)) {
    return tl::unexpected(malformed_request("an Idempotency-Key has 1 to 255 bytes"));
  }
  return std::string(key.value_or(""));
}

guards::Command make_command(const RequestContext& context, Action action, guards::Target target,
                             ActionBody body) {
  guards::Command command;
  command.action = action;
  command.target = std::move(target);
  command.actor = context.actor.name;
  command.actor_allow = context.actor.allow;
  command.reason = std::move(body.reason);
  command.signal = std::move(body.signal);
  command.stop_mode = body.wait ? substrate::StopMode::graceful : substrate::StopMode::force;
  command.if_incarnation = body.if_incarnation;
  command.dry_run = body.dry_run;
  return command;
}

tl::expected<guards::Command, Problem> process_command(const RequestContext& context,
                                                       Action action) {
  const auto target = process_address(context, *context.deps.snapshot());
  if (!target) {
    return tl::unexpected(target.error());
  }
  return read_action_body(context.request.body, action).map([&](ActionBody body) {
    return make_command(context, action, *target, std::move(body));
  });
}

tl::expected<guards::Command, Problem> group_command(const RequestContext& context, Action action) {
  const auto target = group_address(context, *context.deps.snapshot());
  if (!target) {
    return tl::unexpected(target.error());
  }
  return read_group_body(context.request.body).map([&](ActionBody body) {
    const bool rolling = body.rolling.value_or(true);
    guards::Command command = make_command(context, action, *target, std::move(body));
    command.group_order = rolling ? guards::GroupOrder::rolling : guards::GroupOrder::at_once;
    return command;
  });
}

EndpointResult submit(const RequestContext& context,
                      tl::expected<guards::Command, Problem> command) {
  if (!command) {
    return tl::unexpected(command.error());
  }
  const auto key = idempotency_key_of(context.request);
  if (!key) {
    return tl::unexpected(key.error());
  }
  const auto wait = wait_of(context.request);
  if (!wait) {
    return tl::unexpected(wait.error());
  }
  command->idempotency_key = *key;
  const auto operation = context.deps.controller->submit(*command);
  if (!operation) {
    return tl::unexpected(problem_of(operation.error(), command->target));
  }
  if (operation->done()) {
    return finished_response(*operation);
  }
  return *wait == base::Duration::zero() ? operation_response(202, *operation)
                                         : deferred_response(context, *operation, *wait);
}

}  // namespace

tl::expected<guards::Target, Problem> process_address(const RequestContext& context,
                                                      const monitor::Snapshot& snapshot) {
  const std::string& text = context.path_parameters.front();
  if (text.size() > max_name_bytes) {
    return tl::unexpected(name_too_long());
  }
  auto name = substrate::InstanceName::parse(text);
  if (!name) {
    return tl::unexpected(malformed_request(name.error().message));
  }
  return with_supervisor(context, snapshot, std::move(*name));
}

tl::expected<guards::Target, Problem> group_address(const RequestContext& context,
                                                    const monitor::Snapshot& snapshot) {
  const std::string& group = context.path_parameters.front();
  if (group.size() > max_name_bytes) {
    return tl::unexpected(name_too_long());
  }
  if (group.empty() || group.find(':') != std::string::npos) {
    return tl::unexpected(malformed_request("'" + group + "' is no group's name"));
  }
  return with_supervisor(context, snapshot, {group, ""});
}

Problem unknown_process(const guards::Target& target, const SupervisorSnapshot& supervisor) {
  Problem problem = not_found(guards::no_such_process(target));
  if (!supervisor.up) {
    problem.status = 503;
    problem.type = "unreachable";
    problem.detail =
        "supervisord at " + supervisor.url + " cannot be read: " + supervisor.last_error;
  }
  problem.process = target.name.full();
  return problem;
}

EndpointResult list_supervisors(const RequestContext& context) {
  ordered_json list = ordered_json::array();
  for (const SupervisorSnapshot& supervisor : context.deps.snapshot()->supervisors) {
    list.push_back(json::to_json(supervisor));
  }
  return json_response(200, list);
}

EndpointResult list_processes(const RequestContext& context) {
  const auto snapshot = context.deps.snapshot();
  const auto filter = filter_of(context.request, *snapshot);
  if (!filter) {
    return tl::unexpected(filter.error());
  }
  ordered_json list = ordered_json::array();
  for (const SupervisorSnapshot& supervisor : snapshot->supervisors) {
    for (const ProcessSnapshot& process : supervisor.processes) {
      if (filter->matches(supervisor, process)) {
        list.push_back(process_json(supervisor, process));
      }
    }
  }
  return json_response(200, list);
}

EndpointResult show_process(const RequestContext& context) {
  const auto snapshot = context.deps.snapshot();
  const auto target = process_address(context, *snapshot);
  if (!target) {
    return tl::unexpected(target.error());
  }
  const SupervisorSnapshot& supervisor = *snapshot->find(target->supervisor);
  if (const ProcessSnapshot* const process = supervisor.find(target->name)) {
    return json_response(200, process_json(supervisor, *process));
  }
  return tl::unexpected(unknown_process(*target, supervisor));
}

EndpointResult start_process(const RequestContext& context) {
  return submit(context, process_command(context, Action::start));
}

EndpointResult stop_process(const RequestContext& context) {
  return submit(context, process_command(context, Action::stop));
}

EndpointResult restart_process(const RequestContext& context) {
  return submit(context, process_command(context, Action::restart));
}

EndpointResult signal_process(const RequestContext& context) {
  return submit(context, process_command(context, Action::signal));
}

EndpointResult start_group(const RequestContext& context) {
  return submit(context, group_command(context, Action::start));
}

EndpointResult stop_group(const RequestContext& context) {
  return submit(context, group_command(context, Action::stop));
}

EndpointResult restart_group(const RequestContext& context) {
  return submit(context, group_command(context, Action::restart));
}

EndpointResult list_operations(const RequestContext& context) {
  ordered_json list = ordered_json::array();
  for (const Operation& operation : context.deps.controller->list()) {
    list.push_back(json::to_json(operation));
  }
  return json_response(200, list);
}

EndpointResult show_operation(const RequestContext& context) {
  const auto operation = context.deps.controller->find(context.path_parameters.front());
  if (!operation) {
    return tl::unexpected(
        not_found("there is no such operation, or it was forgotten: the last thousand are kept"));
  }
  return json_response(200, json::to_json(*operation));
}

}  // namespace reeve::api
