#pragma once

// The first half of what is decided on an alert, which needs no memory: whether it concerns this
// agent, which rule is for it, which process it means, and whether that may be acted on at all.

#include <functional>
#include <optional>

#include "alerts/responder.h"
#include "alerts/rules.h"

namespace reeve::alerts {

/// What an alert is screened against.
struct Screen {
  const Rules& rules;
  const monitor::Snapshot& snapshot;
  const Sender& sender;
  /// Controller::permit.
  std::function<std::optional<guards::Refusal>(const guards::Command&)> permit;
};

struct Screened {
  AlertDecision decision;           ///< unless there is a command, it stands
  const ReadyRule* rule = nullptr;  ///< lives as long as the rules
  /// Fires, and is matched with this one known process that its rule allows: one for the breaker.
  bool counts = false;
  std::optional<guards::Command> command;
  bool undecided = false;  ///< the same post is wanted again
};

[[nodiscard]] Screened screen(const Alert& alert, const Screen& against);

/// How many processes some rule may act on.
[[nodiscard]] std::size_t count_allowed(const Rules& rules, const monitor::Snapshot& snapshot);

}  // namespace reeve::alerts
