#pragma once

// Decides on alerts: one decision for each alert of a webhook request, in the order of
// docs/alerts.md, and a command to the controller for those that pass. An alert acts once per
// episode, however often and by however many Alertmanagers it is sent. An alert that only an
// obstacle keeps which passes by itself is pending: decided anew by a thread of the responder,
// until it is accepted, resolved, or has waited for as long as its rule says. A rule with a limit
// acts only with a slot of it, which is claimed by that thread alone, after every guard: such an
// alert is always pending at first. receive() runs on the
// control listener's workers, several at once, and never waits for a supervisord. No HTTP here.

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "alerts/options.h"
#include "alerts/payload.h"
#include "alerts/pending.h"
#include "base/log.h"
#include "control/audit.h"
#include "control/controller.h"
#include "coordination/coordinator.h"
#include "guards/guards.h"
#include "guards/reason.h"
#include "records/state_dir.h"
#include "reeve/base/clock.h"
#include "reeve/base/result.h"

namespace reeve::alerts {

/// The decision on one alert of a request.
struct AlertDecision {
  std::string fingerprint;
  std::string alertname;
  AlertStatus status = AlertStatus::firing;
  std::string rule;                      ///< empty: none
  std::optional<guards::Action> action;  ///< the rule's
  std::optional<guards::Target> target;
  guards::GuardDecision decision;
  std::string operation;  ///< its id, where one was made
  friend bool operator==(const AlertDecision&, const AlertDecision&) = default;
};

/// Of one webhook request.
struct WebhookResult {
  /// In the order of the alerts; without those that remain undecided.
  std::vector<AlertDecision> decisions;
  /// Not empty if some remain undecided: why the sender has to repeat the request. The decisions
  /// stay as they are.
  std::string retry;
};

/// The rule of an alert that has none.
inline constexpr auto no_rule_label = "none";

/// An alert that waits, to be shown.
struct WaitingAlert {
  std::string rule;
  std::string fingerprint;
  std::string alertname;
  guards::Target target;
  guards::GuardDecision obstacle;
  base::SystemTime since;
  base::SystemTime until;
  base::SystemTime retry_at;  ///< when it is decided anew
};

/// What was decided on alerts, counted: the source of reeve_alert_decisions_total and
/// reeve_alerts_pending.
struct Stats {
  using Counts = std::array<std::uint64_t, guards::all_verdicts.size()>;
  /// By the rule's name, each verdict in the enumeration's order. All rules of the configuration
  /// are there, also those of an earlier one, and no_rule_label.
  std::map<std::string, Counts> decisions;
  /// By the rule's name and what it waits for, how many alerts are pending.
  std::map<std::pair<std::string, guards::Reason>, std::size_t> pending;
  friend bool operator==(const Stats&, const Stats&) = default;
};

/// All must outlive the responder.
struct ResponderDeps {
  std::function<std::shared_ptr<const monitor::Snapshot>()> snapshot;
  control::Controller* controller = nullptr;
  guards::Guards* guards = nullptr;
  control::Audit* audit = nullptr;
  const records::StateDir* state = nullptr;
  coordination::Coordinator* coordinator = nullptr;  ///< null: no limit is shared
  std::string member_name = {};                      ///< of this agent among the others
};

class Responder {
 public:
  /// Reads the episodes of the state directory, and adds what the journal knows of and they do
  /// not: `journalled`, the operations of before. `clock` must outlive this.
  Responder(ResponderDeps deps, const Options& options, const base::Clock& clock, base::Log log,
            const std::vector<control::Operation>& journalled);
  ~Responder();
  Responder(const Responder&) = delete;
  Responder& operator=(const Responder&) = delete;

  /// What is accepted is in the journal, and its episode on the disk, when it returns.
  [[nodiscard]] WebhookResult receive(const std::vector<Alert>& alerts, const Sender& sender);
  /// Decides anew on the pending alerts whose time has come; called by the thread of start().
  void decide_pending();
  /// An obstacle of these may have ended before it was expected to: they are decided anew at once,
  /// by the thread of start(). On any thread; returns at once. `concerns` must not call back.
  void decide_soon(const std::function<bool(const EpisodeKey&)>& concerns);
  /// From now on pending alerts are decided anew by themselves, until this is destroyed or stop()
  /// is called.
  void start();
  void stop();
  /// What hosts share has changed: alerts that wait for a slot which may be free now are decided
  /// anew at once.
  void on_shared_change();
  /// The limit that some rule's action on this process needs; empty: none.
  [[nodiscard]] std::string limit_of(const guards::Target& target) const;
  /// The pending alerts, by rule, alert and process.
  [[nodiscard]] std::vector<WaitingAlert> pending() const;
  /// The processes that some rule may act on and that are in its initial cooldown: in no history.
  [[nodiscard]] std::vector<guards::GuardState> initial_cooldowns() const;
  /// For Controller::set_permission_lookup(), of commands that alerts caused: the sender may still
  /// post, the rule still acts, and the alert is not resolved.
  [[nodiscard]] control::Permission permission_of(const guards::Command& command) const;
  /// Other rules, from the next request on. Episodes stay; those of dry runs are forgotten.
  void configure(const Options& options);
  /// The episodes' file could not be read: no alert acts.
  [[nodiscard]] bool unreadable() const;
  /// Begins with no episodes if the file could not be read; otherwise does nothing.
  [[nodiscard]] base::Result<void> forget_unreadable();
  [[nodiscard]] Stats stats() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace reeve::alerts
