#pragma once

// The first half of what is decided on an alert, which needs no memory: whether it concerns this
// agent, which rule is for it, which process it means, and whether that may be acted on at all.

#include <functional>
#include <optional>

#include "alerts/rules.h"
#include "reeve/alerts/responder.h"

namespace reeve::alerts {

/// What an alert is screened against.
struct Screen {
  const Rules& rules;
  const fleet::FleetSnapshot& snapshot;
  const Sender& sender;
  /// Controller::permit.
  std::function<std::optional<control::Refusal>(const control::Command&)> permit;
};

struct Screened {
  AlertDecision decision;           ///< unless there is a command, it stands
  const ReadyRule* rule = nullptr;  ///< lives as long as the rules
  /// Fires, and is matched with this one known process that its rule allows: one for the breaker.
  bool counts = false;
  std::optional<control::Command> command;
  bool undecided = false;  ///< the same post is wanted again
};

[[nodiscard]] Screened screen(const Alert& alert, const Screen& against);

/// How many processes some rule may act on.
[[nodiscard]] std::size_t count_allowed(const Rules& rules, const fleet::FleetSnapshot& snapshot);

}  // namespace reeve::alerts
