#pragma once

// Changes that a client makes beside operations, each with its entry in the audit: nothing is
// changed without a record of it.

#include <string>
#include <string_view>
#include <utility>

#include "api/routes.h"
#include "control/audit.h"

namespace reeve::api {

[[nodiscard]] control::AuditEntry audit_entry(const RequestContext& context,
                                              control::AuditKind kind, std::string action);

/// The token's own allow list does not cover this scope; the refusal is recorded.
[[nodiscard]] Problem not_allowed(const RequestContext& context, std::string_view action,
                                  std::string_view scope);

/// What a scope covers does not depend on names: `web:*` is the group, whatever a process is
/// called.
[[nodiscard]] substrate::KnownNames supervisors_alone(const monitor::Snapshot& snapshot);

/// The path's scope of maintenance, all of which the token may act on. Which patterns are scopes
/// is checked by guards::Maintenance.
[[nodiscard]] tl::expected<substrate::Selector, Problem> maintenance_scope(
    const RequestContext& context);

/// `change` calls what it is given just before it changes anything. What fails then is recorded,
/// too.
template <class Change>
auto recorded(const RequestContext& context, control::AuditEntry entry, const Change& change) {
  bool is_recorded = false;
  auto changed = change([&]() -> base::Result<void> {
    auto written = context.deps.audit->record_before(entry);
    is_recorded = written.has_value();
    return written.map_error([](base::Error error) {
      error.message = "nothing is done without a record of it: " + error.message;
      return error;
    });
  });
  if (!changed && is_recorded) {
    entry.at = context.clock.system_now();
    entry.result = to_string(control::OperationResult::failed);
    entry.reason = changed.error().message;
    context.deps.audit->record({entry});
  }
  return changed;
}

}  // namespace reeve::api
