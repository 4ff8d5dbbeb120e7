#pragma once

// The one JSON form of an entry of the record: members as in the documentation of the HTTP API, in
// that order; what is not known is null.

#include <nlohmann/json_fwd.hpp>

#include "control/audit.h"

namespace reeve::json {

[[nodiscard]] nlohmann::ordered_json to_json(const control::AuditEntry& entry);

}  // namespace reeve::json
