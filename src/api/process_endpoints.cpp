// Supervisords and processes, read from the monitor's snapshot; actions on processes and groups;
// and the operations that they become. An action is answered at once (202), or with `?wait=` when
// its operation is done: a deferred response, no thread waits.

#include "api/process_endpoints.h"

#include <algorithm>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "api/fair_share.h"
#include "api/http_helpers.h"
#include "api/process_page.h"
#include "api/request_body.h"
#include "api/snapshot_waiters.h"
#include "base/text.h"
#include "guards/policy.h"
#include "json/json.h"
#include "json/process_text.h"

namespace reeve::api {

using control::Operation;
using guards::Action;
using monitor::ProcessSnapshot;
using monitor::SupervisorSnapshot;
using nlohmann::ordered_json;

namespace {

constexpr std::size_t max_address_bytes = 1024;
constexpr std::size_t max_key_bytes = 255;
constexpr std::chrono::minutes max_wait{5};

Problem unknown_supervisor(const std::string& name, const monitor::Snapshot& snapshot) {
  return not_found(guards::no_such_supervisor(name, snapshot));
}

Problem name_too_long() {
  return malformed_request("a name has at most " + std::to_string(max_address_bytes) + " bytes");
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

struct ProcessFilter {
  std::optional<std::string> group;
  std::optional<std::string> state;
  std::optional<std::string> supervisor;
  std::function<bool(const guards::Target&)> may_read;  ///< null: everything

  [[nodiscard]] bool is_everything() const { return !group && !state && !supervisor && !may_read; }

  [[nodiscard]] bool matches(const SupervisorSnapshot& of, const ProcessSnapshot& process) const {
    const auto& detail = process.detail;
    return (!supervisor || *supervisor == of.name) && (!group || *group == detail.name.group) &&
           (!state || (of.up && *state == substrate::to_string(detail.state))) &&
           (!may_read || may_read({of.name, detail.name}));
  }
};

tl::expected<ProcessFilter, Problem> filter_of(const RequestContext& context,
                                               const monitor::Snapshot& snapshot) {
  const http::Request& request = context.request;
  ProcessFilter filter{.group = request.parameter("group"),
                       .state = request.parameter("state"),
                       .supervisor = request.parameter("supervisor"),
                       .may_read = context.reads()};
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

/// Names what the list is made of: the snapshot of this run of the agent, the query, and what the
/// client may read. Weak: the gzipped list has the same.
std::string entity_tag(const RequestContext& context, const monitor::Snapshot& snapshot,
                       const ProcessFilter& filter) {
  std::string made_of = context.request.query + '\n';
  if (filter.may_read) {
    made_of += base::join(context.actor.allow, " ", &substrate::Selector::text);
  }
  constexpr std::string_view digits = "0123456789abcdef";
  std::string tag = "W/\"" + context.run + "-" + std::to_string(snapshot.generation) + "-";
  const Digest digest = digest_of(made_of);
  for (std::size_t at = 0; at < 8; ++at) {
    (tag += digits[digest[at] / 16]) += digits[digest[at] % 16];
  }
  return tag += '"';
}

std::string list_of(const ProcessPage& page, const ProcessFilter& filter) {
  std::string text;
  text.reserve(page.plain()->size());
  text += '[';
  std::size_t at = 0;
  for (const SupervisorSnapshot& supervisor : page.snapshot().supervisors) {
    for (const ProcessSnapshot& process : supervisor.processes) {
      if (filter.matches(supervisor, process)) {
        text += text.size() > 1 ? "," : "";
        text += page.object(at);
      }
      ++at;
    }
  }
  return text += ']';
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

/// Completes `deferred` with what `make` makes, once a snapshot shows the operation.
void respond_when_shown(const http::DeferredResponse& deferred, SnapshotWaiters& waiters,
                        const control::Operation& done,
                        const std::function<http::Response()>& make) {
  const http::DeferredResponse shown(SnapshotWaiters::max_wait, make);
  waiters.add(done, [shown, make] { shown.complete(make()); });
  http::Response response;
  response.body = shown;
  deferred.complete(std::move(response));
}

/// Responds when the operation is done; after `wait`, or without a place to wait in, with its state
/// so far.
http::Response deferred_response(const RequestContext& context, const Operation& operation,
                                 base::Duration wait) {
  const auto place = context.wait_places.take(context.actor.name);
  if (!place) {
    return operation_response(202, operation);
  }
  control::Controller* const controller = context.deps.controller;
  const auto measurement = context.measurement;
  const http::DeferredResponse deferred(wait, [controller, measurement, operation, place] {
    const auto so_far = controller->find(operation.id);
    measurement->end(202);
    return operation_response(202, so_far.value_or(operation));
  });
  const auto on_finished = [deferred, measurement, path = context.request.path,
                            waiters = context.waiters,
                            snapshot = context.deps.snapshot](const Operation& done) {
    const auto make = [measurement, path, done] {
      const EndpointResult result = finished_response(done);
      http::Response response = result ? *result : problem_response(result.error(), path);
      measurement->end(response.status);
      return response;
    };
    respond_when_shown(deferred, *waiters, done, make);
    waiters->publish(*snapshot());  // it may be there already
  };
  if (!controller->on_finished(operation.id, on_finished)) {
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

/// `[SUPERVISOR/]group:name`, where a part before '/' that is no supervisord is part of the name.
tl::expected<guards::Target, Problem> target_of(const RequestContext& context,
                                                const monitor::Snapshot& snapshot,
                                                const std::string& text) {
  const auto parts = substrate::split_qualified(text);
  const bool is_qualified =
      parts && !parts->supervisor.empty() && snapshot.find(parts->supervisor) != nullptr;
  auto name = substrate::InstanceName::parse(is_qualified ? parts->process : text);
  if (!name) {
    return tl::unexpected(invalid_request("'processes': " + name.error().message));
  }
  return is_qualified ? guards::Target{parts->supervisor, *std::move(name)}
                      : with_supervisor(context, snapshot, *std::move(name));
}

tl::expected<guards::Command, Problem> batch_command(const RequestContext& context) {
  const auto snapshot = context.deps.snapshot();
  auto body = read_batch_body(context.request.body);
  if (!body) {
    return tl::unexpected(std::move(body.error()));
  }
  std::vector<guards::Target> batch;
  for (const std::string& text : body->processes) {
    auto target = target_of(context, *snapshot, text);
    if (!target) {
      return tl::unexpected(std::move(target.error()));
    }
    if (std::find(batch.begin(), batch.end(), *target) != batch.end()) {
      return tl::unexpected(invalid_request("'processes': '" + text + "' is given twice"));
    }
    batch.push_back(*std::move(target));
  }
  const bool is_one_supervisor = std::all_of(batch.begin(), batch.end(), [&](const auto& each) {
    return each.supervisor == batch.front().supervisor;
  });
  ActionBody action;
  action.reason = body->reason;
  action.dry_run = body->dry_run;
  guards::Command command = make_command(
      context, body->action, {is_one_supervisor ? batch.front().supervisor : "", {}}, action);
  command.group_order = body->rolling ? guards::GroupOrder::rolling : guards::GroupOrder::at_once;
  command.batch = std::move(batch);
  return command;
}

/// Of an operation on several it may read if it may read of all.
bool may_read(const RequestContext& context, const Operation& operation,
              const substrate::KnownNames& known) {
  const auto targets = operation.command.targets();
  return std::all_of(targets.begin(), targets.end(), [&](const guards::Target& each) {
    return context.actor.may_read(each, known);
  });
}

}  // namespace

EndpointResult submit_command(const RequestContext& context,
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

tl::expected<guards::Target, Problem> process_address(const RequestContext& context,
                                                      const monitor::Snapshot& snapshot) {
  const std::string& text = context.path_parameters.front();
  if (text.size() > max_address_bytes) {
    return tl::unexpected(name_too_long());
  }
  auto name = substrate::InstanceName::parse(text);
  if (!name) {
    return tl::unexpected(malformed_request(name.error().message));
  }
  return with_supervisor(context, snapshot, std::move(*name));
}

tl::expected<guards::Target, Problem> readable_process_address(const RequestContext& context,
                                                               const monitor::Snapshot& snapshot) {
  return process_address(context, snapshot).and_then([&](const guards::Target& target) {
    return context.check_readable(target).map([&] { return target; });
  });
}

tl::expected<guards::Target, Problem> group_address(const RequestContext& context,
                                                    const monitor::Snapshot& snapshot) {
  const std::string& group = context.path_parameters.front();
  if (group.size() > max_address_bytes) {
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
  const auto filter = filter_of(context, *snapshot);
  if (!filter) {
    return tl::unexpected(filter.error());
  }
  const http::Request& request = context.request;
  const std::string tag = entity_tag(context, *snapshot, *filter);
  http::Response response = make_response(200, "application/json", "");
  response.headers.push_back({"ETag", tag});
  response.headers.push_back({"Vary", "Accept-Encoding, Authorization, Cookie"});
  if (matches_entity_tag(request.header("If-None-Match").value_or(""), tag)) {
    response.status = 304;
    return response;
  }
  const auto page = context.process_pages.of(snapshot);
  if (!filter->is_everything()) {
    response.body = list_of(*page, *filter);
  } else if (accepts_gzip(request.header("Accept-Encoding").value_or(""))) {
    response.body = page->gzip();
    response.headers.push_back({"Content-Encoding", "gzip"});
  } else {
    response.body = std::vector{page->plain()};
  }
  return response;
}

EndpointResult show_process(const RequestContext& context) {
  const auto snapshot = context.deps.snapshot();
  const auto target = readable_process_address(context, *snapshot);
  if (!target) {
    return tl::unexpected(target.error());
  }
  const SupervisorSnapshot& supervisor = *snapshot->find(target->supervisor);
  if (const ProcessSnapshot* const process = supervisor.find(target->name)) {
    std::string text;
    json::append_process(text, supervisor, *process);
    return make_response(200, "application/json", std::move(text));
  }
  return tl::unexpected(unknown_process(*target, supervisor));
}

EndpointResult show_permission(const RequestContext& context) {
  const auto target = process_address(context, *context.deps.snapshot());
  if (!target) {
    return tl::unexpected(target.error());
  }
  const auto refusal = context.deps.controller->permit(
      make_command(context, Action::restart, *target, ActionBody()));
  const bool has_scope = context.actor.has(Scope::control);
  nlohmann::ordered_json body;
  body["allowed"] = has_scope && !refusal;
  body["reason"] = nullptr;
  body["detail"] = nullptr;
  if (!has_scope) {
    body["reason"] = "missing_scope";
    body["detail"] = "to act takes the scope 'control'";
  } else if (refusal) {
    const Problem problem = problem_of(*refusal, *target);
    body["reason"] = problem.type;
    body["detail"] = base::to_utf8(problem.detail);
  }
  return json_response(200, body);
}

EndpointResult start_process(const RequestContext& context) {
  return submit_command(context, process_command(context, Action::start));
}

EndpointResult stop_process(const RequestContext& context) {
  return submit_command(context, process_command(context, Action::stop));
}

EndpointResult restart_process(const RequestContext& context) {
  return submit_command(context, process_command(context, Action::restart));
}

EndpointResult signal_process(const RequestContext& context) {
  return submit_command(context, process_command(context, Action::signal));
}

EndpointResult start_group(const RequestContext& context) {
  return submit_command(context, group_command(context, Action::start));
}

EndpointResult stop_group(const RequestContext& context) {
  return submit_command(context, group_command(context, Action::stop));
}

EndpointResult restart_group(const RequestContext& context) {
  return submit_command(context, group_command(context, Action::restart));
}

EndpointResult act_on_batch(const RequestContext& context) {
  return submit_command(context, batch_command(context));
}

EndpointResult list_operations(const RequestContext& context) {
  ordered_json list = ordered_json::array();
  const auto snapshot = context.deps.snapshot();
  const auto known = guards::known_names(*snapshot);
  for (const Operation& operation : context.deps.controller->list()) {
    if (may_read(context, operation, known)) {
      list.push_back(json::to_json(operation));
    }
  }
  return json_response(200, list);
}

EndpointResult show_operation(const RequestContext& context) {
  const auto operation = context.deps.controller->find(context.path_parameters.front());
  const auto may_read = context.reads();
  const auto is_readable = [&] {
    const auto targets = operation->command.targets();
    return !may_read || std::all_of(targets.begin(), targets.end(), may_read);
  };
  // An unknown and an unreadable operation have one answer: else the answer would reveal actions
  // on processes that the client may not read.
  if (!operation || !is_readable()) {
    return tl::unexpected(not_found(
        "there is no such operation that you may read, or it was forgotten: of those that "
        "are done a thousand are kept"));
  }
  return json_response(200, json::to_json(*operation));
}

}  // namespace reeve::api
