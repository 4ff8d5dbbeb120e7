// What supervisord's changed configuration would change, and its update.

#include <chrono>
#include <utility>

#include <nlohmann/json.hpp>

#include "api/http_helpers.h"
#include "api/process_endpoints.h"
#include "api/request_body.h"
#include "api/routes.h"
#include "base/text.h"
#include "guards/policy.h"
#include "json/json.h"
#include "reeve/base/deadline.h"

namespace reeve::api {
namespace {

/// supervisord reads all its files for it.
constexpr std::chrono::seconds reread_timeout{30};

/// The only supervisord that is configured, or the one that is named.
tl::expected<std::string, Problem> supervisor_of(const RequestContext& context,
                                                 const std::optional<std::string>& asked) {
  const auto snapshot = context.deps.snapshot();
  if (!asked && snapshot->supervisors.size() != 1) {
    return tl::unexpected(malformed_request("several supervisords are configured: name one of " +
                                            guards::supervisor_names(*snapshot) +
                                            " as 'supervisor'"));
  }
  std::string name = asked.value_or(snapshot->supervisors.front().name);
  if (snapshot->find(name) == nullptr) {
    return tl::unexpected(not_found(guards::no_such_supervisor(name, *snapshot)));
  }
  return name;
}

/// Those that the client may read of.
nlohmann::ordered_json groups_json(const RequestContext& context, const std::string& supervisor,
                                   const std::vector<std::string>& groups) {
  const auto may_read = context.reads();
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const std::string& group : groups) {
    if (!may_read || may_read({supervisor, {group, ""}})) {
      list.push_back(base::to_utf8(group));
    }
  }
  return list;
}

}  // namespace

EndpointResult show_configuration_changes(const RequestContext& context) {
  const auto name = supervisor_of(context, context.request.parameter("supervisor"));
  if (!name) {
    return tl::unexpected(name.error());
  }
  for (const monitor::Member& member : context.deps.members) {
    if (member.name == *name) {
      const auto changes =
          member.administration->reread(base::Deadline::after(context.clock, reread_timeout));
      if (!changes) {
        return tl::unexpected(problem_of(changes.error()));
      }
      nlohmann::ordered_json body;
      body["added"] = groups_json(context, *name, changes->added);
      body["changed"] = groups_json(context, *name, changes->changed);
      body["removed"] = groups_json(context, *name, changes->removed);
      return json_response(200, body);
    }
  }
  return tl::unexpected(not_found("this supervisord cannot be asked"));
}

EndpointResult update_configuration(const RequestContext& context) {
  auto body = read_update_body(context.request.body);
  if (!body) {
    return tl::unexpected(std::move(body.error()));
  }
  auto name = supervisor_of(context, body->supervisor);
  if (!name) {
    return tl::unexpected(std::move(name.error()));
  }
  guards::Command command;
  command.action = guards::Action::update;
  command.target.supervisor = *std::move(name);
  command.actor = context.actor.name;
  command.actor_allow = context.actor.allow;
  command.reason = std::move(body->reason);
  command.dry_run = body->dry_run;
  command.groups = std::move(body->groups);
  command.group_order = guards::GroupOrder::rolling;
  return submit_command(context, std::move(command));
}

}  // namespace reeve::api
