#pragma once

// From JSON values to text. Never throws on what a process manager or a client sent: bytes that
// are not UTF-8 come out as U+FFFD.

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace reeve::json {

/// On one line.
[[nodiscard]] std::string to_text(const nlohmann::ordered_json& value);
/// Indented by two blanks, for people.
[[nodiscard]] std::string to_indented_text(const nlohmann::ordered_json& value);

}  // namespace reeve::json
