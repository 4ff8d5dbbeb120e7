#pragma once

// From JSON values to text, and the text of times within them. Never throws on what a process
// manager or a client sent: bytes that are not UTF-8 come out as U+FFFD.

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "reeve/base/clock.h"

namespace reeve::json {

/// On one line.
[[nodiscard]] std::string to_text(const nlohmann::ordered_json& value);
/// Indented by two blanks, for people.
[[nodiscard]] std::string to_indented_text(const nlohmann::ordered_json& value);

/// RFC 3339 in UTC with milliseconds: "2024-02-29T12:00:00.250Z".
[[nodiscard]] std::string to_rfc3339(base::SystemTime time);

}  // namespace reeve::json
