#pragma once

// The one JSON form of a supervisord: members as in the documentation of the HTTP API, in that
// order.

#include <nlohmann/json_fwd.hpp>

#include "monitor/snapshot.h"

namespace reeve::json {

/// `name` is null for the single, unnamed supervisord; so is all that was never learned.
[[nodiscard]] nlohmann::ordered_json to_json(const monitor::SupervisorSnapshot& supervisor);

}  // namespace reeve::json
