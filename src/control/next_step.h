#pragma once

// How an operation goes on, as a pure function of what it has done and what is seen of the
// process now. It drives a normal run; whoever finds an operation half done can ask it too.
//
//   looked ──> stop_requested ──> stopped ──> start_requested ──> started ──> finished
//
// A stop ends at `stopped`, a start begins at `start_requested`, a restart goes all the way
// (from `looked` to `start_requested` where nothing runs). Where the answer to a request never
// came (outcome_unknown), what is seen decides how far it got.

#include <optional>

#include "control/operation.h"
#include "reeve/base/result.h"

namespace reeve::control {

struct NextStep {
  enum class Kind { look_again, stop, start, signal, finish };

  Kind kind = Kind::look_again;
  // With finish alone:
  OperationResult result = OperationResult::succeeded;
  bool changed = false;  ///< seen to have changed, beyond what the answers said
  std::optional<base::Error> error = std::nullopt;
  friend bool operator==(const NextStep&, const NextStep&) = default;
};

/// What a look at the process gave.
using Seen = base::Result<substrate::InstanceDetail>;

/// `patient`: there is time to look again for an outcome that is unknown.
[[nodiscard]] NextStep next_step(const Operation& operation, const Seen& seen, bool patient);

/// What is seen was spawned after the operation's first look.
[[nodiscard]] bool is_new_run(const Operation& operation, const substrate::InstanceDetail& seen);

/// The last step done or asked for; nothing before the first look.
[[nodiscard]] std::optional<Step> progress(const Operation& operation);

}  // namespace reeve::control
