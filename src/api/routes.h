#pragma once

// The control listener's routes, in one table: what is asked for, which scope it takes, who
// answers. docs/http-api.md shows the same table; a test holds the two equal.

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/access.h"
#include "api/control_api.h"
#include "api/observation.h"
#include "http/message.h"

namespace reeve::api {

class LogFollowers;

/// A request on its way to its endpoint.
struct Call {
  const http::Request& request;
  const Principal& actor;
  std::vector<std::string> captured;  ///< what stood for the {…} of the pattern, decoded
  const ControlSurroundings& around;
  std::shared_ptr<Observation> observation;
  const base::Clock& clock;
  LogFollowers& followers;
};

using Endpoint = http::Response (*)(const Call&);

struct Route {
  http::Method method;  ///< get: head too
  std::string_view pattern;
  std::optional<Scope> scope;  ///< nothing: open to everybody
  std::string_view name;       ///< the handler's label in the metrics
  Endpoint endpoint;
  /// It may wait for a supervisord or a long file: few at once, so that workers are left for
  /// others.
  bool may_take_long = false;
};

[[nodiscard]] const std::vector<Route>& control_routes();

/// As it stands in a request; "GET" for HEAD too.
[[nodiscard]] std::string_view method_name(http::Method method);

struct Match {
  const Route* route = nullptr;       ///< null: no such path, or not with this method
  std::vector<std::string> captured;  ///< still percent-encoded
  std::string allowed;                ///< methods of the path, where the method is the trouble
};

/// Compares path segments as they came: an encoded slash is no slash, `..` is a name like any.
[[nodiscard]] Match find_route(const http::Request& request);

// The endpoints.
[[nodiscard]] http::Response list_supervisors(const Call& call);
[[nodiscard]] http::Response list_processes(const Call& call);
[[nodiscard]] http::Response show_process(const Call& call);
[[nodiscard]] http::Response start_process(const Call& call);
[[nodiscard]] http::Response stop_process(const Call& call);
[[nodiscard]] http::Response restart_process(const Call& call);
[[nodiscard]] http::Response signal_process(const Call& call);
[[nodiscard]] http::Response show_stdout_log(const Call& call);
[[nodiscard]] http::Response show_stderr_log(const Call& call);
[[nodiscard]] http::Response stream_events(const Call& call);
[[nodiscard]] http::Response list_maintenance(const Call& call);
[[nodiscard]] http::Response set_maintenance(const Call& call);
[[nodiscard]] http::Response clear_maintenance(const Call& call);
[[nodiscard]] http::Response list_guards(const Call& call);
[[nodiscard]] http::Response reset_guards(const Call& call);
[[nodiscard]] http::Response show_audit(const Call& call);
[[nodiscard]] http::Response start_group(const Call& call);
[[nodiscard]] http::Response stop_group(const Call& call);
[[nodiscard]] http::Response restart_group(const Call& call);
[[nodiscard]] http::Response list_operations(const Call& call);
[[nodiscard]] http::Response show_operation(const Call& call);
[[nodiscard]] http::Response receive_alerts(const Call& call);
[[nodiscard]] http::Response reload_configuration(const Call& call);
[[nodiscard]] http::Response show_openapi(const Call& call);
[[nodiscard]] http::Response show_health(const Call& call);

}  // namespace reeve::api
