#pragma once

// Which process a request means: `{name}` of its path, and `?supervisor=` where several are
// configured.

#include <tl/expected.hpp>

#include "api/problem.h"
#include "api/routes.h"
#include "guards/command.h"
#include "monitor/snapshot.h"

namespace reeve::api {

/// A supervisord that exists and a process that may. 400 on a name that is none, or if it is not
/// said which of several supervisords is meant.
[[nodiscard]] tl::expected<guards::Target, Problem> address_of(const Call& call,
                                                               const monitor::Snapshot& snapshot);

/// The same of a whole group, whose name stands in the path.
[[nodiscard]] tl::expected<guards::Target, Problem> group_address_of(
    const Call& call, const monitor::Snapshot& snapshot);

[[nodiscard]] Problem no_such_supervisor(const std::string& name,
                                         const monitor::Snapshot& snapshot);
/// Not found; or, where the supervisord was never read, unavailable.
[[nodiscard]] Problem unknown_process(const guards::Target& target,
                                      const monitor::SupervisorSnapshot& supervisor);

}  // namespace reeve::api
