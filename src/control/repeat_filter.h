#pragma once

// Keeps entries without effect (refusals, decisions that lead to nothing) from filling the audit,
// since any token can cause any number of them. The first of a kind is written at once; the same
// again is counted, and written as one entry with its number, first and last time when the span in
// which they are counted is over: a minute, doubled up to an hour for as long as it goes on. Each
// actor may have so many different ones written; beyond that they are counted together, by their
// decision. A plain value, bounded in memory; the audit guards it.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/audit_entry.h"
#include "reeve/base/clock.h"

namespace reeve::control {

class RepeatFilter {
 public:
  /// Different entries that an actor may have written at once, and then in a second.
  static constexpr double burst = 1000;
  static constexpr double per_second = 2;
  static constexpr std::size_t max_kinds = 4096;
  static constexpr std::size_t max_kinds_of_actor = 1200;
  static constexpr base::Duration first_span = std::chrono::minutes(1);
  static constexpr base::Duration longest_span = std::chrono::hours(1);

  /// The entry, if it is to be written now; nothing if it is counted.
  [[nodiscard]] std::optional<AuditEntry> admit(AuditEntry entry, base::SteadyTime now);
  /// Those whose span is over, to be written `at`.
  [[nodiscard]] std::vector<AuditEntry> take_due(base::SteadyTime now, base::SystemTime at);
  /// All that are counted and not written.
  [[nodiscard]] std::vector<AuditEntry> take_all(base::SystemTime at);
  /// The same, which stay.
  [[nodiscard]] std::vector<AuditEntry> counted(base::SystemTime at) const;

 private:
  struct Repeats {
    AuditEntry latest;
    std::uint32_t count = 0;  ///< not yet written
    base::SystemTime first;   ///< of these
    base::SystemTime last;
    base::SteadyTime since;
    base::Duration span = first_span;
  };
  struct Allowance {
    double left = burst;
    base::SteadyTime at;
    std::size_t kinds = 0;  ///< in kinds_
  };

  void count(const std::string& key, AuditEntry entry, base::SteadyTime now);
  [[nodiscard]] bool spend(const std::string& actor, base::SteadyTime now);
  void forget(const Repeats& repeats);
  [[nodiscard]] static AuditEntry merged(const Repeats& repeats, base::SystemTime at);

  std::map<std::string, Repeats> kinds_;
  std::map<std::string, Allowance> allowances_;
};

}  // namespace reeve::control
