#pragma once

// An entry of the audit, and its line in the state directory, whose members are those of
// docs/http-api.md, so that people and their tools can read the file. A value.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "control/operation.h"
#include "guards/command.h"
#include "guards/reason.h"
#include "reeve/base/clock.h"
#include "reeve/base/enumeration.h"

namespace reeve::control {

enum class AuditKind : std::uint8_t {
  decision,     ///< on an alert, or on a command or request that was refused
  operation,    ///< that is done
  maintenance,  ///< set or cleared
  reset,        ///< of guards
  fleet,        ///< limits, slots and members of all hosts, changed by a person
  gap,          ///< entries that could not be written, or were removed
};
inline constexpr auto all_audit_kinds = base::all_of<AuditKind, AuditKind::gap>();
[[nodiscard]] constexpr std::string_view to_string(AuditKind kind) {
  return base::name_of<all_audit_kinds>(
      kind, {"decision", "operation", "maintenance", "reset", "fleet", "gap"});
}

/// Empty texts are unknown.
struct AuditEntry {
  base::SystemTime at;
  AuditKind kind = AuditKind::decision;
  std::string actor;
  guards::Source source = guards::Source::api;
  std::string action;
  std::optional<guards::Target> target;
  std::string rule;
  std::string fingerprint;
  std::string decision;  ///< a guards::Reason's word, or a problem's type
  std::string reason;
  std::string operation;  ///< its id
  std::string incarnation_before;
  std::string incarnation_after;
  std::string result;  ///< an OperationResult's word
  /// Of how many that were alike this is the entry; then also when the first and the last was. The
  /// other members are the last one's, but `at` is when this was written.
  std::uint32_t count = 1;
  std::optional<base::SystemTime> first;
  std::optional<base::SystemTime> last;
  friend bool operator==(const AuditEntry&, const AuditEntry&) = default;
};

/// Without its end. Times are cut to milliseconds.
[[nodiscard]] std::string to_line(const AuditEntry& entry);
/// Nothing if the line is none.
[[nodiscard]] std::optional<AuditEntry> audit_entry_from(std::string_view line);

/// What a query needs of each line.
struct AuditEntryHead {
  base::SystemTime at;
  AuditKind kind = AuditKind::decision;
};
/// Much cheaper than reading the entry.
[[nodiscard]] std::optional<AuditEntryHead> audit_entry_head_from(std::string_view line);

/// Something was done, or is about to be: an operation, maintenance, a reset, a gap. False for
/// what was refused, decided without effect, or had nothing to do.
[[nodiscard]] bool has_effect(const AuditEntry& entry);
/// Much of it is what a client sent: a text that takes too many bytes in the line is cut, and says
/// so: a reason and, where the entry had no effect, names.
void shorten(AuditEntry& entry);

/// Of an operation that is done.
[[nodiscard]] AuditEntry audit_entry_of(const Operation& operation);
[[nodiscard]] AuditEntry audit_entry_of(const guards::Command& command,
                                        const guards::Refusal& refusal, base::SystemTime now);

}  // namespace reeve::control
