#include "reeve/control/controller.h"

#include <exception>
#include <thread>
#include <utility>

#include "control/ledger.h"
#include "control/policy.h"
#include "control/programs.h"
#include "control/runner.h"
#include "control/tally.h"
#include "reeve/base/guarded.h"
#include "reeve/base/wakeup.h"

namespace reeve::control {

using base::Deadline;
using base::ErrorKind;

namespace {

constexpr std::size_t workers = 8;

/// Ids go on growing from one run of the agent to the next.
std::string run_prefix(const base::Clock& clock) {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(clock.system_now());
  return std::to_string(now.time_since_epoch().count());
}

Refusal shutting_down() {
  return {
      RefusalReason::shutting_down, {ErrorKind::shutting_down, "the agent is shutting down"}, {}};
}

Refusal in_flight(const Operation& other) {
  return {RefusalReason::in_flight,
          {ErrorKind::conflict, "the operation " + other.id + " on '" +
                                    other.command.target.name.text() + "' is not done yet"},
          other.id};
}

Refusal key_reused(const Operation& other) {
  return {RefusalReason::invalid,
          {ErrorKind::invalid_argument,
           "the idempotency key was used for another command, the operation " + other.id},
          other.id};
}

/// What the actor may do is no part of what he asks: his list may be reloaded between two tries.
bool asks_the_same(const Command& known, Command command) {
  command.actor_allow = known.actor_allow;
  return command == known;
}

/// What the snapshot says would happen.
bool would_change(const Command& command, const substrate::InstanceDetail& seen) {
  switch (command.action) {
    case Action::start:
      return !substrate::is_active(seen.state);
    case Action::stop:
      return substrate::is_active(seen.state);
    case Action::restart:
    case Action::signal:
      break;
  }
  return true;
}

Operation rehearsed(const Command& command, const substrate::InstanceDetail& seen,
                    base::SystemTime now) {
  Operation operation;
  operation.command = command;
  operation.state = OperationState::done;
  operation.changed = would_change(command, seen);
  operation.incarnation_before = seen.incarnation();
  operation.created_at = now;
  operation.finished_at = now;
  return operation;
}

}  // namespace

struct Controller::State {
  State(Surroundings given, const Options& initial, const base::Clock& its_clock, base::Log its_log)
      : around(std::move(given)),
        options(initial),
        clock(its_clock),
        log(std::move(its_log)),
        catalogue(its_clock),
        ledger(Ledger(run_prefix(its_clock))) {}

  [[nodiscard]] const fleet::Member* member_of(const std::string& supervisor) const {
    for (const fleet::Member& each : around.members) {
      if (each.name == supervisor) {
        return &each;
      }
    }
    return nullptr;
  }

  [[nodiscard]] ProgramCatalogue::Answer programs_of(const fleet::Member& member) {
    return catalogue.of(member, options.copy().listing_timeout, hurry.get_token());
  }

  using Admission = tl::expected<Operation, Refusal>;

  /// The operation that this command asked for before, if it did.
  [[nodiscard]] static std::optional<Admission> repeated(const Ledger& ledger,
                                                         const Command& command);
  [[nodiscard]] Admission admit(const Command& command);
  [[nodiscard]] Admission enter(const Command& command, const substrate::InstanceDetail& seen);
  void finish(const Operation& operation, base::Duration took);
  /// Closes it where it stands.
  [[nodiscard]] Operation ended(Operation operation, OperationResult result) const;
  void abandon_queued();
  void wake_workers();
  void tell(const Operation& operation) const;
  bool run_next();
  void carry_out(Operation operation);
  void break_off(const std::string& id);
  void work(base::Wakeup& wakeup);

