#pragma once

// Which process a request means: `{name}` of its path, and `?supervisor=` where several are
// configured.

#include <tl/expected.hpp>

#include "api/problem.h"
#include "api/routes.h"
#include "reeve/control/command.h"
#include "reeve/fleet/snapshot.h"

namespace reeve::api {

/// A supervisord that exists and a process that may. 400 on a name that is none, or if it is not
/// said which of several supervisords is meant.
[[nodiscard]] tl::expected<control::Target, Problem> address_of(
    const Call& call, const fleet::FleetSnapshot& snapshot);

/// The same of a whole group, whose name stands in the path.
[[nodiscard]] tl::expected<control::Target, Problem> group_address_of(
    const Call& call, const fleet::FleetSnapshot& snapshot);

[[nodiscard]] Problem no_such_supervisor(const std::string& name,
                                         const fleet::FleetSnapshot& snapshot);
/// Not found; or, where the supervisord was never read, unavailable.
[[nodiscard]] Problem unknown_process(const control::Target& target,
                                      const fleet::SupervisorSnapshot& supervisor);

}  // namespace reeve::api
