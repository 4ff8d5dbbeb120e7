#pragma once

// The control listener's routes, in one table: method and path, the scope that it takes, the
// endpoint. docs/http-api.md and docs/openapi.json show the same routes; a test compares them.
// Endpoints are plain functions; they run on the listener's workers, several at once, after
// check_request() has accepted the request.

#include <functional>
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
class OpenStreams;
class ProcessPages;
class RecentDecisions;
class Sessions;
class SnapshotWaiters;
struct StreamKind;
class StreamThreads;
class WaitPlaces;

/// A request that was accepted, and what its endpoint works with.
struct RequestContext {
  const http::Request& request;
  const Principal& actor;
  std::vector<std::string> path_parameters;  ///< the values of the pattern's {…}, decoded
  const ControlApiDeps& deps;
  std::shared_ptr<RequestMeasurement> measurement;
  const base::Clock& clock;
  LogFollowers& followers;
  OpenStreams& streams;
  ProcessPages& process_pages;
  std::shared_ptr<SnapshotWaiters> waiters;
  const std::string& run;  ///< tells this run of the agent from others
  StreamThreads& audit_threads;
  Sessions& sessions;
  RecentDecisions& decisions;
  WaitPlaces& wait_places;

  /// What the client may read of; null: everything. Valid without the context.
  [[nodiscard]] std::function<bool(const guards::Target&)> reads() const;
  /// 403 if the client may not read of it.
  [[nodiscard]] tl::expected<void, Problem> check_readable(const guards::Target& target) const;
  /// A place for a stream that the client holds open; the problem if it has none.
  [[nodiscard]] tl::expected<void, Problem> open_stream(const StreamKind& kind,
                                                        const http::StreamWriter& writer) const;
  /// Ends it with its streams; false if there is none with this id.
  // NOLINTNEXTLINE(modernize-use-nodiscard): ending what is gone is as good
  bool end_session(const Digest& id) const;
};

/// ControlApi makes a response of the problem.
using EndpointResult = tl::expected<http::Response, Problem>;
using Endpoint = EndpointResult (*)(const RequestContext&);

struct Route {
  http::Method method;  ///< get: head too
  std::string_view pattern;
  std::optional<Scope> scope;  ///< nothing: none is needed
  std::string_view name;       ///< the value of the label `handler` in the metrics
  Endpoint endpoint;
  std::vector<std::string> parameters = {};  ///< of the query: any other is a 400
  Lane lane = Lane::reading;
  /// Without a scope: all who are authenticated may come.
  bool is_for_all_known = false;

  /// No authentication, and the endpoint runs on the transport's thread.
  [[nodiscard]] bool is_open() const { return !scope && !is_for_all_known; }
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
/// Whether the policy lets the client act on a process, as far as that is known without asking
/// supervisord. Records nothing.
[[nodiscard]] EndpointResult show_permission(const RequestContext& context);
[[nodiscard]] EndpointResult start_process(const RequestContext& context);
[[nodiscard]] EndpointResult stop_process(const RequestContext& context);
[[nodiscard]] EndpointResult restart_process(const RequestContext& context);
[[nodiscard]] EndpointResult signal_process(const RequestContext& context);
[[nodiscard]] EndpointResult start_group(const RequestContext& context);
[[nodiscard]] EndpointResult stop_group(const RequestContext& context);
[[nodiscard]] EndpointResult restart_group(const RequestContext& context);
[[nodiscard]] EndpointResult act_on_batch(const RequestContext& context);
[[nodiscard]] EndpointResult list_operations(const RequestContext& context);
[[nodiscard]] EndpointResult show_operation(const RequestContext& context);

// history_endpoints.cpp
[[nodiscard]] EndpointResult show_history(const RequestContext& context);

// configuration_endpoints.cpp
[[nodiscard]] EndpointResult show_configuration_changes(const RequestContext& context);
[[nodiscard]] EndpointResult update_configuration(const RequestContext& context);

// recent_decisions.cpp
[[nodiscard]] EndpointResult show_decisions(const RequestContext& context);

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

// audit_endpoints.cpp
[[nodiscard]] EndpointResult show_audit(const RequestContext& context);
/// In the audit and the log, if `problem` is that this client, who is known, may not do this (403).
/// Never waits. `action`: what was asked for, one of a few literals, such as a route's name.
void record_refused_request(const ControlApiDeps& deps, const base::Clock& clock,
                            const Principal& actor, std::string_view action,
                            const Problem& problem);

// fleet_endpoints.cpp
[[nodiscard]] EndpointResult list_members(const RequestContext& context);
[[nodiscard]] EndpointResult forget_member(const RequestContext& context);
[[nodiscard]] EndpointResult set_fleet_maintenance(const RequestContext& context);
[[nodiscard]] EndpointResult clear_fleet_maintenance(const RequestContext& context);
[[nodiscard]] EndpointResult list_limits(const RequestContext& context);
[[nodiscard]] EndpointResult set_limit(const RequestContext& context);
[[nodiscard]] EndpointResult delete_limit(const RequestContext& context);
[[nodiscard]] EndpointResult release_slot(const RequestContext& context);

// sessions.cpp
[[nodiscard]] EndpointResult open_session(const RequestContext& context);
[[nodiscard]] EndpointResult show_session(const RequestContext& context);
[[nodiscard]] EndpointResult end_session(const RequestContext& context);

// page_endpoints.cpp
[[nodiscard]] EndpointResult show_page(const RequestContext& context);
[[nodiscard]] EndpointResult show_page_file(const RequestContext& context);

// alert_endpoints.cpp
[[nodiscard]] EndpointResult receive_alerts(const RequestContext& context);

}  // namespace reeve::api
