#include "api/recorded_change.h"

#include "api/http_helpers.h"
#include "coordination/documents.h"
#include "guards/maintenance.h"
#include "guards/policy.h"
#include "guards/reason.h"

namespace reeve::api {

control::AuditEntry audit_entry(const RequestContext& context, control::AuditKind kind,
                                std::string action) {
  control::AuditEntry entry;
  entry.at = context.clock.system_now();
  entry.kind = kind;
  entry.actor = context.actor.name;
  entry.action = std::move(action);
  return entry;
}

Problem not_allowed(const RequestContext& context, std::string_view action,
                    std::string_view scope) {
  const auto reason = guards::Reason::not_allowed;
  Problem problem{.status = guards::http_status(reason),
                  .type = std::string(to_string(reason)),
                  .detail = "'" + context.actor.name + "' may not act on all of '" +
                            std::string(scope) + "': see the token's own allow list"};
  record_refused_request(context.deps, context.clock, context.actor, action, problem);
  return problem;
}

substrate::KnownNames supervisors_alone(const monitor::Snapshot& snapshot) {
  return {.has_supervisor = guards::known_names(snapshot).has_supervisor,
          .has_process = [](std::string_view, const substrate::InstanceName&) { return false; }};
}

tl::expected<substrate::Selector, Problem> maintenance_scope(const RequestContext& context) {
  const std::string& text = context.path_parameters.front();
  auto scope = substrate::Selector::parse(text);
  if (!scope || text.size() > coordination::SharedMaintenance::max_scope_bytes) {
    return tl::unexpected(malformed_request("a scope is '*', 'group:*' or 'group:name'"));
  }
  const auto snapshot = context.deps.snapshot();
  const bool is_group = text.ends_with(":*") || text.ends_with(':');
  if (!context.actor.may_act_on(
          *scope, is_group ? supervisors_alone(*snapshot) : guards::known_names(*snapshot))) {
    return tl::unexpected(not_allowed(context, "maintenance", text));
  }
  return *std::move(scope);
}

}  // namespace reeve::api
