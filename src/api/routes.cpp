#include "api/routes.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "api/http_helpers.h"

namespace reeve::api {

using http::Method;

namespace {

std::optional<std::vector<std::string>> match_path(std::string_view pattern,
                                                   std::string_view path) {
  std::vector<std::string> parameters;
  while (!pattern.empty() && !path.empty()) {
    const std::string_view wanted = pattern.substr(0, pattern.find('/', 1));
    const std::string_view given = path.substr(0, path.find('/', 1));
    if (wanted.starts_with("/{") && given.size() > 1) {
      parameters.emplace_back(given.substr(1));
    } else if (wanted != given) {
      return std::nullopt;
    }
    pattern.remove_prefix(wanted.size());
    path.remove_prefix(given.size());
  }
  return pattern.empty() && path.empty() ? std::optional(std::move(parameters)) : std::nullopt;
}

EndpointResult reload_configuration(const RequestContext& context) {
  const auto reloaded = context.deps.reload();
  if (!reloaded) {
    return tl::unexpected(Problem{
        .status = 422, .type = "invalid_configuration", .detail = reloaded.error().message});
  }
  nlohmann::ordered_json body;
  body["reloaded"] = true;
  body["needs_restart"] = *reloaded;
  return json_response(200, body);
}

EndpointResult show_openapi(const RequestContext&) {
  return make_response(200, "application/json", std::string(openapi_document()));
}

EndpointResult show_health(const RequestContext& context) {
  return context.deps.healthy() ? text_response(200, "Reeve is healthy.") : unhealthy();
}

}  // namespace

std::string_view method_name(Method method) {
  switch (method) {
    case Method::post:
      return "POST";
    case Method::put:
      return "PUT";
    case Method::del:
      return "DELETE";
    case Method::get:
    case Method::head:
    case Method::other:
      break;
  }
  return "GET";
}

const std::vector<Route>& control_routes() {
  using Names = std::vector<std::string>;
  static const Names one = {"supervisor"};
  static const Names act = {"supervisor", "wait"};
  static const Names wait = {"wait"};
  static const Names log = {"supervisor", "bytes", "offset", "follow"};
  static const Names list = {"group", "state", "supervisor"};
  static const Names audit = {"since", "limit", "kind"};
  static const std::vector<Route> routes = {
      {Method::get, "/", std::nullopt, "page", show_page, {}},
      {Method::get, "/assets/{version}/{file}", std::nullopt, "page", show_page_file, {}},
      {Method::get, "/api/v1/supervisors", Scope::read, "supervisors", list_supervisors, {}},
      {Method::get, "/api/v1/processes", Scope::read, "processes", list_processes, list},
      {Method::get, "/api/v1/processes/{name}", Scope::read, "process", show_process, one},
      {Method::get, "/api/v1/processes/{name}/history", Scope::read, "history", show_history, one},
      {Method::get, "/api/v1/processes/{name}/decisions", Scope::read, "decisions", show_decisions,
       one, Lane::waiting},
      {Method::get, "/api/v1/processes/{name}/permission", Scope::read, "permission",
       show_permission, one, Lane::waiting},
      {Method::post, "/api/v1/processes/{name}/start", Scope::control, "start", start_process, act,
       Lane::acting},
      {Method::post, "/api/v1/processes/{name}/stop", Scope::control, "stop", stop_process, act,
       Lane::acting},
      {Method::post, "/api/v1/processes/{name}/restart", Scope::control, "restart", restart_process,
       act, Lane::acting},
      {Method::post, "/api/v1/processes/{name}/signal", Scope::control, "signal", signal_process,
       act, Lane::acting},
      {Method::get, "/api/v1/processes/{name}/logs/stdout", Scope::logs, "logs", show_stdout_log,
       log, Lane::waiting},
      {Method::get, "/api/v1/processes/{name}/logs/stderr", Scope::logs, "logs", show_stderr_log,
       log, Lane::waiting},
      {Method::post, "/api/v1/groups/{group}/start", Scope::control, "group_start", start_group,
       act, Lane::acting},
      {Method::post, "/api/v1/groups/{group}/stop", Scope::control, "group_stop", stop_group, act,
       Lane::acting},
      {Method::post, "/api/v1/groups/{group}/restart", Scope::control, "group_restart",
       restart_group, act, Lane::acting},
      {Method::post, "/api/v1/actions", Scope::control, "actions", act_on_batch, act, Lane::acting},
      // It needs the scope control: supervisord keeps the configuration that it reads, and the next
      // group that is added takes its settings from there.
      {Method::get, "/api/v1/configuration/changes", Scope::control, "configuration_changes",
       show_configuration_changes, one, Lane::waiting},
      {Method::post, "/api/v1/configuration/update", Scope::control, "configuration_update",
       update_configuration, wait, Lane::acting},
      {Method::get, "/api/v1/operations", Scope::read, "operations", list_operations, {}},
      {Method::get, "/api/v1/operations/{id}", Scope::read, "operation", show_operation, {}},
      {Method::get, "/api/v1/events", Scope::read, "events", stream_events, {}},
      {Method::get, "/api/v1/maintenance", Scope::read, "maintenance", list_maintenance, {}},
      {Method::put,
       "/api/v1/maintenance/{scope}",
       Scope::control,
       "maintenance",
       set_maintenance,
       {},
       Lane::acting},
      {Method::del,
       "/api/v1/maintenance/{scope}",
       Scope::control,
       "maintenance",
       clear_maintenance,
       {},
       Lane::acting},
      {Method::get, "/api/v1/guards", Scope::read, "guards", list_guards, {}},
      {Method::post, "/api/v1/guards/{name}/reset", Scope::control, "guards", reset_guards, one,
       Lane::acting},
      {Method::get,
       "/api/v1/fleet/members",
       Scope::read,
       "fleet_members",
       list_members,
       {},
       Lane::waiting},
      {Method::del,
       "/api/v1/fleet/members/{name}",
       Scope::admin,
       "fleet_members",
       forget_member,
       {},
       Lane::acting},
      {Method::put,
       "/api/v1/fleet/maintenance/{scope}",
       Scope::control,
       "fleet_maintenance",
       set_fleet_maintenance,
       {},
       Lane::acting},
      {Method::del,
       "/api/v1/fleet/maintenance/{scope}",
       Scope::control,
       "fleet_maintenance",
       clear_fleet_maintenance,
       {},
       Lane::acting},
      {Method::get, "/api/v1/fleet/limits", Scope::read, "fleet_limits", list_limits, {}},
      {Method::put,
       "/api/v1/fleet/limits/{name}",
       Scope::admin,
       "fleet_limits",
       set_limit,
       {},
       Lane::acting},
      {Method::del,
       "/api/v1/fleet/limits/{name}",
       Scope::admin,
       "fleet_limits",
       delete_limit,
       {},
       Lane::acting},
      {Method::del,
       "/api/v1/fleet/limits/{name}/holders/{holder}",
       Scope::admin,
       "fleet_limits",
       release_slot,
       {},
       Lane::acting},
      {Method::get, "/api/v1/audit", Scope::read, "audit", show_audit, audit, Lane::waiting},
      {Method::post, "/api/v1/alerts", Scope::alerts, "alerts", receive_alerts, {}, Lane::alerts},
      {Method::get,
       "/api/v1/session",
       std::nullopt,
       "session",
       show_session,
       {},
       Lane::reading,
       true},
      {Method::post,
       "/api/v1/session",
       std::nullopt,
       "session",
       open_session,
       {},
       Lane::reading,
       true},
      {Method::del,
       "/api/v1/session",
       std::nullopt,
       "session",
       end_session,
       {},
       Lane::reading,
       true},
      {Method::get, "/api/v1/openapi.json", std::nullopt, "openapi", show_openapi, {}},
      {Method::post, "/-/reload", Scope::admin, "reload", reload_configuration, {}, Lane::acting},
      {Method::get, "/-/healthy", std::nullopt, "healthy", show_health, {}},
  };
  return routes;
}

RouteMatch find_route(const http::Request& request) {
  const Method method = request.method == Method::head ? Method::get : request.method;
  RouteMatch match;
  for (const Route& route : control_routes()) {
    auto parameters = match_path(route.pattern, request.path);
    if (parameters && route.method == method) {
      return {.route = &route, .path_parameters = std::move(*parameters), .allowed_methods = {}};
    }
    if (parameters) {
      match.allowed_methods += match.allowed_methods.empty() ? "" : ", ";
      match.allowed_methods +=
          route.method == Method::get ? "GET, HEAD" : method_name(route.method);
    }
  }
  return match;
}

}  // namespace reeve::api
