// How a command becomes an operation, or does not.

#include <algorithm>
#include <utility>

#include "control/audit_entry.h"
#include "control/controller_state.h"
#include "guards/absent.h"
#include "guards/policy.h"

namespace reeve::control {

using base::ErrorKind;

namespace {

guards::Refusal in_flight(const Operation& other) {
  return {guards::RefusalReason::in_flight,
          {ErrorKind::conflict, "the operation " + other.id + " on '" +
                                    other.command.target.text() + "' is not done yet"},
          other.id,
          guards::Verdict::in_flight};
}

/// It was there a moment ago.
guards::Refusal gone(const guards::Target& target) {
  return {guards::RefusalReason::not_found,
          {ErrorKind::not_found, guards::no_such_process(target)},
          {},
          guards::Verdict::no_target};
}

guards::Refusal key_reused(const Operation& other) {
  return {guards::RefusalReason::invalid,
          {ErrorKind::invalid_argument,
           "the idempotency key was used for another command, the operation " + other.id},
          other.id};
}

guards::Refusal not_recorded(const base::Error& error) {
  return {guards::RefusalReason::not_recorded,
          {ErrorKind::internal, "nothing is done without a record of it: " + error.message},
          {}};
}

/// What the actor may do is no part of what he asks: his list may be reloaded between two tries.
bool asks_the_same(const guards::Command& known, guards::Command command) {
  command.actor_allow = known.actor_allow;
  return command == known;
}

/// What the snapshot says would happen.
bool would_change(const guards::Command& command, const substrate::InstanceDetail& seen) {
  switch (command.action) {
    case guards::Action::start:
      return !substrate::is_active(seen.state);
    case guards::Action::stop:
      return substrate::is_active(seen.state);
    case guards::Action::restart:
    case guards::Action::signal:
      break;
  }
  return true;
}

bool would_change(const guards::Command& command,
                  const std::vector<substrate::InstanceDetail>& seen) {
  return std::any_of(seen.begin(), seen.end(),
                     [&](const auto& each) { return would_change(command, each); });
}

/// `seen`: all that it is about.
Operation rehearsed(const guards::Command& command,
                    const std::vector<substrate::InstanceDetail>& seen, base::SystemTime now) {
  Operation operation;
  operation.command = command;
  operation.state = OperationState::done;
  operation.changed = would_change(command, seen);
  operation.incarnation_before = command.whole_group ? std::nullopt : seen.front().incarnation();
  operation.created_at = now;
  operation.finished_at = now;
  return operation;
}

bool is_among(const std::vector<Operation>& operations, const std::string& id) {
  return std::any_of(operations.begin(), operations.end(),
                     [&](const Operation& each) { return each.id == id; });
}

}  // namespace

std::optional<guards::Refusal> refusal_of(const guards::Decision& decision) {
  if (decision.verdict == guards::Verdict::accepted ||
      decision.verdict == guards::Verdict::would_act) {
    return std::nullopt;
  }
  return guards::Refusal{
      guards::RefusalReason::guarded, {ErrorKind::conflict, decision.reason}, {}, decision.verdict};
}

std::optional<Admission> Controller::State::repeated(const Ledger& all,
                                                     const guards::Command& command) {
  const Operation* const known = all.repeated(command);
  if (known == nullptr) {
    return std::nullopt;
  }
  return asks_the_same(known->command, command) ? Admission(*known)
                                                : tl::unexpected(key_reused(*known));
}

std::optional<guards::Refusal> Controller::State::permit(const guards::Command& command) const {
  const auto programs = [&]() -> guards::ProgramCatalogue::Answer {
    return catalogue.known(command.target.supervisor);
  };
  return refuse(command, {around.snapshot(), around.own_programs, programs}, options.copy());
}

std::optional<guards::Refusal> Controller::State::refuse_now(const guards::Command& command) {
  if (command.source == guards::Source::alert) {
    return permit(command);
  }
  const auto programs = [&]() -> guards::ProgramCatalogue::Answer {
    const monitor::Member* const asked = member_of(command.target.supervisor);
    return asked == nullptr ? base::failure(ErrorKind::internal, "no such member of the fleet")
                            : programs_of(*asked);
  };
  return refuse(command, {around.snapshot(), around.own_programs, programs}, options.copy());
}

Controller::State::Candidate Controller::State::consider(const guards::Command& asked) {
  Candidate candidate;
  candidate.command = asked;
  candidate.command.signal = guards::canonical_signal(asked.signal);
  const guards::Command& command = candidate.command;
  candidate.settled = ledger.with([&](const Ledger& all) {
    auto known = repeated(all, command);
    // What is being journalled may yet be withdrawn: to be told of it is to wait for that.
    const bool held = known && *known && all.holds((*known)->id);
    return held ? std::nullopt : std::move(known);
  });
  if (candidate.settled) {
    return candidate;
  }
  if (hurry.stop_requested()) {
    candidate.settled = tl::unexpected(shutting_down());
    return candidate;
  }
  if (auto refusal = refuse_now(command)) {
    candidate.settled = tl::unexpected(*std::move(refusal));
    return candidate;
  }
  candidate.seen = guards::about(*around.snapshot(), command);
  if (candidate.seen.empty()) {
    candidate.settled = tl::unexpected(gone(command.target));
    return candidate;
  }
  heed_guards(candidate);
  return candidate;
}

void Controller::State::advise(Candidate& candidate) const {
  constexpr std::size_t most = 20;
  for (const substrate::InstanceDetail& each : candidate.seen) {
    const guards::Target target{candidate.command.target.supervisor, each.name};
    for (const guards::Decision& objection : around.guards->advice(target)) {
      std::string text = std::string(to_string(objection.verdict)) + ": " + objection.reason;
      auto& told = candidate.advice;
      if (told.size() < most && std::find(told.begin(), told.end(), text) == told.end()) {
        told.push_back(std::move(text));
      }
    }
  }
}

void Controller::State::heed_guards(Candidate& candidate) {
  const guards::Command& command = candidate.command;
  if (around.guards == nullptr) {
    return;
  }
  if (!command.trigger) {
    advise(candidate);
    return;
  }
  const auto unfinished = ledger.with([&](const Ledger& all) {
    const Operation* const other = all.in_flight(command);
    return other == nullptr ? std::nullopt : std::optional(in_flight(*other));
  });
  if (unfinished && command.dry_run) {  // the guards would count it
    candidate.settled = tl::unexpected(*unfinished);
    return;
  }
  const guards::Decision decision =
      around.guards->consider(command, {candidate.seen.front(), unfinished.has_value()});
  if (auto refusal = refusal_of(decision)) {
    candidate.settled = tl::unexpected(*std::move(refusal));
  }
}

Admission Controller::State::enter(Ledger& all, const Candidate& candidate,
                                   std::vector<Operation>& accepted) const {
  const guards::Command& command = candidate.command;
  if (hurry.stop_requested()) {
    return tl::unexpected(shutting_down());
  }
  if (auto known = repeated(all, command)) {
    return *std::move(known);
  }
  if (const Operation* const other = all.in_flight(command)) {
    return tl::unexpected(in_flight(*other));
  }
  const base::SystemTime at = clock.system_now();
  Operation operation =
      command.dry_run ? rehearsed(command, candidate.seen, at) : all.add(command, at);
  operation.advice = candidate.advice;
  if (!command.dry_run) {
    all.update(operation);
    accepted.push_back(operation);
  }
  return operation;
}

void Controller::State::enter_all(std::vector<Candidate>& candidates) {
  // Most posts of alerts enter nothing: they wait for nobody, and wake nobody.
  if (std::all_of(candidates.begin(), candidates.end(),
                  [](const Candidate& each) { return each.settled.has_value(); })) {
    return;
  }
  const std::scoped_lock lock(entering);
  std::vector<Operation> accepted;
  ledger.with([&](Ledger& all) {
    for (Candidate& each : candidates) {
      if (!each.settled) {
        each.settled = enter(all, each, accepted);
      }
    }
  });
  const auto recorded = record(accepted);
  for (const Operation& each : accepted) {
    if (recorded) {
      tell(each);
    }
    ledger.with([&](Ledger& all) { recorded ? all.release(each.id) : all.withdraw(each.id); });
  }
  for (Candidate& each : candidates) {
    if (!recorded && *each.settled && is_among(accepted, (*each.settled)->id)) {
      each.settled = tl::unexpected(not_recorded(recorded.error()));
    }
  }
  if (!accepted.empty()) {
    wake_workers();
  }
}

void Controller::State::tell_refused(const std::vector<Candidate>& candidates) {
  std::vector<AuditEntry> entries;
  for (const Candidate& each : candidates) {
    if (each.settled->has_value()) {
      continue;
    }
    const guards::Refusal& refusal = each.settled->error();
    tally.with([&](Tally& counts) { counts.refused(each.command, refusal.reason); });
    if (each.command.source == guards::Source::alert) {
      continue;  // who turned the alert into a command tells of all alerts alike
    }
    log.info("an action was refused", {{"action", std::string(to_string(each.command.action))},
                                       {"process", each.command.target.text()},
                                       {"actor", each.command.actor},
                                       {"reason", std::string(to_string(refusal.reason))}});
    entries.push_back(audit_entry_of(each.command, refusal, clock.system_now()));
  }
  if (around.audit != nullptr) {
    around.audit->record(entries);
  }
}

std::vector<Admission> Controller::State::submit_all(const std::vector<guards::Command>& commands) {
  std::vector<Candidate> candidates;
  candidates.reserve(commands.size());
  for (const guards::Command& each : commands) {
    candidates.push_back(consider(each));
  }
  enter_all(candidates);
  tell_refused(candidates);
  std::vector<Admission> admissions;
  admissions.reserve(candidates.size());
  for (Candidate& each : candidates) {
    admissions.push_back(*std::move(each.settled));
  }
  return admissions;
}

}  // namespace reeve::control
