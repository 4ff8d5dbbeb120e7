// What all hosts of the cluster share: members, limits and who holds their slots, maintenance.

#include <algorithm>
#include <chrono>

#include <nlohmann/json.hpp>

#include "api/http_helpers.h"
#include "api/recorded_change.h"
#include "api/request_body.h"
#include "api/routes.h"
#include "base/text.h"
#include "guards/policy.h"
#include "json/json.h"
#include "reeve/base/deadline.h"

namespace reeve::api {

using base::ErrorKind;
using control::AuditKind;
using nlohmann::ordered_json;

namespace {

/// For all endpoints of etcd together.
constexpr std::chrono::seconds patience{6};

base::Deadline soon(const RequestContext& context) {
  return base::Deadline::after(context.clock, patience);
}

Problem problem_of_engine(const base::Error& error) {
  static constexpr std::array is_answer = {ErrorKind::not_found, ErrorKind::conflict,
                                           ErrorKind::invalid_argument, ErrorKind::internal};
  Problem problem = problem_of(error);
  problem.fault.reset();
  if (std::find(is_answer.begin(), is_answer.end(), error.kind) == is_answer.end()) {
    problem.status = 503;
    problem.type = "coordination_unreachable";
  }
  return problem;
}

/// The problem if no coordination is configured.
tl::expected<coordination::Coordinator*, Problem> coordinator_of(const RequestContext& context) {
  if (context.deps.coordinator == nullptr) {
    return tl::unexpected(
        not_found("this agent shares nothing with others: set coordination in its configuration"));
  }
  return context.deps.coordinator;
}

EndpointResult make_change(const RequestContext& context, control::AuditEntry entry,
                           const coordination::Change& change) {
  const auto coordinator = coordinator_of(context);
  if (!coordinator) {
    return tl::unexpected(coordinator.error());
  }
  const auto made = recorded(context, std::move(entry), [&](const guards::RecordFirst& record) {
    auto done = record();
    return done ? (*coordinator)->change(change, soon(context)) : done;
  });
  if (!made) {
    return tl::unexpected(problem_of_engine(made.error()));
  }
  return make_response(204, "application/json", "");
}

control::AuditEntry fleet_entry(const RequestContext& context, std::string action,
                                std::string reason) {
  auto entry = audit_entry(context, AuditKind::fleet, std::move(action));
  entry.reason = std::move(reason);
  return entry;
}

/// As all hosts have it, and the token may set it.
tl::expected<void, Problem> check_fleet_scope(const RequestContext& context) {
  if (!guards::Maintenance::check_shared_scope(context.path_parameters.front())) {
    return tl::unexpected(malformed_request("a scope is '*', 'group:*' or 'group:name'"));
  }
  return maintenance_scope(context).map([](const substrate::Selector&) {});
}

}  // namespace

EndpointResult list_members(const RequestContext& context) {
  const auto coordinator = coordinator_of(context);
  if (!coordinator) {
    return tl::unexpected(coordinator.error());
  }
  const auto members = (*coordinator)->members(soon(context));
  if (!members) {
    return tl::unexpected(problem_of_engine(members.error()));
  }
  ordered_json list = ordered_json::array();
  for (coordination::Member member : *members) {
    if (!context.actor.may_read_everything()) {
      member.report.reset();  // other hosts' processes
    }
    list.push_back(json::to_json(member, member.info.name == context.deps.member_name));
  }
  return json_response(200, list);
}

EndpointResult forget_member(const RequestContext& context) {
  const std::string& name = context.path_parameters.front();
  return make_change(context, fleet_entry(context, "forget", "the member '" + name + "'"),
                     coordination::ForgetMember{name});
}

EndpointResult set_fleet_maintenance(const RequestContext& context) {
  const auto body = read_maintenance_body(context.request.body);
  if (!body) {
    return tl::unexpected(body.error());
  }
  if (body->ttl < std::chrono::seconds(1) ||
      body->ttl > coordination::SharedMaintenance::max_span) {
    return tl::unexpected(invalid_request("'ttl': maintenance of all hosts lasts from 1s to 720h"));
  }
  if (auto checked = check_fleet_scope(context); !checked) {
    return tl::unexpected(std::move(checked.error()));
  }
  const std::string& scope = context.path_parameters.front();
  const auto until = context.clock.system_now() + body->ttl;
  auto entry = audit_entry(context, AuditKind::maintenance, "set");
  entry.reason = "'" + scope + "' on all hosts until " + base::to_rfc3339(until) +
                 (body->reason.empty() ? "" : ": " + body->reason);
  return make_change(context, std::move(entry),
                     coordination::SetMaintenance{{scope, body->reason, context.actor.name,
                                                   context.deps.member_name, until, body->ttl}});
}

EndpointResult clear_fleet_maintenance(const RequestContext& context) {
  if (auto checked = check_fleet_scope(context); !checked) {
    return tl::unexpected(std::move(checked.error()));
  }
  auto entry = audit_entry(context, AuditKind::maintenance, "clear");
  entry.reason = "'" + context.path_parameters.front() + "' on all hosts";
  return make_change(context, std::move(entry),
                     coordination::ClearMaintenance{context.path_parameters.front()});
}

EndpointResult list_limits(const RequestContext& context) {
  const auto coordinator = coordinator_of(context);
  if (!coordinator) {
    return tl::unexpected(coordinator.error());
  }
  const auto view = (*coordinator)->view();
  if (!view->read) {
    return tl::unexpected(problem_of_engine(
        {ErrorKind::unreachable, "the limits were not read from etcd yet: see the agent's log"}));
  }
  ordered_json list = ordered_json::array();
  for (const auto& [name, limit] : view->limits) {
    coordination::LimitState shown = limit;
    if (!context.actor.may_read_everything()) {
      for (coordination::HeldSlot& each : shown.held) {
        each.holder.process.clear();
      }
    }
    list.push_back(json::to_json(shown));
  }
  return json_response(200, list);
}

EndpointResult set_limit(const RequestContext& context) {
  const auto limit = read_limit_body(context.request.body);
  if (!limit) {
    return tl::unexpected(limit.error());
  }
  const std::string& name = context.path_parameters.front();
  return make_change(context,
                     fleet_entry(context, "set", "the limit '" + name + "': " + to_text(*limit)),
                     coordination::SetLimit{name, *limit});
}

EndpointResult delete_limit(const RequestContext& context) {
  const std::string& name = context.path_parameters.front();
  return make_change(context, fleet_entry(context, "delete", "the limit '" + name + "'"),
                     coordination::DeleteLimit{name});
}

EndpointResult release_slot(const RequestContext& context) {
  const std::string& limit = context.path_parameters[0];
  const std::string& holder = context.path_parameters[1];
  return make_change(
      context,
      fleet_entry(context, "release", "the slot of '" + limit + "' that '" + holder + "' holds"),
      coordination::ReleaseHolder{limit, holder});
}

}  // namespace reeve::api
