#pragma once

// The one JSON form of what keeps alerts from acting: guards and windows of maintenance; members as
// in the documentation of the HTTP API, in that order.

#include <nlohmann/json_fwd.hpp>

#include "guards/guards.h"
#include "guards/maintenance.h"

namespace reeve::json {

/// Of all processes that something is known of.
[[nodiscard]] nlohmann::ordered_json to_json(const guards::GuardStats& stats);
[[nodiscard]] nlohmann::ordered_json to_json(const guards::MaintenanceWindow& window);

}  // namespace reeve::json
