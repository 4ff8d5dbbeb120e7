#include "control/controller.h"

#include <algorithm>
#include <utility>

#include "base/signal_name.h"
#include "control/controller_state.h"
#include "guards/policy.h"

namespace reeve::control {

using base::Deadline;
using base::ErrorKind;
using guards::Reason;
using guards::Refusal;

namespace {

/// Ids increase from one run of the agent to the next.
std::string run_prefix(const base::Clock& clock) {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(clock.system_now());
  return std::to_string(now.time_since_epoch().count());
}

Refusal in_flight(const Operation& other) {
  return {Reason::in_flight,
          {ErrorKind::conflict,
           "the operation " + other.id + " on '" + other.command.subject() + "' is not done yet"},
          other.id};
}

/// The process was in the snapshot a moment ago.
Refusal gone(const guards::Command& command) {
  const std::string why = command.batch.empty() ? guards::no_such_process(command.target)
                                                : command.subject() + " are gone";
  return {Reason::no_target, {ErrorKind::not_found, why}, {}};
}

Refusal key_reused(const Operation& other) {
  return {Reason::key_reused,
          {ErrorKind::invalid_argument,
           "the idempotency key was used for another command, the operation " + other.id},
          other.id};
}

/// The allow list is not compared: it may be reloaded between two tries of the same command.
/// Nor are the groups that an update turned out to be about, and the slot that it got.
bool is_same_command(const guards::Command& known, guards::Command command) {
  command.actor_allow = known.actor_allow;
  command.slot = known.slot;
  command.batch = command.action == guards::Action::update ? known.batch : command.batch;
  return command == known;
}

/// As far as the snapshot knows.
bool would_change(const guards::Command& command, const substrate::InstanceDetail& seen) {
  switch (command.action) {
    case guards::Action::start:
      return !substrate::is_active(seen.state);
    case guards::Action::stop:
      return substrate::is_active(seen.state);
    case guards::Action::restart:
    case guards::Action::signal:
    case guards::Action::update:
      break;
  }
  return true;
}

template <class Addressed>
bool would_change(const guards::Command& command, const std::vector<Addressed>& addressed) {
  return std::any_of(addressed.begin(), addressed.end(),
                     [&](const Addressed& each) { return would_change(command, each.detail); });
}

template <class Addressed>
Operation dry_run_of(const guards::Command& command, const std::vector<Addressed>& addressed,
                     base::SystemTime now) {
  Operation operation;
  operation.command = command;
  operation.state = OperationState::done;
  operation.changed = command.action == guards::Action::update ? !command.batch.empty()
                                                               : would_change(command, addressed);
  operation.incarnation_before =
      command.group_order ? std::nullopt : addressed.front().detail.incarnation();
  operation.created_at = now;
  operation.finished_at = now;
  return operation;
}

bool is_among(const std::vector<Operation>& operations, const std::string& id) {
  return std::any_of(operations.begin(), operations.end(),
                     [&](const Operation& each) { return each.id == id; });
}

}  // namespace

Refusal shutting_down() {
  return {Reason::shutting_down, {ErrorKind::shutting_down, "the agent is shutting down"}, {}};
}

Controller::State::State(ControllerDeps its_deps, const guards::Options& initial,
                         const base::Clock& its_clock, base::Log its_log)
    : deps(std::move(its_deps)),
      options(initial),
      clock(its_clock),
      log(std::move(its_log)),
      catalogue(its_clock),
      operations(OperationTable(run_prefix(its_clock))) {}

const monitor::Member* Controller::State::member_of(const std::string& supervisor) const {
  for (const monitor::Member& each : deps.members) {
    if (each.name == supervisor) {
      return &each;
    }
  }
  return nullptr;
}

guards::ProgramCatalogue::Answer Controller::State::programs_of(const monitor::Member& member) {
  return catalogue.of(member, options.copy().listing_timeout, drain_requested.get_token());
}

std::optional<Refusal> refusal_of(const guards::GuardDecision& decision) {
  if (decision.reason == Reason::accepted || decision.reason == Reason::would_act) {
    return std::nullopt;
  }
  return Refusal{decision.reason, {ErrorKind::conflict, decision.detail}, {}, decision.passes_at};
}

std::optional<Submission> Controller::State::find_repeated(const OperationTable& table,
                                                           const guards::Command& command) {
  const Operation* const known = table.find_repeated(command);
  if (known == nullptr) {
    return std::nullopt;
  }
  return is_same_command(known->command, command) ? Submission(*known)
                                                  : tl::unexpected(key_reused(*known));
}

std::optional<Refusal> Controller::State::permit(const guards::Command& command) const {
  const auto programs = [&]() -> guards::ProgramCatalogue::Answer {
    return catalogue.known(command.target.supervisor);
  };
  return refuse(command, {deps.snapshot(), deps.own_programs, programs, deps.is_own_process},
                options.copy());
}

std::optional<Refusal> Controller::State::apply_policy(const guards::Command& command) {
  if (command.source == guards::Source::alert) {
    return permit(command);
  }
  for (const guards::Target& each : command.batch) {
    if (auto refusal = apply_policy(command_on(command, each))) {
      return refusal;
    }
  }
  if (!command.batch.empty()) {
    return std::nullopt;
  }
  const auto programs = [&]() -> guards::ProgramCatalogue::Answer {
    const monitor::Member* const asked = member_of(command.target.supervisor);
    return asked == nullptr ? base::failure(ErrorKind::internal, "no such supervisord")
                            : programs_of(*asked);
  };
  return refuse(command, {deps.snapshot(), deps.own_programs, programs, deps.is_own_process},
                options.copy());
}

std::vector<Controller::State::Addressed> Controller::State::addressed_by(
    const guards::Command& command) const {
  const auto snapshot = deps.snapshot();
  std::vector<Addressed> all;
  const auto add = [&](const guards::Command& each) {
    for (const substrate::InstanceDetail& detail :
         guards::addressed_by(each, *snapshot, clock.steady_now())) {
      all.push_back({{each.target.supervisor, detail.name}, detail});
    }
  };
  for (const guards::Target& each : command.batch) {
    add(command_on(command, each));
  }
  if (command.batch.empty()) {
    add(command);
  }
  return all;
}

Controller::State::Candidate Controller::State::check(const guards::Command& asked) {
  Candidate candidate;
  candidate.command = asked;
  candidate.command.signal = base::signal_name(asked.signal).value_or(asked.signal);
  const guards::Command& command = candidate.command;
  candidate.submission = operations.with([&](const OperationTable& table) {
    auto known = find_repeated(table, command);
    // Not answered yet: its journal write may still fail.
    const bool held = known && *known && table.is_held((*known)->id);
    return held ? std::nullopt : std::move(known);
  });
  if (candidate.submission) {
    return candidate;
  }
  if (drain_requested.stop_requested()) {
    candidate.submission = tl::unexpected(shutting_down());
    return candidate;
  }
  const bool is_update = command.action == guards::Action::update;
  if (auto refusal = is_update ? resolve_update(candidate) : apply_policy(command)) {
    candidate.submission = tl::unexpected(*std::move(refusal));
    return candidate;
  }
  if (is_update) {
    return candidate;  // no guard binds it
  }
  candidate.addressed = addressed_by(command);
  if (candidate.addressed.empty()) {
    candidate.submission = tl::unexpected(gone(command));
    return candidate;
  }
  apply_guards(candidate);
  return candidate;
}

void Controller::State::collect_advice(Candidate& candidate) const {
  constexpr std::size_t max_advice = 20;
  for (const Addressed& each : candidate.addressed) {
    for (const guards::GuardDecision& objection : deps.guards->standing_objections(each.target)) {
      std::string text = std::string(to_string(objection.reason)) + ": " + objection.detail;
      auto& advice = candidate.advice;
      if (advice.size() < max_advice &&
          std::find(advice.begin(), advice.end(), text) == advice.end()) {
        advice.push_back(std::move(text));
      }
    }
  }
}

void Controller::State::apply_guards(Candidate& candidate) {
  const guards::Command& command = candidate.command;
  if (deps.guards == nullptr) {
    return;
  }
  if (!command.trigger) {
    collect_advice(candidate);
    return;
  }
  const auto unfinished = operations.with([&](const OperationTable& table) {
    const Operation* const other = table.in_flight(command);
    return other == nullptr ? std::nullopt : std::optional(in_flight(*other));
  });
  if (unfinished && command.dry_run) {  // the guards would record it
    candidate.submission = tl::unexpected(*unfinished);
    return;
  }
  const guards::GuardDecision decision =
      deps.guards->check(command, candidate.addressed.front().detail, unfinished.has_value());
  if (auto refusal = refusal_of(decision)) {
    candidate.submission = tl::unexpected(*std::move(refusal));
  }
}

std::optional<Refusal> Controller::State::objection(const guards::Command& command) {
  guards::Command asked = command;
  asked.dry_run = false;
  const Candidate candidate = check(asked);
  if (candidate.submission && !*candidate.submission) {
    return candidate.submission->error();
  }
  // Its group is acted on one by one: it would wait for the others with a slot in its hands.
  return operations.with([&](const OperationTable& table) {
    const Operation* const other = table.unfinished_in_group(command.target);
    return other == nullptr ? std::nullopt : std::optional(in_flight(*other));
  });
}

Submission Controller::State::add_operation(OperationTable& table, const Candidate& candidate,
                                            std::vector<Operation>& added) const {
  const guards::Command& command = candidate.command;
  if (drain_requested.stop_requested()) {
    return tl::unexpected(shutting_down());
  }
  if (auto known = find_repeated(table, command)) {
    return *std::move(known);
  }
  if (const Operation* const other = table.in_flight(command)) {
    return tl::unexpected(in_flight(*other));
  }
  const base::SystemTime at = clock.system_now();
  Operation operation =
      command.dry_run ? dry_run_of(command, candidate.addressed, at) : table.add(command, at);
  operation.advice = candidate.advice;
  if (!command.dry_run) {
    table.update(operation);
    added.push_back(operation);
  }
  return operation;
}

void Controller::State::add_operations(std::vector<Candidate>& candidates) {
  // Most posts of alerts add no operation: they take no lock and wake no worker.
  if (std::all_of(candidates.begin(), candidates.end(),
                  [](const Candidate& each) { return each.submission.has_value(); })) {
    return;
  }
  const std::scoped_lock lock(submitting);
  std::vector<Operation> added;
  operations.with([&](OperationTable& table) {
    for (Candidate& each : candidates) {
      if (!each.submission) {
        each.submission = add_operation(table, each, added);
      }
    }
  });
  const auto recorded = record(added);
  for (const Operation& each : added) {
    if (recorded) {
      notify_observer(each);
    }
    operations.with([&](OperationTable& table) {
      recorded ? table.release(each.id) : table.withdraw(each.id);
    });
  }
  for (Candidate& each : candidates) {
    if (!recorded && *each.submission && is_among(added, (*each.submission)->id)) {
      each.submission =
          tl::unexpected(Refusal{Reason::not_recorded, not_recorded(recorded.error()), {}});
    }
  }
  if (!added.empty()) {
    wake_workers();
  }
}

void Controller::State::report_refusals(const std::vector<Candidate>& candidates) {
  std::vector<AuditEntry> entries;  // the audit logs them, repeats together
  for (const Candidate& each : candidates) {
    if (each.submission->has_value()) {
      continue;
    }
    const Refusal& refusal = each.submission->error();
    recorder.with([&](StatsRecorder& all) { all.record_refused(each.command, refusal.reason); });
    if (each.command.source == guards::Source::alert) {
      continue;  // alerts::Responder audits all its decisions itself
    }
    entries.push_back(audit_entry_of(each.command, refusal, clock.system_now()));
  }
  if (deps.audit != nullptr) {
    deps.audit->record(entries);
  }
}

std::vector<Submission> Controller::State::submit_all(
    const std::vector<guards::Command>& commands) {
  std::vector<Candidate> candidates;
  candidates.reserve(commands.size());
  for (const guards::Command& each : commands) {
    candidates.push_back(check(each));
  }
  add_operations(candidates);
  report_refusals(candidates);
  std::vector<Submission> submissions;
  submissions.reserve(candidates.size());
  for (Candidate& each : candidates) {
    submissions.push_back(*std::move(each.submission));
  }
  return submissions;
}

Controller::Controller(ControllerDeps deps, const guards::Options& options,
                       const base::Clock& clock, base::Log log)
    : state_(std::make_unique<State>(std::move(deps), options, clock, std::move(log))) {}

Controller::~Controller() {
  stop(Deadline::after(state_->clock, base::Duration::zero()));
}

void Controller::on_change(OperationObserver observer) {
  state_->observer = std::move(observer);
}

void Controller::set_permission_lookup(PermissionLookup lookup) {
  state_->permission_of = std::move(lookup);
}

void Controller::restore() {
  state_->restore();
}

void Controller::start() {
  for (base::Wakeup& wakeup : state_->wakeups) {
    state_->threads.emplace_back([this, &wakeup] { state_->work(wakeup); });
  }
}

void Controller::stop(const Deadline& deadline) {
  constexpr std::chrono::milliseconds check_interval{10};
  state_->drain_requested.request_stop();
  { const std::scoped_lock all_submissions_are_done(state_->submitting); }
  state_->abandon_queued(shutting_down().error);
  const auto busy = [&] {
    return !state_->operations.with([](const OperationTable& table) { return table.idle(); });
  };
  while (busy() && deadline.wait(check_interval)) {
  }
  state_->abort_requested.request_stop();
  state_->threads.clear();
}

void Controller::configure(const guards::Options& options) {
  state_->options.with([&](guards::Options& current) { current = options; });
}

Submission Controller::submit(const guards::Command& command) {
  return std::move(state_->submit_all({command}).front());
}

std::vector<Submission> Controller::submit_all(const std::vector<guards::Command>& commands) {
  return state_->submit_all(commands);
}

std::optional<Refusal> Controller::objection(const guards::Command& command) {
  return state_->objection(command);
}

std::string Controller::reserve_id() {
  return state_->operations.with([](OperationTable& table) { return table.reserve_id(); });
}

std::optional<Refusal> Controller::permit(const guards::Command& command) const {
  return state_->permit(command);
}

std::optional<Operation> Controller::find(std::string_view id) const {
  return state_->operations.with([&](const OperationTable& table) { return table.find(id); });
}

std::vector<Operation> Controller::list() const {
  return state_->operations.with([](const OperationTable& table) { return table.list(); });
}

std::vector<Operation> Controller::operations_on(const guards::Target& process) const {
  return state_->operations.with([&](const OperationTable& table) {
    return table.list([&](const Operation& each) {
      return !each.command.group_order && each.command.target == process;
    });
  });
}

std::vector<Operation> Controller::unfinished_at(base::SystemTime time) const {
  return state_->operations.with([&](const OperationTable& table) {
    return table.list(
        [&](const Operation& each) { return !each.finished_at || *each.finished_at >= time; });
  });
}

std::size_t Controller::unfinished(guards::Source source) const {
  return state_->operations.with(
      [&](const OperationTable& table) { return table.unfinished(source); });
}

bool Controller::on_finished(std::string_view id, OperationObserver observer) {
  const auto [done, is_waiting] = state_->operations.with([&](OperationTable& table) {
    auto operation = table.find(id);
    const bool is_done = operation && operation->done();
    return std::pair(is_done ? std::move(operation) : std::nullopt,
                     !is_done && table.add_waiter(id, observer));
  });
  if (done) {
    observer(*done);
  }
  return done || is_waiting;
}

bool Controller::run_next() {
  return state_->run_next();
}

Stats Controller::stats() const {
  return state_->recorder.with([](const StatsRecorder& all) { return all.stats(); });
}

}  // namespace reeve::control
