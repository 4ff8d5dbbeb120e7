#pragma once

// Keeps the counts of Stats. A plain value; its owner guards it.

#include "control/controller.h"
#include "control/operation.h"
#include "control/stats.h"

namespace reeve::control {

class Tally {
 public:
  void refused(const guards::Command& command, guards::RefusalReason reason);
  void finished(const Operation& operation, base::Duration took);

  [[nodiscard]] const Stats& stats() const { return stats_; }

 private:
  [[nodiscard]] ActionCounters& of(const guards::Command& command);

  Stats stats_;
};

/// Total: each way an operation can end without success has its reason.
[[nodiscard]] FailureReason failure_reason(const Operation& operation);

}  // namespace reeve::control
