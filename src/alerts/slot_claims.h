#pragma once

// Slots of the limits that all hosts share, for alerts whose rule names one: the last step before
// an alert's command is submitted, after every guard. What the view of the limits shows is decided
// without asking etcd; a slot is claimed only where the caller may wait. Used by the responder, on
// its thread and, without waiting, on those of requests.

#include <optional>
#include <stop_token>
#include <string>

#include "base/guarded.h"
#include "control/controller.h"
#include "coordination/coordinator.h"
#include "guards/command.h"
#include "guards/reason.h"
#include "reeve/base/clock.h"

namespace reeve::alerts {

class SlotClaims {
 public:
  enum class Wait { no, yes };

  /// `coordinator`: null where no limit is shared. All must outlive this.
  SlotClaims(coordination::Coordinator* coordinator, control::Controller& controller,
             std::string member_name, const base::Clock& clock)
      : coordinator_(coordinator),
        controller_(controller),
        member_name_(std::move(member_name)),
        clock_(clock) {}

  /// Gives the command a slot of the limit, and the id of its operation; or why it has none.
  /// `waited`: since the alert was first decided on.
  [[nodiscard]] std::optional<guards::Refusal> obtain(guards::Command& command,
                                                      const std::string& limit, Wait wait,
                                                      base::Duration waited);
  /// Of a command that was not accepted.
  void give_back(const guards::Command& command);
  /// Whether a claim would not be refused for what the view shows.
  [[nodiscard]] bool may_be_free(guards::Reason obstacle, const std::string& limit) const;
  /// Ends a claim that waits for etcd; later ones are refused.
  void stop() { stop_requested_.request_stop(); }
  [[nodiscard]] bool stopped() const { return stop_requested_.stop_requested(); }

 private:
  [[nodiscard]] std::optional<guards::Refusal> claim(guards::Command& command,
                                                     const std::string& limit,
                                                     base::Duration waited);

  coordination::Coordinator* coordinator_;
  control::Controller& controller_;
  const std::string member_name_;
  const base::Clock& clock_;
  std::stop_source stop_requested_;
  /// One alert has found etcd unreachable: until then others do not wait for it likewise.
  base::Guarded<std::optional<base::SteadyTime>> unreachable_until_;
};

/// What an alert that has waited for long enough is refused for.
[[nodiscard]] guards::Reason reason_after_waiting(guards::Reason obstacle);

}  // namespace reeve::alerts