  const Surroundings around;
  base::Guarded<Options> options;
  const base::Clock& clock;
  const base::Log log;
  ProgramCatalogue catalogue;
  base::Guarded<Ledger> ledger;
  base::Guarded<Tally> tally;
  std::stop_source hurry;  ///< also: accept no more
  std::stop_source now;
  Finished observer;  ///< of each change
  std::array<base::Wakeup, workers> wakeups;
  std::vector<std::jthread> threads;
};

std::optional<Controller::State::Admission> Controller::State::repeated(const Ledger& ledger,
                                                                        const Command& command) {
  const Operation* const known = ledger.repeated(command);
  if (known == nullptr) {
    return std::nullopt;
  }
  return asks_the_same(known->command, command) ? Admission(*known)
                                                : tl::unexpected(key_reused(*known));
}

Controller::State::Admission Controller::State::admit(const Command& command) {
  if (auto known = ledger.with([&](const Ledger& all) { return repeated(all, command); })) {
    return *std::move(known);
  }
  if (hurry.stop_requested()) {
    return tl::unexpected(shutting_down());
  }
  const auto snapshot = around.snapshot();
  const auto programs = [&]() -> ProgramCatalogue::Answer {
    const fleet::Member* const asked = member_of(command.target.supervisor);
    return asked == nullptr ? base::failure(ErrorKind::internal, "no such member of the fleet")
                            : programs_of(*asked);
  };
  if (auto refusal = refuse(command, {snapshot, around.own_programs, programs}, options.copy())) {
    return tl::unexpected(std::move(*refusal));
  }
  return enter(command,
               snapshot->find(command.target.supervisor)->find(command.target.name)->detail);
}

Controller::State::Admission Controller::State::enter(const Command& command,
                                                      const substrate::InstanceDetail& seen) {
  return ledger.with([&](Ledger& all) -> Admission {
    if (hurry.stop_requested()) {
      return tl::unexpected(shutting_down());
    }
    if (auto known = repeated(all, command)) {
      return *std::move(known);
    }
    if (const Operation* const other = all.in_flight(command.target)) {
      return tl::unexpected(in_flight(*other));
    }
    return command.dry_run ? rehearsed(command, seen, clock.system_now())
                           : all.add(command, clock.system_now());
  });
}

void Controller::State::finish(const Operation& operation, base::Duration took) {
  const auto callbacks = ledger.with([&](Ledger& all) { return all.finish(operation); });
  tally.with([&](Tally& counts) { counts.finished(operation, took); });
  const std::string result(to_string(*operation.result));
  std::vector<base::LogField> fields = {
      {"operation", operation.id},
      {"action", std::string(to_string(operation.command.action))},
      {"process", operation.command.target.text()},
      {"actor", operation.command.actor},
      {"result", result}};
  if (operation.error) {
    fields.push_back({"error", operation.error->message});
    log.warning("an action did not succeed", std::move(fields));
  } else {
    log.info("an action is done", std::move(fields));
  }
  // First what others wait for: a callback is somebody else's, and may fail.
  wake_workers();
  tell(operation);
  around.nudge(operation.command.target.supervisor);
  for (const Finished& callback : callbacks) {
    callback(operation);
  }
}

void Controller::State::abandon_queued() {
  while (auto queued = ledger.with([](Ledger& all) { return all.take_queued(); })) {
    queued->error = shutting_down().error;
    finish(ended(*std::move(queued), OperationResult::abandoned), base::Duration::zero());
  }
}

void Controller::State::wake_workers() {
  for (base::Wakeup& each : wakeups) {
    each.nudge();
  }
}

void Controller::State::tell(const Operation& operation) const {
  if (observer) {
    observer(operation);
  }
}

bool Controller::State::run_next() {
  auto operation = ledger.with([](Ledger& all) { return all.take(); });
  if (!operation) {
    return false;
  }
  const std::string id = operation->id;
  try {
    carry_out(*std::move(operation));
  } catch (const std::exception& caught) {
    log.error("an action was broken off", {{"operation", id}, {"error", caught.what()}});
    break_off(id);
  }
  return true;
}

void Controller::State::carry_out(Operation operation) {
  const base::SteadyTime begun = clock.steady_now();
  const fleet::Member& member = *member_of(operation.command.target.supervisor);
  const auto programs = programs_of(member);
  const Errand errand{
      member,
      programs ? spans_of(**programs, operation.command.target.name) : Spans{},
      &clock,
      hurry.get_token(),
      now.get_token(),
      [&](const Operation& so_far) {
        ledger.with([&](Ledger& all) { all.update(so_far); });
        tell(so_far);
      },
  };
  finish(run(std::move(operation), errand), clock.steady_now() - begun);
}

void Controller::State::break_off(const std::string& id) {
  auto operation = ledger.with([&](const Ledger& all) { return all.find(id); });
  if (!operation || operation->done()) {
    return;  // it was broken off in telling of its end
  }
  operation->error = {ErrorKind::internal, "the action was broken off: the agent's log says why"};
  finish(ended(*std::move(operation), OperationResult::failed), base::Duration::zero());
}

Operation Controller::State::ended(Operation operation, OperationResult result) const {
  operation.state = OperationState::done;
  operation.result = result;
  operation.changed = operation.changed.value_or(false);
  operation.finished_at = clock.system_now();
  return operation;
}

void Controller::State::work(base::Wakeup& wakeup) {
  const std::stop_token stop = hurry.get_token();
  while (!stop.stop_requested()) {
    try {
      while (run_next()) {
      }
    } catch (const std::exception& caught) {
      log.error("an action's end could not be told", {{"error", caught.what()}});
    }
    (void)wakeup.wait_until(clock.steady_now() + std::chrono::hours(1), stop);
  }
}

Controller::Controller(Surroundings surroundings, const Options& options, const base::Clock& clock,
                       base::Log log)
    : state_(std::make_unique<State>(std::move(surroundings), options, clock, std::move(log))) {}

Controller::~Controller() {
  stop(Deadline::after(state_->clock, base::Duration::zero()));
}

void Controller::on_change(Finished observer) {
  state_->observer = std::move(observer);
}

void Controller::start() {
  for (base::Wakeup& wakeup : state_->wakeups) {
    state_->threads.emplace_back([this, &wakeup] { state_->work(wakeup); });
  }
}

void Controller::stop(const Deadline& deadline) {
  constexpr std::chrono::milliseconds look_interval{10};
  state_->hurry.request_stop();
  state_->abandon_queued();
  const auto busy = [&] {
    return !state_->ledger.with([](const Ledger& all) { return all.idle(); });
  };
  while (busy() && deadline.wait(look_interval)) {
  }
  state_->now.request_stop();
  state_->threads.clear();
}

void Controller::configure(const Options& options) {
  state_->options.with([&](Options& current) { current = options; });
}

tl::expected<Operation, Refusal> Controller::submit(const Command& asked) {
  Command command = asked;
  command.signal = canonical_signal(asked.signal);
  auto admission = state_->admit(command);
  if (!admission) {
    const RefusalReason reason = admission.error().reason;
    state_->tally.with([&](Tally& counts) { counts.refused(command, reason); });
    state_->log.info("an action was refused", {{"action", std::string(to_string(command.action))},
                                               {"process", command.target.text()},
                                               {"actor", command.actor},
                                               {"reason", std::string(to_string(reason))}});
  } else if (admission->state == OperationState::queued) {
    state_->tell(*admission);
    state_->wake_workers();
  }
  return admission;
}

std::optional<Operation> Controller::find(std::string_view id) const {
  return state_->ledger.with([&](const Ledger& all) { return all.find(id); });
}

std::vector<Operation> Controller::list() const {
  return state_->ledger.with([](const Ledger& all) { return all.list(); });
}

bool Controller::on_finished(std::string_view id, Finished callback) {
  const auto [done, waits] = state_->ledger.with([&](Ledger& all) {
    auto operation = all.find(id);
    const bool is_done = operation && operation->done();
    return std::pair(is_done ? std::move(operation) : std::nullopt,
                     !is_done && all.wait_for(id, callback));
  });
  if (done) {
    callback(*done);
  }
  return done || waits;
}

bool Controller::run_next() {
  return state_->run_next();
}

Stats Controller::stats() const {
  return state_->tally.with([](const Tally& counts) { return counts.stats(); });
}

}  // namespace reeve::control
