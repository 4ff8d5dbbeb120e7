#pragma once

// An entry of the record as a line of JSON, and back: the members that docs/http-api.md gives it,
// so that the file can be read by people and their tools as it is.

#include <optional>
#include <string>
#include <string_view>

#include "control/audit.h"
#include "control/controller.h"

namespace reeve::control {

/// Without an end of line.
[[nodiscard]] std::string to_line(const AuditEntry& entry);
/// Nothing if it is none. Times are cut to milliseconds by to_line().
[[nodiscard]] std::optional<AuditEntry> audit_entry_from(std::string_view line);

/// Of one that is done.
[[nodiscard]] AuditEntry audit_entry_of(const Operation& operation);
[[nodiscard]] AuditEntry audit_entry_of(const guards::Command& command,
                                        const guards::Refusal& refusal, base::SystemTime now);

}  // namespace reeve::control
