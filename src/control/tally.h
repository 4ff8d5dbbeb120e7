#pragma once

// Keeps the counts of Stats. A plain value; its owner guards it.

#include "reeve/control/controller.h"
#include "reeve/control/operation.h"
#include "reeve/control/stats.h"

namespace reeve::control {

class Tally {
 public:
  void refused(const Command& command, RefusalReason reason);
  void finished(const Operation& operation, base::Duration took);

  [[nodiscard]] const Stats& stats() const { return stats_; }

 private:
  [[nodiscard]] ActionCounters& of(const Command& command);

  Stats stats_;
};

/// Total: each way an operation can end without success has its reason.
[[nodiscard]] FailureReason failure_reason(const Operation& operation);

}  // namespace reeve::control
