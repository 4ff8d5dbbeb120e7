#pragma once

// The record of what was decided and done, by whom and why: JSON lines in the state directory,
// only ever appended to. A full file is put aside under the next number; the oldest of many goes
// when there is no room for more, and that is said. Thread-safe.

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
#include "guards/decision.h"
#include "records/state_dir.h"
#include "reeve/base/clock.h"
#include "reeve/base/enumeration.h"
#include "reeve/base/result.h"

namespace reeve::control {

enum class AuditKind : std::uint8_t {
  decision,     ///< on an alert, or a command that was refused
  operation,    ///< one that is done
  maintenance,  ///< set or cleared
  reset,        ///< of a guard
};
inline constexpr auto all_audit_kinds = base::all_of<AuditKind, AuditKind::reset>();
[[nodiscard]] std::string_view to_string(AuditKind kind);

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
  std::string decision;  ///< a Verdict's or a RefusalReason's word
  std::string reason;
  std::string operation;  ///< its id
  std::string incarnation_before;
  std::string incarnation_after;
  std::string result;  ///< an OperationResult's word
  friend bool operator==(const AuditEntry&, const AuditEntry&) = default;
};

/// How much is kept: some half of a gigabyte unless said.
struct AuditLimits {
  std::size_t file_bytes = std::size_t{8} * 1024 * 1024;
  std::size_t files_aside = 63;  ///< besides the one that is written to
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

  /// Appends them together, and tells the listener; on the disk when it returns if one of them is
  /// of something done or to be done. What cannot be written is logged in full: nothing is lost
  /// without a word.
  void record(const std::vector<AuditEntry>& entries);
  /// The newest `limit` entries that are not older than `since`, in the order of their recording.
  [[nodiscard]] base::Result<std::vector<AuditEntry>> read(std::optional<base::SystemTime> since,
                                                           std::size_t limit) const;
  /// Called on the recording thread, after the writing, with what is recorded together. Set before
  /// anybody records.
  void on_record(Listener listener);

 private:
  struct State;
  explicit Audit(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace reeve::control
