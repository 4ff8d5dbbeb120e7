#pragma once

// The documents that hosts share, and their JSON. What is parsed was written by others: each parse
// is bounded, and gives nothing for what is too long, malformed or out of range. Control characters
// in texts become '?'. Pure functions on values.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coordination/options.h"
#include "reeve/base/clock.h"
#include "reeve/base/result.h"

namespace reeve::coordination {

/// A longer value is none of ours.
inline constexpr std::size_t max_document_bytes = std::size_t{32} * 1024;

/// At most `count` actions in any span of the length `window`.
struct Budget {
  unsigned count = 1;
  base::Duration window = std::chrono::hours(1);
  friend bool operator==(const Budget&, const Budget&) = default;
};

/// How many may act at once, and how often; the same for all hosts.
struct Limit {
  static constexpr unsigned max_count = 1000;
  static constexpr base::Duration max_span = std::chrono::hours(7 * 24);
  /// Of which each has samples in the metrics.
  static constexpr std::size_t max_limits = 500;

  unsigned at_once = 1;
  std::optional<Budget> budget = std::nullopt;
  /// How long an action that failed keeps its slot; zero: not at all.
  base::Duration hold_failed = std::chrono::minutes(15);
  friend bool operator==(const Limit&, const Limit&) = default;
};

/// invalid_argument: what is out of range.
[[nodiscard]] base::Result<void> check(const Limit& limit);
/// `5/1h`. invalid_argument says what is expected.
[[nodiscard]] base::Result<Budget> parse_budget(std::string_view text);

/// Who has a slot or a budget entry.
struct Holder {
  std::string host;  ///< the member's name
  std::string process;
  std::string operation;  ///< its id
  base::SystemTime since;
  bool failed = false;  ///< the action failed, and the slot is kept for that
  friend bool operator==(const Holder&, const Holder&) = default;
};

/// Of a slot whose value cannot be read: it is taken all the same.
[[nodiscard]] Holder unreadable_holder();
/// `host (process, operation id, since time)`, for people.
[[nodiscard]] std::string describe(const Holder& holder);
/// Of several, the first few.
[[nodiscard]] std::string describe(const std::vector<Holder>& holders);

/// A slot as its claimer knows it.
struct Slot {
  std::string limit;
  unsigned index = 0;
  std::int64_t lease = 0;
  std::int64_t budget_lease = 0;  ///< 0: it took no budget entry, or that one is spent
  friend bool operator==(const Slot&, const Slot&) = default;
};

/// A maintenance window of all hosts.
struct SharedMaintenance {
  static constexpr std::size_t max_scope_bytes = 1024;
  static constexpr base::Duration max_span = std::chrono::hours(30 * 24);
  static constexpr std::size_t max_windows = 1000;

  std::string scope;
  std::string reason;
  std::string actor;
  std::string host;  ///< whose agent wrote it
  base::SystemTime until;
  base::Duration span = {};  ///< from the writing on: the length of the lease
  friend bool operator==(const SharedMaintenance&, const SharedMaintenance&) = default;
};

/// A process that needs a look.
struct ProblemReport {
  std::string process;
  std::string problem;
  friend bool operator==(const ProblemReport&, const ProblemReport&) = default;
};

/// What a member says of its processes.
struct MemberReport {
  static constexpr std::size_t max_groups = 200;
  static constexpr std::size_t max_problems = 50;

  /// By group and state.
  std::map<std::string, std::map<std::string, unsigned>> groups;
  std::vector<ProblemReport> problems;
  unsigned guards = 0;                 ///< processes on which a guard stands
  std::string configuration_revision;  ///< changes when the configuration does
  friend bool operator==(const MemberReport&, const MemberReport&) = default;
};

[[nodiscard]] std::string to_text(const Limit& limit);
[[nodiscard]] std::string to_text(const Holder& holder);
[[nodiscard]] std::string to_text(const SharedMaintenance& window);
[[nodiscard]] std::string to_text(const MemberInfo& info);
/// Groups and problems beyond their bounds, or those of max_document_bytes, are left out.
[[nodiscard]] std::string to_text(const MemberReport& report);

[[nodiscard]] std::optional<Limit> parse_limit(std::string_view text);
[[nodiscard]] std::optional<Holder> parse_holder(std::string_view text);
[[nodiscard]] std::optional<SharedMaintenance> parse_maintenance(std::string_view text);
/// Its name is the key's.
[[nodiscard]] std::optional<MemberInfo> parse_member(std::string_view name, std::string_view text);
[[nodiscard]] std::optional<MemberReport> parse_report(std::string_view text);

}  // namespace reeve::coordination
