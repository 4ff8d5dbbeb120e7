// Where alerts are not to act for a while: shown, set and cleared.

#include <algorithm>

#include "api/answer.h"
#include "api/json_body.h"
#include "api/problem.h"
#include "api/routes.h"
#include "api/state_problem.h"
#include "base/text.h"
#include "json/json.h"

namespace reeve::api {

using nlohmann::ordered_json;
using substrate::Selector;

namespace {

constexpr std::size_t max_reason_bytes = 1024;
constexpr std::size_t max_scope_bytes = 1024;
constexpr std::size_t max_span_bytes = 32;

struct Wanted {
  base::Duration ttl{0};
  std::string reason;
};

tl::expected<base::Duration, Problem> span_of(const nlohmann::json& value) {
  return text_member("ttl", value, max_span_bytes)
      .and_then([](const std::string& text) -> tl::expected<base::Duration, Problem> {
        const auto span = base::parse_duration(text);
        if (!span) {
          return tl::unexpected(senseless_request("'ttl': " + span.error().message));
        }
        return *span;
      });
}

tl::expected<Wanted, Problem> wanted_by(const http::Request& request) {
  const auto object = read_json_object(request.body);
  if (!object) {
    return tl::unexpected(object.error());
  }
  if (!object->contains("ttl")) {
    return tl::unexpected(
        senseless_request("'ttl' is missing: maintenance ends by itself, after a span like 2h"));
  }
  Wanted wanted;
  for (const auto& [name, value] : object->items()) {
    tl::expected<void, Problem> taken;
    if (name == "ttl") {
      taken = span_of(value).map([&](base::Duration span) { wanted.ttl = span; });
    } else if (name == "reason") {
      taken = text_member(name, value, max_reason_bytes).map([&](std::string text) {
        wanted.reason = std::move(text);
      });
    } else {
      taken = tl::unexpected(
          malformed_request("'" + name + "' is not known: the members are ttl and reason"));
    }
    if (!taken) {
      return tl::unexpected(taken.error());
    }
  }
  return wanted;
}

/// Whether a process is known that it names; while a supervisord was never read, any may be.
bool names_something(const Selector& scope, const monitor::Snapshot& snapshot) {
  return std::any_of(
      snapshot.supervisors.begin(), snapshot.supervisors.end(), [&](const auto& supervisor) {
        const auto& processes = supervisor.processes;
        return !supervisor.snapshot_at ||
               std::any_of(processes.begin(), processes.end(), [&](const auto& process) {
                 return scope.matches(supervisor.name, process.detail.name);
               });
      });
}

/// Against the scope that the path names; the forms of scopes are known to whoever keeps them.
std::optional<Problem> objection_to(const Call& call, bool must_exist) {
  const std::string& scope = call.captured.front();
  const auto selector = Selector::parse(scope);
  if (!selector || scope.size() > max_scope_bytes) {
    return malformed_request("a scope is '*', 'group:*' or 'group:name'");
  }
  if (!may_act_on(call.actor, *selector)) {
    return not_on_list(call.actor, scope);
  }
  if (must_exist && !names_something(*selector, *call.around.snapshot())) {
    return Problem{.status = 404,
                   .type = "not_found",
                   .detail = "'" + scope + "' names no process that is known: see reeve list"};
  }
  return std::nullopt;
}

void record(const Call& call, const char* action, const std::string& reason) {
  control::AuditEntry entry;
  entry.at = call.clock.system_now();
  entry.kind = control::AuditKind::maintenance;
  entry.actor = call.actor.name;
  entry.action = action;
  entry.reason = "'" + call.captured.front() + "'" + reason;
  const auto selector = Selector::parse(call.captured.front());
  if (const auto single = selector->single()) {
    entry.target = guards::Target{selector->supervisor(), *single};
  }
  call.around.audit->record({entry});
}

}  // namespace

http::Response list_maintenance(const Call& call) {
  const auto& maintenance = *call.around.maintenance;
  if (const auto unreadable = maintenance.unreadable()) {
    return answer(state_problem({base::ErrorKind::conflict, *unreadable}), call.request.path);
  }
  ordered_json list = ordered_json::array();
  for (const guards::MaintenanceWindow& window : maintenance.list()) {
    list.push_back(json::to_json(window));
  }
  return answer(200, "application/json", json::to_text(list));
}

http::Response set_maintenance(const Call& call) {
  const auto wanted = wanted_by(call.request);
  if (!wanted) {
    return answer(wanted.error(), call.request.path);
  }
  if (const auto objection = objection_to(call, true)) {
    return answer(*objection, call.request.path);
  }
  const auto window = call.around.maintenance->set(call.captured.front(), wanted->ttl,
                                                   wanted->reason, call.actor.name);
  if (!window) {
    return answer(state_problem(window.error()), call.request.path);
  }
  record(call, "set",
         " until " + base::to_rfc3339(window->until) +
             (wanted->reason.empty() ? "" : ": " + wanted->reason));
  return answer(200, "application/json", json::to_text(json::to_json(*window)));
}

http::Response clear_maintenance(const Call& call) {
  if (const auto objection = objection_to(call, false)) {
    return answer(*objection, call.request.path);
  }
  const auto cleared = call.around.maintenance->clear(call.captured.front());
  if (!cleared) {
    return answer(state_problem(cleared.error()), call.request.path);
  }
  record(call, "clear", "");
  return answer(204, "application/json", "");
}

}  // namespace reeve::api
