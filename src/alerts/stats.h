#pragma once

// What was decided on alerts, counted: reeve_alert_decisions_total is a view of it.

#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "guards/decision.h"

namespace reeve::alerts {

/// The rule of an alert that has none.
inline constexpr auto no_rule_label = "none";

struct Stats {
  using Counts = std::array<std::uint64_t, guards::all_verdicts.size()>;
  /// By the rule's name, each verdict in the enumeration's order. All rules of the configuration
  /// are there, also those of an earlier one, and no_rule_label.
  std::map<std::string, Counts> decisions;
  friend bool operator==(const Stats&, const Stats&) = default;
};

}  // namespace reeve::alerts
