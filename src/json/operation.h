#pragma once

// The one JSON form of an operation: members as in the documentation of the HTTP API, in that
// order; times are RFC 3339 in UTC; what is not known is null.

#include <nlohmann/json_fwd.hpp>

#include "control/operation.h"

namespace reeve::json {

/// `id` is null for a dry run.
[[nodiscard]] nlohmann::ordered_json to_json(const control::Operation& operation);

}  // namespace reeve::json
