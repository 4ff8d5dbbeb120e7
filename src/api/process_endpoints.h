#pragma once

// The process or group that a request names: `{name}` or `{group}` of its path, and `?supervisor=`
// where several are configured. For all endpoints that name one. Pure.

#include <tl/expected.hpp>

#include "api/problem.h"
#include "api/routes.h"
#include "guards/command.h"
#include "monitor/snapshot.h"

namespace reeve::api {

/// The supervisord is one of the configured; the process may be unknown. 400 on a malformed name,
/// or if one of several supervisords must be named; 404 if it is not configured.
[[nodiscard]] tl::expected<guards::Target, Problem> process_address(
    const RequestContext& context, const monitor::Snapshot& snapshot);
/// The same; 403 if the client may not read of the process.
[[nodiscard]] tl::expected<guards::Target, Problem> readable_process_address(
    const RequestContext& context, const monitor::Snapshot& snapshot);
[[nodiscard]] tl::expected<guards::Target, Problem> group_address(
    const RequestContext& context, const monitor::Snapshot& snapshot);

/// Hands it to the controller, under the request's idempotency key. The answer is the operation: at
/// once, or as `?wait=` says.
[[nodiscard]] EndpointResult submit_command(const RequestContext& context,
                                            tl::expected<guards::Command, Problem> command);

/// Not found, or unavailable while the supervisord cannot be read.
[[nodiscard]] Problem unknown_process(const guards::Target& target,
                                      const monitor::SupervisorSnapshot& supervisor);

}  // namespace reeve::api
