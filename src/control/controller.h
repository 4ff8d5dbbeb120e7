#pragma once

// Carries out commands on processes. A command passes the policy, in one visible order, and
// becomes an operation; a small pool of threads works the operations off: one at a time per
// process, in order within a group. Every step is recorded with its time; a restart is a stop,
// seen done, and a start, verified. submit() and the readers may be called from any thread.
// Operations live in memory, the last 1000 that are done and all that are not, and in the
// journal, where there is one: then a restart that the agent's end cut off is finished by the
// next start.

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
#include "guards/command.h"
#include "guards/decision.h"
#include "guards/guards.h"
#include "guards/maintenance.h"
#include "guards/options.h"
#include "guards/refusal.h"
#include "monitor/monitor.h"
#include "monitor/snapshot.h"
#include "reeve/base/deadline.h"

namespace reeve::control {

/// What the controller needs of the others.
struct Surroundings {
  std::vector<monitor::Member> members;
  std::function<std::shared_ptr<const monitor::Snapshot>()> snapshot;
  /// Something was done to a process of this supervisord: look at it soon.
  std::function<void(std::string_view supervisor)> nudge;
  /// Reeve's own program, where its environment names it: never acted on, on any supervisord.
  std::vector<substrate::InstanceName> own_programs;
  Journal* journal = nullptr;  ///< null: nothing outlives the agent
  Audit* audit = nullptr;      ///< null: no record is kept
  /// Null: there is none. It binds alerts, and what a restart of the agent would finish.
  const guards::Maintenance* maintenance = nullptr;
  guards::Guards* guards = nullptr;  ///< null: none; they bind alerts, and advise people
};

/// An operation that is queued; the known one for a repeated idempotency key; one that is done and
/// has no id for a dry run.
using Admission = tl::expected<Operation, guards::Refusal>;

class Controller {
 public:
  using Finished = std::function<void(const Operation&)>;

  /// `clock` must outlive the controller. Nothing is carried out before start().
  Controller(Surroundings surroundings, const guards::Options& options, const base::Clock& clock,
             base::Log log);
  ~Controller();  ///< stops, without patience
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  /// Called with each new state of each operation, on the thread that makes it; it must return
  /// quickly. Set before start().
  void on_change(Finished observer);
  /// Takes over what the journal holds: what is done as history; what was cut off is judged by
  /// the first who carry operations out. Before start(), once.
  void restore();
  void start();
  /// Accepts no more; what is queued is abandoned; what runs is ended as soon as it leaves
  /// nothing half done, at the latest at the deadline. A restart whose stop is done gets its
  /// start even then. Twice is harmless.
  void stop(const base::Deadline& deadline);
  /// For commands submitted from now on.
  void configure(const guards::Options& options);

  /// May wait for supervisord's list of programs (Options::listing_timeout); for an alert's
  /// command it does not, and what it would say is asked just before acting.
  [[nodiscard]] Admission submit(const guards::Command& command);
  /// The same for several, each for itself, in their order; journalled together.
  [[nodiscard]] std::vector<Admission> submit_all(const std::vector<guards::Command>& commands);
  /// Why the policy forbids it, as far as that is known without asking supervisord.
  [[nodiscard]] std::optional<guards::Refusal> permit(const guards::Command& command) const;
  [[nodiscard]] std::optional<Operation> find(std::string_view id) const;
  /// Oldest first.
  [[nodiscard]] std::vector<Operation> list() const;
  /// How many are not done.
  [[nodiscard]] std::size_t unfinished(guards::Source source) const;
  /// Calls back once the operation is done, on a thread of the pool, or at once if it is done
  /// already. False if there is no such operation or too many wait for it.
  bool on_finished(std::string_view id, Finished callback);

  /// Carries out the next operation that may run on the calling thread; false if there is none.
  bool run_next();
  [[nodiscard]] Stats stats() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace reeve::control
