#pragma once

// An operation as a line of JSON, and back, exactly: the journal's format. What a person reads is
// the API's form, not this one.

#include <optional>
#include <string>
#include <string_view>

#include "control/operation.h"

namespace reeve::control {

/// Without an end of line.
[[nodiscard]] std::string to_line(const Operation& operation);
/// Nothing if it is none.
[[nodiscard]] std::optional<Operation> operation_from(std::string_view line);

}  // namespace reeve::control
