#pragma once

// The controller's inside: what it knows, and the two ways through it, in a file each. A command
// is admitted (admission.cpp): policy, guards, journal, ledger. An operation is carried out
// (execution.cpp), with the last word just before acting, and ended. What an earlier run of the
// agent left half done is judged in recovery.cpp.

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
#include "control/ledger.h"
#include "control/resume.h"
#include "control/runner.h"
#include "control/tally.h"
#include "guards/programs.h"

namespace reeve::control {

[[nodiscard]] guards::Refusal shutting_down();
/// Nothing if the guards permit it.
[[nodiscard]] std::optional<guards::Refusal> refusal_of(const guards::Decision& decision);

struct Controller::State {
  static constexpr std::size_t workers = 8;

  State(Surroundings given, const guards::Options& initial, const base::Clock& its_clock,
        base::Log its_log);

  [[nodiscard]] const monitor::Member* member_of(const std::string& supervisor) const;
  [[nodiscard]] guards::ProgramCatalogue::Answer programs_of(const monitor::Member& member);

  // admission.cpp
  /// A command on its way; settled once it is known what becomes of it.
  struct Candidate {
    guards::Command command;
    std::optional<Admission> settled;
    std::vector<substrate::InstanceDetail> seen;  ///< of the process, or of a group's
    std::vector<std::string> advice;
  };
  [[nodiscard]] std::vector<Admission> submit_all(const std::vector<guards::Command>& commands);
  [[nodiscard]] std::optional<guards::Refusal> permit(const guards::Command& command) const;
  [[nodiscard]] Candidate consider(const guards::Command& asked);
  [[nodiscard]] std::optional<guards::Refusal> refuse_now(const guards::Command& command);
  void heed_guards(Candidate& candidate);
  /// A person acts all the same, and is told what would stand against an alert.
  void advise(Candidate& candidate) const;
  [[nodiscard]] static std::optional<Admission> repeated(const Ledger& all,
                                                         const guards::Command& command);
  [[nodiscard]] Admission enter(Ledger& all, const Candidate& candidate,
                                std::vector<Operation>& accepted) const;
  void enter_all(std::vector<Candidate>& candidates);
  void tell_refused(const std::vector<Candidate>& candidates);

  // execution.cpp
  void work(base::Wakeup& wakeup);
  bool run_next();
  void carry_out(Operation operation);
  // group_run.cpp
  class GroupRun;
  void carry_out_group(Operation operation);
  [[nodiscard]] base::Result<Operation> begin_member(const guards::Command& command);
  [[nodiscard]] Errand errand_for(const Operation& operation);
  [[nodiscard]] std::optional<guards::Refusal> object_late(
      const guards::Command& command, const guards::ProgramCatalogue::Answer& programs,
      const Seen& seen);
  void finish(const Operation& operation, base::Duration took);
  /// Those that are ended, together.
  void record_ends(std::vector<Operation> operations);
  void tell_end(const Operation& operation, base::Duration took);
  void break_off(const std::string& id);
  /// Closes it where it stands.
  [[nodiscard]] Operation ended(Operation operation, OperationResult result) const;
  void abandon_queued(const base::Error& why);
  void wake_workers();
  void tell(const Operation& operation) const;
  /// On the disk when it returns, if there is a journal.
  [[nodiscard]] base::Result<void> record(const std::vector<Operation>& operations) const;

  // recovery.cpp
  void restore();
  /// Now, or since when its supervisord is there and it waits only for other operations.
  [[nodiscard]] base::SystemTime turn_came(const std::string& supervisor);
  [[nodiscard]] Circumstances circumstances_of(const guards::Target& target);
  [[nodiscard]] bool may_go_on(const Operation& operation);
  /// What an earlier run began: goes on, waits, or is abandoned. False: nothing can be done yet.
  bool go_on(Operation operation);
  void abandon(Operation operation, const std::string& why);

  const Surroundings around;
  base::Guarded<guards::Options> options;
  const base::Clock& clock;
  const base::Log log;
  guards::ProgramCatalogue catalogue;
  /// Held while commands are entered and journalled, so that none is known before it is on the
  /// disk: only who submits waits for it.
  std::mutex entering;
  base::Guarded<Ledger> ledger;
  base::Guarded<Tally> tally;
  /// By supervisord and group: the newest step of what was cut off. Unchanged after restore().
  std::map<std::pair<std::string, std::string>, base::SystemTime> cut_off_groups;
  base::Guarded<std::map<std::string, base::SystemTime>>
      came_up;             ///< by supervisord, for turn_came()
  std::stop_source hurry;  ///< also: accept no more
  std::stop_source now;
  Finished observer;  ///< of each change
  std::array<base::Wakeup, workers> wakeups;
  std::vector<std::jthread> threads;
};

}  // namespace reeve::control
