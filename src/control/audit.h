#pragma once

// The audit: what was decided and done, by which actor and why, as JSON lines in the state
// directory that are only appended to. A full file is rotated to the next number; beyond
// rotated_files the oldest is removed, which is logged. Thread-safe; one lock, held while the file
// is written, not while the listener is called.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "control/operation.h"
#include "guards/command.h"
#include "guards/reason.h"
#include "records/state_dir.h"
#include "reeve/base/clock.h"
#include "reeve/base/enumeration.h"
#include "reeve/base/result.h"

namespace reeve::control {

enum class AuditKind : std::uint8_t {
  decision,     ///< on an alert, or on a command that was refused
  operation,    ///< that is done
  maintenance,  ///< set or cleared
  reset,        ///< of guards
};
inline constexpr auto all_audit_kinds = base::all_of<AuditKind, AuditKind::reset>();
[[nodiscard]] constexpr std::string_view to_string(AuditKind kind) {
  return base::name_of<all_audit_kinds>(kind, {"decision", "operation", "maintenance", "reset"});
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
  std::string decision;  ///< a guards::Reason's word
  std::string reason;
  std::string operation;  ///< its id
  std::string incarnation_before;
  std::string incarnation_after;
  std::string result;  ///< an OperationResult's word
  friend bool operator==(const AuditEntry&, const AuditEntry&) = default;
};

/// A line of the audit, without its end; its members are those of docs/http-api.md, so that people
/// and their tools can read the file.
[[nodiscard]] std::string to_line(const AuditEntry& entry);
/// Nothing if the line is none. Times are cut to milliseconds by to_line().
[[nodiscard]] std::optional<AuditEntry> audit_entry_from(std::string_view line);
/// Of an operation that is done.
[[nodiscard]] AuditEntry audit_entry_of(const Operation& operation);
[[nodiscard]] AuditEntry audit_entry_of(const guards::Command& command,
                                        const guards::Refusal& refusal, base::SystemTime now);

/// How much is kept: half a gigabyte by default.
struct AuditLimits {
  std::size_t file_bytes = std::size_t{8} * 1024 * 1024;
  std::size_t rotated_files = 63;
};

class Audit {
 public:
  using Listener = std::function<void(const std::vector<AuditEntry>&)>;

  /// `state` must outlive this. An error if the file cannot be opened.
  [[nodiscard]] static base::Result<std::unique_ptr<Audit>> open(const records::StateDir& state,
                                                                 base::Log log,
                                                                 const AuditLimits& limits = {});
  ~Audit();
  Audit(const Audit&) = delete;
  Audit& operator=(const Audit&) = delete;

  /// Appends them together, and calls the listener; on the disk when it returns if one of them is
  /// about an action done or to be done. An entry that cannot be written is logged in full.
  void record(const std::vector<AuditEntry>& entries);
  /// The newest `limit` entries that are not older than `since`, in the order of their recording.
  [[nodiscard]] base::Result<std::vector<AuditEntry>> read(std::optional<base::SystemTime> since,
                                                           std::size_t limit) const;
  /// Called on the recording thread, after the writing, with the entries recorded together. Set
  /// before the first record().
  void on_record(Listener listener);

 private:
  struct State;
  explicit Audit(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace reeve::control
