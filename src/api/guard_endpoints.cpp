// Guards and maintenance, which keep alerts from acting, and the audit.

#include <algorithm>

#include <nlohmann/json.hpp>

#include "api/http_helpers.h"
#include "api/process_endpoints.h"
#include "api/request_body.h"
#include "api/routes.h"
#include "base/text.h"
#include "json/json.h"

namespace reeve::api {

using control::AuditEntry;
using control::AuditKind;
using nlohmann::ordered_json;
using substrate::Selector;

namespace {

constexpr std::size_t max_scope_bytes = 1024;
constexpr std::size_t default_audit_limit = 100;
constexpr std::size_t max_audit_limit = 10'000;
constexpr std::string_view all_processes = "*";

/// The token's own allow list does not cover this.
Problem not_allowed(const Principal& actor, std::string_view scope) {
  const auto reason = guards::Reason::not_allowed;
  return {.status = guards::http_status(reason),
          .type = std::string(to_string(reason)),
          .detail = "'" + actor.name + "' may not act on all of '" + std::string(scope) +
                    "': see the token's own allow list"};
}

AuditEntry audit_entry(const RequestContext& context, AuditKind kind, std::string action) {
  AuditEntry entry;
  entry.at = context.clock.system_now();
  entry.kind = kind;
  entry.actor = context.actor.name;
  entry.action = std::move(action);
  return entry;
}

/// The process that the path names: it is in the snapshot, or has guards. Nothing for `*`.
tl::expected<std::optional<guards::Target>, Problem> reset_target(const RequestContext& context) {
  if (context.path_parameters.front() == all_processes) {
    if (context.request.parameter("supervisor")) {
      return tl::unexpected(
          malformed_request("'*' is everything, of all supervisords: it takes no 'supervisor'"));
    }
    return std::nullopt;
  }
  const auto snapshot = context.deps.snapshot();
  auto target = process_address(context, *snapshot);
  if (!target) {
    return tl::unexpected(std::move(target.error()));
  }
  const monitor::SupervisorSnapshot& supervisor = *snapshot->find(target->supervisor);
  const auto guards = context.deps.guards->list();
  const bool is_known =
      supervisor.find(target->name) != nullptr ||
      std::any_of(guards.begin(), guards.end(),
                  [&](const guards::GuardState& guard) { return guard.target == *target; });
  if (!is_known) {
    return tl::unexpected(unknown_process(*target, supervisor));
  }
  return *std::move(target);
}

/// Whether the scope matches a known process; true while a supervisord has never been read.
bool may_match_process(const Selector& scope, const monitor::Snapshot& snapshot) {
  return std::any_of(
      snapshot.supervisors.begin(), snapshot.supervisors.end(), [&](const auto& supervisor) {
        const auto& processes = supervisor.processes;
        return !supervisor.snapshot_at ||
               std::any_of(processes.begin(), processes.end(), [&](const auto& process) {
                 return scope.matches(supervisor.name, process.detail.name);
               });
      });
}

/// The path's scope. Which patterns are scopes is checked by guards::Maintenance.
tl::expected<Selector, Problem> maintenance_scope(const RequestContext& context) {
  const std::string& text = context.path_parameters.front();
  auto scope = Selector::parse(text);
  if (!scope || text.size() > max_scope_bytes) {
    return tl::unexpected(malformed_request("a scope is '*', 'group:*' or 'group:name'"));
  }
  if (!context.actor.may_act_on(*scope)) {
    return tl::unexpected(not_allowed(context.actor, text));
  }
  return *std::move(scope);
}

void record_maintenance(const RequestContext& context, const Selector& scope, std::string action,
                        const std::string& details) {
  AuditEntry entry = audit_entry(context, AuditKind::maintenance, std::move(action));
  entry.reason = "'" + scope.text() + "'" + details;
  if (const auto single = scope.single()) {
    entry.target = guards::Target{scope.supervisor(), *single};
  }
  context.deps.audit->record({entry});
}

/// RFC 3339, or Unix seconds.
tl::expected<std::optional<base::SystemTime>, Problem> since_of(const http::Request& request) {
  auto text = request.parameter("since");
  if (!text) {
    return std::nullopt;
  }
  std::replace(text->begin(), text->end(), ' ', '+');  // an offset whose sign was not encoded
  constexpr std::int64_t last_second = 9'000'000'000;
  const auto seconds = base::parse_number<std::int64_t>(*text);
  if (seconds && *seconds >= 0 && *seconds <= last_second) {
    return base::SystemTime(std::chrono::seconds(*seconds));
  }
  const auto time = base::parse_rfc3339(*text);
  if (!time) {
    return tl::unexpected(malformed_request(
        "'since' is a time like 2026-01-31T12:00:00Z, or a number of Unix seconds"));
  }
  return time;
}

/// 503 with what to do, where the state could not be read.
tl::expected<void, Problem> check_readable(const std::optional<std::string>& unreadable) {
  if (unreadable) {
    return tl::unexpected(state_problem({base::ErrorKind::conflict, *unreadable}));
  }
  return {};
}

}  // namespace

EndpointResult list_guards(const RequestContext& context) {
  const guards::Guards& guards = *context.deps.guards;
  return check_readable(guards.unreadable()).map([&] {
    return json_response(200, json::to_json(guards.stats()));
  });
}

EndpointResult reset_guards(const RequestContext& context) {
  if (const auto body = read_reset_body(context.request.body); !body) {
    return tl::unexpected(body.error());
  }
  const auto target = reset_target(context);
  if (!target) {
    return tl::unexpected(target.error());
  }
  const std::string name = *target ? (*target)->text() : std::string(all_processes);
  const auto selector = Selector::parse(name);
  if (!selector || !context.actor.may_act_on(*selector)) {
    return tl::unexpected(not_allowed(context.actor, name));
  }
  guards::Guards& guards = *context.deps.guards;
  auto done = *target ? guards.reset(**target) : guards.reset_all();
  if (done && !*target && context.deps.responder != nullptr) {
    done = context.deps.responder->forget_unreadable();
  }
  if (!done) {
    return tl::unexpected(state_problem(done.error()));
  }
  AuditEntry entry = audit_entry(context, AuditKind::reset, "reset");
  entry.target = *target;
  entry.reason = *target ? "" : "everything";
  context.deps.audit->record({entry});
  return list_guards(context);
}

EndpointResult list_maintenance(const RequestContext& context) {
  const guards::Maintenance& maintenance = *context.deps.maintenance;
  return check_readable(maintenance.unreadable()).map([&] {
    ordered_json list = ordered_json::array();
    for (const guards::MaintenanceWindow& window : maintenance.list()) {
      list.push_back(json::to_json(window));
    }
    return json_response(200, list);
  });
}

EndpointResult set_maintenance(const RequestContext& context) {
  const auto body = read_maintenance_body(context.request.body);
  if (!body) {
    return tl::unexpected(body.error());
  }
  const auto scope = maintenance_scope(context);
  if (!scope) {
    return tl::unexpected(scope.error());
  }
  if (!may_match_process(*scope, *context.deps.snapshot())) {
    return tl::unexpected(
        not_found("'" + scope->text() + "' names no process that is known: see reeve list"));
  }
  const auto window =
      context.deps.maintenance->set(scope->text(), body->ttl, body->reason, context.actor.name);
  if (!window) {
    return tl::unexpected(state_problem(window.error()));
  }
  record_maintenance(context, *scope, "set",
                     " until " + base::to_rfc3339(window->until) +
                         (body->reason.empty() ? "" : ": " + body->reason));
  return json_response(200, json::to_json(*window));
}

EndpointResult clear_maintenance(const RequestContext& context) {
  const auto scope = maintenance_scope(context);
  if (!scope) {
    return tl::unexpected(scope.error());
  }
  const auto cleared = context.deps.maintenance->clear(scope->text());
  if (!cleared) {
    return tl::unexpected(state_problem(cleared.error()));
  }
  record_maintenance(context, *scope, "clear", "");
  return make_response(204, "application/json", "");
}

EndpointResult show_audit(const RequestContext& context) {
  const auto since = since_of(context.request);
  if (!since) {
    return tl::unexpected(since.error());
  }
  const auto limit = base::parse_number<std::size_t>(
      context.request.parameter("limit").value_or(std::to_string(default_audit_limit)));
  if (!limit || *limit == 0 || *limit > max_audit_limit) {
    return tl::unexpected(
        malformed_request("'limit' is a number from 1 to " + std::to_string(max_audit_limit)));
  }
  const auto entries = context.deps.audit->read(*since, *limit);
  if (!entries) {
    return tl::unexpected(state_problem(entries.error()));
  }
  ordered_json list = ordered_json::array();
  for (const AuditEntry& entry : *entries) {
    list.push_back(json::to_json(entry));
  }
  return json_response(200, list);
}

}  // namespace reeve::api
