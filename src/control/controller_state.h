#pragma once

// The controller's state, private to its three files, which follow an operation's life:
// controller.cpp submits commands, execution.cpp carries operations out and ends them (a group's
// too), recovery.cpp resumes or abandons those that an earlier run of the agent left.
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
  /// A submitted command, until its submission is decided.
  struct Candidate {
    guards::Command command;
    std::optional<Submission> submission;
    std::vector<substrate::InstanceDetail> addressed;  ///< the process, or those of the group
    std::vector<std::string> advice;
  };
  [[nodiscard]] std::vector<Submission> submit_all(const std::vector<guards::Command>& commands);
  [[nodiscard]] std::optional<guards::Refusal> permit(const guards::Command& command) const;
  [[nodiscard]] std::optional<guards::Refusal> apply_policy(const guards::Command& command);
  /// All checks that need no lock.
  [[nodiscard]] Candidate check(const guards::Command& asked);
  void apply_guards(Candidate& candidate);
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
  [[nodiscard]] base::Result<Operation> begin_member(const guards::Command& command);
  [[nodiscard]] ExecutionContext context_for(const Operation& operation);
  /// Policy and guards, just before acting.
  [[nodiscard]] std::optional<guards::Refusal> recheck_before_acting(
      const guards::Command& command, const guards::ProgramCatalogue::Answer& programs,
      const guards::Observation& observation);
  void finish(const Operation& operation, base::Duration took);
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
  OperationObserver observer;  ///< of each change; constant after start()
  std::array<base::Wakeup, workers> wakeups;
  std::vector<std::jthread> threads;
};

}  // namespace reeve::control
