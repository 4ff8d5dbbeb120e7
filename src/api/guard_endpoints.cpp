// What keeps alerts from acting, and the record of what was decided and done.

#include <algorithm>

#include <nlohmann/json.hpp>

#include "api/answer.h"
#include "api/json_body.h"
#include "api/problem.h"
#include "api/process_address.h"
#include "api/routes.h"
#include "api/state_problem.h"
#include "base/text.h"
#include "json/json.h"

namespace reeve::api {
namespace {

constexpr std::size_t default_limit = 100;
constexpr std::size_t max_limit = 10'000;
constexpr std::string_view everything = "*";

/// The process that the path names, which is known or was; nothing for `*`.
tl::expected<std::optional<guards::Target>, Problem> target_of(const Call& call) {
  if (call.captured.front() == everything) {
    if (call.request.parameter("supervisor")) {
      return tl::unexpected(
          malformed_request("'*' is everything, of all supervisords: it takes no 'supervisor'"));
    }
    return std::nullopt;
  }
  const auto snapshot = call.around.snapshot();
  auto target = address_of(call, *snapshot);
  if (!target) {
    return tl::unexpected(std::move(target.error()));
  }
  const monitor::SupervisorSnapshot& supervisor = *snapshot->find(target->supervisor);
  const auto guards = call.around.guards->list();
  const bool is_known =
      supervisor.find(target->name) != nullptr ||
      std::any_of(guards.begin(), guards.end(),
                  [&](const guards::GuardState& guard) { return guard.target == *target; });
  if (!is_known) {
    return tl::unexpected(unknown_process(*target, supervisor));
  }
  return *std::move(target);
}

void record_reset(const Call& call, const std::optional<guards::Target>& target) {
  control::AuditEntry entry;
  entry.at = call.clock.system_now();
  entry.kind = control::AuditKind::reset;
  entry.actor = call.actor.name;
  entry.action = "reset";
  entry.target = target;
  entry.reason = target ? "" : "everything";
  call.around.audit->record({entry});
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

}  // namespace

http::Response list_guards(const Call& call) {
  const guards::Guards& guards = *call.around.guards;
  if (const auto unreadable = guards.unreadable()) {
    return answer(state_problem({base::ErrorKind::conflict, *unreadable}), call.request.path);
  }
  return answer(200, "application/json", json::to_text(json::to_json(guards.stats())));
}

http::Response reset_guards(const Call& call) {
  const auto body = read_json_object(call.request.body);
  if (!body || !body->empty()) {
    return answer(body ? malformed_request("a reset takes no members") : body.error(),
                  call.request.path);
  }
  const auto target = target_of(call);
  if (!target) {
    return answer(target.error(), call.request.path);
  }
  const std::string name = *target ? (*target)->text() : std::string(everything);
  const auto selector = substrate::Selector::parse(name);
  if (!selector || !may_act_on(call.actor, *selector)) {
    return answer(not_on_list(call.actor, name), call.request.path);
  }
  guards::Guards& guards = *call.around.guards;
  auto done = *target ? guards.reset(**target) : guards.reset_all();
  if (done && !*target && call.around.responder != nullptr) {
    done = call.around.responder->forget_unreadable();
  }
  if (!done) {
    return answer(state_problem(done.error()), call.request.path);
  }
  record_reset(call, *target);
  return list_guards(call);
}

http::Response show_audit(const Call& call) {
  const auto since = since_of(call.request);
  if (!since) {
    return answer(since.error(), call.request.path);
  }
  const auto limit = base::parse_number<std::size_t>(
      call.request.parameter("limit").value_or(std::to_string(default_limit)));
  if (!limit || *limit == 0 || *limit > max_limit) {
    return answer(malformed_request("'limit' is a number from 1 to " + std::to_string(max_limit)),
                  call.request.path);
  }
  const auto entries = call.around.audit->read(*since, *limit);
  if (!entries) {
    return answer(state_problem(entries.error()), call.request.path);
  }
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const control::AuditEntry& entry : *entries) {
    list.push_back(json::to_json(entry));
  }
  return answer(200, "application/json", json::to_text(list));
}

}  // namespace reeve::api
