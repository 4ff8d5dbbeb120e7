#pragma once

// The control listener's routes, in one table: method and path, the scope that it takes, the
// endpoint. docs/http-api.md and docs/openapi.json show the same routes; a test compares them.
// Endpoints are plain functions; they run on the listener's workers, several at once, after
// check_request() has accepted the request.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "api/authentication.h"
#include "api/control_api.h"
#include "api/problem.h"
#include "http/message.h"

namespace reeve::api {

class LogFollowers;

/// A request that was accepted, and what its endpoint works with.
struct RequestContext {
  const http::Request& request;
  const Principal& actor;
  std::vector<std::string> path_parameters;  ///< the values of the pattern's {…}, decoded
  const ControlApiDeps& deps;
  std::shared_ptr<RequestMeasurement> measurement;
  const base::Clock& clock;
  LogFollowers& followers;
};

/// ControlApi makes a response of the problem.
using EndpointResult = tl::expected<http::Response, Problem>;
using Endpoint = EndpointResult (*)(const RequestContext&);

struct Route {
  http::Method method;  ///< get: head too
  std::string_view pattern;
  std::optional<Scope> scope;  ///< nothing: no authentication
  std::string_view name;       ///< the value of the label `handler` in the metrics
  Endpoint endpoint;
  /// It may wait for a supervisord or read a long file: ControlApi bounds how many run at once.
  bool is_slow = false;
};

[[nodiscard]] const std::vector<Route>& control_routes();

/// As it stands in a request; "GET" for HEAD too.
[[nodiscard]] std::string_view method_name(http::Method method);

struct RouteMatch {
  const Route* route = nullptr;              ///< null: no such path, or not with this method
  std::vector<std::string> path_parameters;  ///< still percent-encoded
  std::string allowed_methods;               ///< of a path that does not take the method
};

/// Compares the path's segments before decoding: an encoded slash separates nothing, `..` is a
/// name like any other.
[[nodiscard]] RouteMatch find_route(const http::Request& request);

/// docs/openapi.json as it was when the program was built.
[[nodiscard]] std::string_view openapi_document();

// process_endpoints.cpp
[[nodiscard]] EndpointResult list_supervisors(const RequestContext& context);
[[nodiscard]] EndpointResult list_processes(const RequestContext& context);
[[nodiscard]] EndpointResult show_process(const RequestContext& context);
[[nodiscard]] EndpointResult start_process(const RequestContext& context);
[[nodiscard]] EndpointResult stop_process(const RequestContext& context);
[[nodiscard]] EndpointResult restart_process(const RequestContext& context);
[[nodiscard]] EndpointResult signal_process(const RequestContext& context);
[[nodiscard]] EndpointResult start_group(const RequestContext& context);
[[nodiscard]] EndpointResult stop_group(const RequestContext& context);
[[nodiscard]] EndpointResult restart_group(const RequestContext& context);
[[nodiscard]] EndpointResult list_operations(const RequestContext& context);
[[nodiscard]] EndpointResult show_operation(const RequestContext& context);

// log_endpoints.cpp
[[nodiscard]] EndpointResult show_stdout_log(const RequestContext& context);
[[nodiscard]] EndpointResult show_stderr_log(const RequestContext& context);

// event_hub.cpp
[[nodiscard]] EndpointResult stream_events(const RequestContext& context);

// guard_endpoints.cpp
[[nodiscard]] EndpointResult list_maintenance(const RequestContext& context);
[[nodiscard]] EndpointResult set_maintenance(const RequestContext& context);
[[nodiscard]] EndpointResult clear_maintenance(const RequestContext& context);
[[nodiscard]] EndpointResult list_guards(const RequestContext& context);
[[nodiscard]] EndpointResult reset_guards(const RequestContext& context);
[[nodiscard]] EndpointResult show_audit(const RequestContext& context);

// alert_endpoints.cpp
[[nodiscard]] EndpointResult receive_alerts(const RequestContext& context);

}  // namespace reeve::api
