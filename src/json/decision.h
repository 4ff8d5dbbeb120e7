#pragma once

// The one JSON form of what was decided on an alert: members as in the documentation of the HTTP
// API, in that order; what there is none of is null.

#include <nlohmann/json_fwd.hpp>

#include "alerts/responder.h"

namespace reeve::json {

[[nodiscard]] nlohmann::ordered_json to_json(const alerts::AlertDecision& decision);

}  // namespace reeve::json
