#pragma once

// Does anything stand against this action now? Small pure checks in the order in which alerts'
// users are told of them; the first that objects is the answer. What they cannot decide they
// refuse.

#include <optional>
#include <string>
#include <vector>

#include "guards/command.h"
#include "guards/decision.h"
#include "guards/guard_book.h"
#include "guards/guards.h"
#include "guards/maintenance.h"
#include "guards/trigger.h"
#include "reeve/base/clock.h"
#include "reeve/base/result.h"

namespace reeve::guards {

/// What does not depend on the look at the process.
struct Standing {
  base::SteadyTime now;
  base::SystemTime system_now;
  std::optional<std::string> unreadable;
  std::optional<MaintenanceWindow> maintenance;
  Budget total;
};

struct GuardCase {
  Action action = Action::restart;
  const Target& target;
  const Trigger& trigger;
  const Sight& sight;
  const Book& book;
  const Standing& standing;
};

/// Nothing stands against it: nothing.
[[nodiscard]] std::optional<Decision> objection(const GuardCase& asked);
/// All that would stand against whatever an alert asked for, the state of the process aside.
[[nodiscard]] std::vector<Decision> standing_objections(const Target& target, const Book& book,
                                                        const Standing& standing);

}  // namespace reeve::guards
