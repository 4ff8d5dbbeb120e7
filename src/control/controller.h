#pragma once

// Carries out commands on processes. A submitted command passes policy and guards and becomes an
// operation; a pool of threads carries the operations out: one at a time per group, in the order of
// their submission. Every step is recorded with its time; a restart is a stop, seen done, and a
// start, verified. Operations live in memory (OperationTable) and, with a journal, on the disk:
// then the agent's next run finishes a restart that the end of this one interrupted.
// submit() and the readers may be called from any thread. It knows no HTTP.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "base/log.h"
#include "control/audit.h"
#include "control/journal.h"
#include "control/operation.h"
#include "control/stats.h"
#include "coordination/coordinator.h"
#include "guards/command.h"
#include "guards/guards.h"
#include "guards/maintenance.h"
#include "guards/options.h"
#include "guards/policy.h"
#include "guards/reason.h"
#include "monitor/monitor.h"
#include "monitor/snapshot.h"
#include "reeve/base/deadline.h"

namespace reeve::control {

/// What the controller works with. All must outlive it.
struct ControllerDeps {
  std::vector<monitor::Member> members;
  std::function<std::shared_ptr<const monitor::Snapshot>()> snapshot;
  /// A process of this supervisord was acted on: poll it soon.
  std::function<void(std::string_view supervisor)> nudge;
  /// Reeve's own program, where its environment names it: never acted on, on any supervisord.
  std::vector<substrate::InstanceName> own_programs;
  guards::OwnProcessCheck is_own_process = nullptr;  ///< null: only names and commands tell
  Journal* journal = nullptr;  ///< null: no operation survives a restart of the agent
  Audit* audit = nullptr;      ///< null: no audit is kept
  /// Null: none. It binds alerts, and what would be resumed after a restart of the agent.
  const guards::Maintenance* maintenance = nullptr;
  guards::Guards* guards = nullptr;  ///< null: none; they bind alerts, and advise people
  /// Null: none. Slots that commands come with are released at their operations' ends, and a
  /// person's command tries to get one.
  coordination::Coordinator* coordinator = nullptr;
  /// The limit that alerts' actions on this process need; empty: none.
  std::function<std::string(const guards::Target&)> limit_of = {};
  std::string member_name = {};  ///< of this agent among those that share limits
  /// Asks Prometheus for the only_if of an alert's rule, on a thread of the pool; null: it refuses.
  std::function<base::Result<bool>(const promql::Query&, const base::Deadline&)> has_result = {};
};

/// What becomes of a submitted command: a queued operation; the known one for a repeated
/// idempotency key; one that is done and has no id for a dry run; or a refusal.
using Submission = tl::expected<Operation, guards::Refusal>;

/// What the actor of an accepted command may act on by the configuration of now; a refusal if the
/// token, the rule or the alert behind it is gone.
using Permission = tl::expected<std::vector<substrate::Selector>, guards::Refusal>;
using PermissionLookup = std::function<Permission(const guards::Command&)>;

class Controller {
 public:
  /// `clock` must outlive the controller. Nothing is carried out before start().
  Controller(ControllerDeps deps, const guards::Options& options, const base::Clock& clock,
             base::Log log);
  ~Controller();  ///< stops at once
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  /// Called with each new state of each operation, on the thread that changes it; it must return
  /// quickly. Set before start().
  void on_change(OperationObserver observer);
  /// Asked just before an operation acts, on a thread of the pool, for each process of a group; it
  /// must return quickly. What is begun is finished without it. Set before start(); without it a
  /// command acts by what its actor was allowed when it was submitted.
  void set_permission_lookup(PermissionLookup lookup);
  /// Takes over the operations in the journal: done ones as history; interrupted ones are resumed
  /// or abandoned by the pool. Before start(), once.
  void restore();
  void start();
  /// Accepts no more commands; abandons queued operations; ends running ones as soon as nothing is
  /// left half done, at the latest at the deadline. The start of a restart whose stop is done is
  /// requested even then. May be called twice.
  void stop(const base::Deadline& deadline);
  /// For commands submitted from now on.
  void configure(const guards::Options& options);

  /// May wait for supervisord's list of programs (Options::listing_timeout). An alert's command
  /// does not wait: the list is asked for just before acting.
  [[nodiscard]] Submission submit(const guards::Command& command);
  /// The same for several commands, each decided alone, in their order; journalled together.
  [[nodiscard]] std::vector<Submission> submit_all(const std::vector<guards::Command>& commands);
  /// Why the command, which has a trigger, would be refused now, its slot aside; nothing if it
  /// would not. Records nothing.
  [[nodiscard]] std::optional<guards::Refusal> objection(const guards::Command& command);
  /// For a command that is submitted later.
  [[nodiscard]] std::string reserve_id();
  /// Why the policy forbids it, as far as that is known without asking supervisord.
  [[nodiscard]] std::optional<guards::Refusal> permit(const guards::Command& command) const;
  [[nodiscard]] std::optional<Operation> find(std::string_view id) const;
  /// Oldest first.
  [[nodiscard]] std::vector<Operation> list() const;
  /// Those on this process alone, oldest first.
  [[nodiscard]] std::vector<Operation> operations_on(const guards::Target& process) const;
  /// Those that are not done, or were not at this time, oldest first.
  [[nodiscard]] std::vector<Operation> unfinished_at(base::SystemTime time) const;
  /// How many are not done.
  [[nodiscard]] std::size_t unfinished(guards::Source source) const;
  /// Calls `observer` once the operation is done, on a thread of the pool, or at once if it is
  /// done already. False if there is no such operation or it has too many observers.
  bool on_finished(std::string_view id, OperationObserver observer);

  /// Carries out the next operation that may run on the calling thread; false if there is none.
  bool run_next();
  [[nodiscard]] Stats stats() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace reeve::control
