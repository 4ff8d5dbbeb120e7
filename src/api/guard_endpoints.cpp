// Guards and maintenance, which keep alerts from acting.

#include <algorithm>

#include <nlohmann/json.hpp>

#include "api/http_helpers.h"
#include "api/process_endpoints.h"
#include "api/recorded_change.h"
#include "api/request_body.h"
#include "api/routes.h"
#include "base/text.h"
#include "guards/policy.h"
#include "json/json.h"

namespace reeve::api {

using control::AuditEntry;
using control::AuditKind;
using nlohmann::ordered_json;
using substrate::Selector;

namespace {

constexpr std::string_view all_processes = "*";

/// The process that the path names, whether or not there is one. Nothing for `*`.
tl::expected<std::optional<guards::Target>, Problem> reset_target(const RequestContext& context) {
  if (context.path_parameters.front() == all_processes) {
    if (context.request.parameter("supervisor")) {
      return tl::unexpected(
          malformed_request("'*' is everything, of all supervisords: it takes no 'supervisor'"));
    }
    return std::nullopt;
  }
  return process_address(context, *context.deps.snapshot()).map([](guards::Target target) {
    return std::optional(std::move(target));
  });
}

/// A process that may be reset is in the snapshot, or has guards.
tl::expected<void, Problem> check_known(const RequestContext& context,
                                        const guards::Target& target) {
  const auto snapshot = context.deps.snapshot();
  const monitor::SupervisorSnapshot* const supervisor = snapshot->find(target.supervisor);
  const auto guards = context.deps.guards->list();
  const bool is_known =
      supervisor->find(target.name) != nullptr ||
      std::any_of(guards.begin(), guards.end(),
                  [&](const guards::GuardState& guard) { return guard.target == target; });
  if (!is_known) {
    return tl::unexpected(unknown_process(target, *supervisor));
  }
  return {};
}

/// Whether the scope matches a known process; true while a supervisord has never been read.
bool may_match_process(const Selector& scope, const monitor::Snapshot& snapshot) {
  const auto known = guards::known_names(snapshot);
  return std::any_of(
      snapshot.supervisors.begin(), snapshot.supervisors.end(), [&](const auto& supervisor) {
        const auto& processes = supervisor.processes;
        return !supervisor.snapshot_at ||
               std::any_of(processes.begin(), processes.end(), [&](const auto& process) {
                 return scope.matches(supervisor.name, process.detail.name, known);
               });
      });
}

/// Whether it is the name of a process, though it may look like a pattern.
bool names_process(const Selector& scope, const monitor::Snapshot& snapshot) {
  const auto known = guards::known_names(snapshot);
  return std::any_of(snapshot.supervisors.begin(), snapshot.supervisors.end(),
                     [&](const auto& supervisor) {
                       const auto single = scope.single(supervisor.name, known);
                       const std::string wanted = scope.supervisor(known);
                       return single && (wanted.empty() || wanted == supervisor.name) &&
                              supervisor.find(*single) != nullptr;
                     });
}

/// The group that a scope without a colon names.
std::optional<std::string> group_named(const Selector& scope, const monitor::Snapshot& snapshot) {
  const auto parts = substrate::split_qualified(scope.text());
  const bool is_group = std::any_of(
      snapshot.supervisors.begin(), snapshot.supervisors.end(), [&](const auto& supervisor) {
        return std::any_of(
            supervisor.processes.begin(), supervisor.processes.end(),
            [&](const auto& process) { return process.detail.name.group == parts->process; });
      });
  return is_group ? std::optional(scope.text()) : std::nullopt;
}

/// Whether it covers a process that the client may read of, or is one that the client may set.
bool may_read_window(const RequestContext& context, const guards::MaintenanceWindow& window) {
  const auto may_read = context.reads();
  if (!may_read) {
    return true;
  }
  const auto snapshot = context.deps.snapshot();
  const auto scope = Selector::parse(window.scope);
  return (scope && context.actor.may_act_on(*scope, supervisors_alone(*snapshot))) ||
         std::any_of(snapshot->supervisors.begin(), snapshot->supervisors.end(),
                     [&](const auto& of) {
                       return std::any_of(
                           of.processes.begin(), of.processes.end(), [&](const auto& process) {
                             const guards::Target target{of.name, process.detail.name};
                             return guards::covers(window, target) && may_read(target);
                           });
                     });
}

AuditEntry maintenance_entry(const RequestContext& context, const Selector& scope,
                             std::string action, const std::string& details) {
  AuditEntry entry = audit_entry(context, AuditKind::maintenance, std::move(action));
  entry.reason = "'" + scope.text() + "'" + details;
  if (const auto single = scope.single()) {
    entry.target = guards::Target{scope.supervisor(), *single};
  }
  return entry;
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
    guards::GuardStats stats = guards.stats();
    const alerts::Responder* const responder = context.deps.responder;
    if (responder != nullptr) {
      const auto cooling = responder->initial_cooldowns();
      // Of a process that opened the breaker the guards know less than its initial cooldown says.
      stats.guards.insert(stats.guards.begin(), cooling.begin(), cooling.end());
    }
    auto pending =
        responder == nullptr ? std::vector<alerts::WaitingAlert>() : responder->pending();
    const auto snapshot = context.deps.snapshot();
    const auto known = guards::known_names(*snapshot);
    std::erase_if(stats.guards, [&](const guards::GuardState& guard) {
      return !context.actor.may_read(guard.target, known);
    });
    std::erase_if(pending, [&](const alerts::WaitingAlert& each) {
      return !context.actor.may_read(each.target, known);
    });
    return json_response(200, json::to_json(stats, pending));
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
  const Selector selector = *target ? Selector::of((*target)->supervisor, (*target)->name)
                                    : *Selector::parse(all_processes);
  if (!context.actor.may_act_on(selector, guards::known_names(*context.deps.snapshot()))) {
    return tl::unexpected(not_allowed(context, "reset", name));
  }
  if (const auto known = *target ? check_known(context, **target) : tl::expected<void, Problem>();
      !known) {
    return tl::unexpected(known.error());
  }
  guards::Guards& guards = *context.deps.guards;
  AuditEntry entry = audit_entry(context, AuditKind::reset, "reset");
  entry.target = *target;
  entry.reason = *target ? "" : "everything";
  const auto done = recorded(context, std::move(entry), [&](const guards::RecordFirst& record) {
    auto reset = *target ? guards.reset(**target, record) : guards.reset_all(record);
    const bool forgets = reset && !*target && context.deps.responder != nullptr;
    return forgets ? context.deps.responder->forget_unreadable() : reset;
  });
  if (!done) {
    return tl::unexpected(state_problem(done.error()));
  }
  if (context.deps.responder != nullptr) {
    context.deps.responder->decide_soon(
        [&](const alerts::EpisodeKey& key) { return !*target || key.target == **target; });
  }
  return list_guards(context);
}

EndpointResult list_maintenance(const RequestContext& context) {
  const guards::Maintenance& maintenance = *context.deps.maintenance;
  return check_readable(maintenance.unreadable()).map([&] {
    ordered_json list = ordered_json::array();
    for (const guards::MaintenanceWindow& window : maintenance.list()) {
      if (may_read_window(context, window)) {
        list.push_back(json::to_json(window));
      }
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
  if (const auto group = group_named(*scope, *context.deps.snapshot())) {
    return tl::unexpected(
        malformed_request("'" + scope->text() + "' is a group: write '" + *group + ":*'"));
  }
  if (!may_match_process(*scope, *context.deps.snapshot())) {
    return tl::unexpected(
        not_found("'" + scope->text() + "' names no process that is known: see reeve list"));
  }
  const auto until = context.clock.system_now() + body->ttl;
  const auto form = names_process(*scope, *context.deps.snapshot()) ? guards::ScopeForm::process
                                                                    : guards::ScopeForm::any;
  const auto window =
      recorded(context,
               maintenance_entry(context, *scope, "set",
                                 " until " + base::to_rfc3339(until) +
                                     (body->reason.empty() ? "" : ": " + body->reason)),
               [&](const guards::RecordFirst& record) {
                 return context.deps.maintenance->set(scope->text(), body->ttl, body->reason,
                                                      context.actor.name, record, form);
               });
  if (!window) {
    return tl::unexpected(state_problem(window.error()));
  }
  return json_response(200, json::to_json(*window));
}

EndpointResult clear_maintenance(const RequestContext& context) {
  const auto scope = maintenance_scope(context);
  if (!scope) {
    return tl::unexpected(scope.error());
  }
  const auto cleared = recorded(context, maintenance_entry(context, *scope, "clear", ""),
                                [&](const guards::RecordFirst& record) {
                                  return context.deps.maintenance->clear(scope->text(), record);
                                });
  if (!cleared) {
    return tl::unexpected(state_problem(cleared.error()));
  }
  return make_response(204, "application/json", "");
}

}  // namespace reeve::api
