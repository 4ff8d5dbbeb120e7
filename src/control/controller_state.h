#pragma once

// The controller's state, private to its four files, which follow an operation's life:
// controller.cpp submits commands, execution.cpp carries operations out and ends them (a group's
// too), config_update.cpp does so for updates, recovery.cpp resumes or abandons those that an
// earlier run of the agent left.
//
// Threads: submit(), the readers and stop() run on any thread; run_next() and all that it calls on
// a worker. Lock order: submitting, then operations or any other Guarded member; no two of those
// are held together, and none while supervisord, the disk, guards or an observer are called
// (submitting is held during the journal's write).

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/guarded.h"
#include "base/wakeup.h"
#include "control/controller.h"
#include "control/next_step.h"
#include "control/operation_table.h"
#include "control/runner.h"
#include "control/stats.h"
#include "guards/programs.h"

namespace reeve::control {

[[nodiscard]] guards::Refusal shutting_down();
/// Nothing if the guards accept it.
[[nodiscard]] std::optional<guards::Refusal> refusal_of(const guards::GuardDecision& decision);

struct Controller::State {
  static constexpr std::size_t workers = 8;

  State(ControllerDeps its_deps, const guards::Options& initial, const base::Clock& its_clock,
        base::Log its_log);

  [[nodiscard]] const monitor::Member* member_of(const std::string& supervisor) const;
  [[nodiscard]] guards::ProgramCatalogue::Answer programs_of(const monitor::Member& member);

  // controller.cpp
  /// A process that a command is on, as last seen.
  struct Addressed {
    guards::Target target;
    substrate::InstanceDetail detail;
  };
  [[nodiscard]] std::vector<Addressed> addressed_by(const guards::Command& command) const;
  /// A submitted command, until its submission is decided.
  struct Candidate {
    guards::Command command;
    std::optional<Submission> submission;
    std::vector<Addressed> addressed;
    std::vector<std::string> advice;
  };
  [[nodiscard]] std::vector<Submission> submit_all(const std::vector<guards::Command>& commands);
  [[nodiscard]] std::optional<guards::Refusal> permit(const guards::Command& command) const;
  [[nodiscard]] std::optional<guards::Refusal> apply_policy(const guards::Command& command);
  /// All checks that need no lock.
  [[nodiscard]] Candidate check(const guards::Command& asked);
  /// Asks supervisord what has changed: the groups of an update. Nothing if it may be done.
  [[nodiscard]] std::optional<guards::Refusal> resolve_update(Candidate& candidate);
  [[nodiscard]] std::optional<guards::Refusal> refuse_update_of(const guards::Command& command,
                                                                const std::string& group,
                                                                const guards::Programs& programs,
                                                                const guards::Programs& next) const;
  [[nodiscard]] std::vector<guards::Target> processes_of(const guards::Target& group) const;
  void apply_guards(Candidate& candidate);
  [[nodiscard]] std::optional<guards::Refusal> objection(const guards::Command& command);
  /// For a person's command, which the guards do not bind.
  void collect_advice(Candidate& candidate) const;
  [[nodiscard]] static std::optional<Submission> find_repeated(const OperationTable& table,
                                                               const guards::Command& command);
  [[nodiscard]] Submission add_operation(OperationTable& table, const Candidate& candidate,
                                         std::vector<Operation>& added) const;
  void add_operations(std::vector<Candidate>& candidates);
  void report_refusals(const std::vector<Candidate>& candidates);

  // execution.cpp
  void work(base::Wakeup& wakeup);
  bool run_next();
  void carry_out(Operation operation);
  class GroupExecution;
  void carry_out_group(Operation operation);
  /// A stop, a removal and an addition of each group, as far as they are due.
  void carry_out_update(Operation operation);
  /// False: it waits.
  bool resume_update(Operation operation);
  class GroupUpdate;
  class UpdateExecution;
  [[nodiscard]] base::Result<Operation> begin_member(const guards::Command& command);
  [[nodiscard]] ExecutionContext context_for(const Operation& operation);
  /// A person's action holds a slot where there is one, and is never kept from acting.
  void try_to_claim(Operation& operation);
  /// Releases its slot, or holds it if the action failed.
  void end_claim(const Operation& operation);
  /// Of the rule's only_if, which it has: after all other guards, since it waits for Prometheus.
  [[nodiscard]] std::optional<guards::Refusal> ask_only_if(const guards::Command& command,
                                                           const guards::Observation& observation);
  /// The command with the allow list that its actor has now; refused if it is wanted no more.
  [[nodiscard]] tl::expected<guards::Command, guards::Refusal> as_permitted_now(
      guards::Command command) const;
  /// Whether it is still wanted, policy and guards, just before acting.
  [[nodiscard]] std::optional<guards::Refusal> recheck_before_acting(
      const guards::Command& command, const guards::ProgramCatalogue::Answer& programs,
      const guards::Observation& observation);
  /// Of what was `begun` then: it takes no duration, since an argument may be computed before the
  /// operation that stands beside it is carried out.
  void finish(const Operation& operation, base::SteadyTime begun);
  /// Writes audit and journal of ended operations, together.
  void record_ends(std::vector<Operation> operations);
  /// Counts and logs the end, wakes the workers, calls the observers.
  void publish_end(const Operation& operation, base::Duration took);
  /// After an exception.
  void fail_operation(const std::string& id);
  [[nodiscard]] Operation ended(Operation operation, OperationResult result) const;
  void abandon_queued(const base::Error& why);
  void wake_workers();
  void notify_observer(const Operation& operation) const;
  /// In the journal, if there is one, when it returns.
  [[nodiscard]] base::Result<void> record(const std::vector<Operation>& changed) const;

  // recovery.cpp
  void restore();
  /// Since when interrupted operations on this supervisord could be resumed but for others: since
  /// it was first seen up; now, if it is down.
  [[nodiscard]] base::SystemTime resume_eligible_since(const std::string& supervisor);
  [[nodiscard]] ResumptionInputs resumption_inputs(const guards::Target& target);
  [[nodiscard]] bool may_resume(const Operation& operation);
  /// Resumes an interrupted operation, lets it wait, or abandons it. False: it waits.
  bool resume(Operation operation);
  void abandon(Operation operation, const std::string& why);

  const ControllerDeps deps;
  base::Guarded<guards::Options> options;
  const base::Clock& clock;
  const base::Log log;
  guards::ProgramCatalogue catalogue;
  /// Held while operations are added and journalled, so that none is visible before it is on the
  /// disk. Only submitting threads wait for it.
  std::mutex submitting;
  base::Guarded<OperationTable> operations;
  base::Guarded<StatsRecorder> recorder;
  /// By supervisord and group: the newest step of interrupted group operations. Constant after
  /// restore().
  std::map<std::pair<std::string, std::string>, base::SystemTime> interrupted_groups;
  /// By supervisord: see resume_eligible_since().
  base::Guarded<std::map<std::string, base::SystemTime>> up_since;
  std::stop_source drain_requested;  ///< also: accept no more commands
  std::stop_source abort_requested;
  OperationObserver observer;      ///< of each change; constant after start()
  PermissionLookup permission_of;  ///< may be empty; constant after start()
  std::array<base::Wakeup, workers> wakeups;
  std::vector<std::jthread> threads;
};

}  // namespace reeve::control
