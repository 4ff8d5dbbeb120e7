#pragma once

// What becomes of an operation that the agent's end cut off, as a pure function: what people and
// supervisord did meanwhile wins. A restart whose stop was asked for is finished, so that the
// process is not left stopped, if it is the same run that is stopping or stopped, not too long
// ago, and nobody is at work there. Where the start was asked for and a new run is seen, that one
// is watched to its end, and nothing is asked for again. All else is abandoned.

#include <optional>
#include <string>

#include "control/next_step.h"
#include "control/operation.h"

namespace reeve::control {

struct Resumption {
  enum class Kind { wait, go_on, abandon };

  Kind kind = Kind::abandon;
  std::string why;  ///< abandon: for people
  friend bool operator==(const Resumption&, const Resumption&) = default;
};

struct Circumstances {
  /// Since then it waits for nothing but its turn; now, if its supervisord is away.
  base::SystemTime now;
  base::Duration resume_within;
  /// The newest of the group's operation that it is part of, if it is: none of them is older.
  std::optional<base::SystemTime> group_step = std::nullopt;
  /// What people said of the maintenance that covers the process; nothing if none does.
  std::optional<std::string> maintenance;
};

/// The last that was done for it; `resumed` does nothing.
[[nodiscard]] base::SystemTime last_step(const Operation& operation);
/// Nothing more is to be done for it, whatever is seen.
[[nodiscard]] bool is_too_old(const Operation& operation, const Circumstances& circumstances);
/// `operation` is neither queued nor done.
[[nodiscard]] Resumption resume(const Operation& operation, const Seen& seen,
                                const Circumstances& circumstances);

}  // namespace reeve::control
