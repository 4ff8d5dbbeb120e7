// How an operation is carried out and ended, on the threads of the pool.

#include <algorithm>
#include <exception>
#include <utility>

#include "control/audit_entry.h"
#include "control/controller_state.h"
#include "guards/policy.h"

namespace reeve::control {

using base::ErrorKind;

namespace {

/// A restart that the agent's end cuts off between its stop and its start is left to the next run.
bool is_left_to_the_next_run(const Operation& operation) {
  const bool cut_off = operation.result == OperationResult::abandoned && operation.error &&
                       operation.error->kind == ErrorKind::cancelled;
  return cut_off && operation.command.action == guards::Action::restart &&
         std::any_of(operation.steps.begin(), operation.steps.end(), [](const OperationStep& each) {
           return each.step == Step::stop_requested || each.step == Step::start_requested;
         });
}

}  // namespace

void Controller::State::work(base::Wakeup& wakeup) {
  constexpr std::chrono::hours idle_wait{1};
  /// What an earlier run left half done waits for its supervisord to come back.
  constexpr std::chrono::seconds recovery_wait{1};
  const std::stop_token stop = hurry.get_token();
  while (!stop.stop_requested()) {
    try {
      while (run_next()) {
      }
    } catch (const std::exception& caught) {
      log.error("an action's end could not be told", {{"error", caught.what()}});
    }
    const bool recovers = ledger.with([](const Ledger& all) { return !all.cut_off().empty(); });
    const base::Duration wait = recovers ? base::Duration(recovery_wait) : idle_wait;
    (void)wakeup.wait_until(clock.steady_now() + wait, stop);
  }
}

bool Controller::State::run_next() {
  std::vector<std::string> going_on;
  for (const Operation& each : ledger.with([](const Ledger& all) { return all.cut_off(); })) {
    if (may_go_on(each)) {
      going_on.push_back(each.id);
    }
  }
  auto operation = ledger.with([&](Ledger& all) { return all.take(going_on); });
  if (!operation) {
    return false;
  }
  const std::string id = operation->id;
  try {
    if (operation->state != OperationState::queued) {
      return go_on(*std::move(operation));
    }
    operation->command.whole_group ? carry_out_group(*std::move(operation))
                                   : carry_out(*std::move(operation));
  } catch (const std::exception& caught) {
    log.error("an action was broken off", {{"operation", id}, {"error", caught.what()}});
    break_off(id);
  }
  return true;
}

Errand Controller::State::errand_for(const Operation& operation) {
  const guards::Command command = operation.command;
  const monitor::Member& member = *member_of(command.target.supervisor);
  auto programs = programs_of(member);
  return {
      .member = member,
      .spans = programs ? guards::spans_of(**programs, command.target.name) : guards::Spans{},
      .clock = &clock,
      .hurry = hurry.get_token(),
      .now = now.get_token(),
      .record =
          [this](const Operation& so_far) {
            ledger.with([&](Ledger& all) { all.update(so_far); });
            tell(so_far);
            return record({so_far});
          },
      .object = [this, command,
                 programs](const Seen& seen) { return object_late(command, programs, seen); },
  };
}

std::optional<guards::Refusal> Controller::State::object_late(
    const guards::Command& command, const guards::ProgramCatalogue::Answer& programs,
    const Seen& seen) {
  if (!seen && !command.trigger) {
    return std::nullopt;  // that it cannot be seen is answer enough
  }
  auto refusal =
      forbid(command, {nullptr, around.own_programs, [&] { return programs; }}, options.copy());
  if (refusal || around.guards == nullptr || !command.trigger) {
    return refusal;
  }
  return refusal_of(around.guards->spend(command, {seen}));
}

void Controller::State::carry_out(Operation operation) {
  const base::SteadyTime begun = clock.steady_now();
  const Errand errand = errand_for(operation);
  finish(run(std::move(operation), errand), clock.steady_now() - begun);
}

base::Result<void> Controller::State::record(const std::vector<Operation>& operations) const {
  return around.journal == nullptr || operations.empty() ? base::Result<void>()
                                                         : around.journal->record(operations);
}

void Controller::State::record_ends(std::vector<Operation> operations) {
  if (around.journal != nullptr) {
    std::erase_if(operations, is_left_to_the_next_run);
  }
  if (around.audit != nullptr) {
    std::vector<AuditEntry> entries;
    for (const Operation& each : operations) {
      entries.push_back(audit_entry_of(each));
    }
    around.audit->record(entries);
  }
  if (const auto recorded = record(operations); !recorded) {
    for (const Operation& each : operations) {
      log.error("an action's end cannot be recorded",
                {{"operation", each.id}, {"error", recorded.error().message}});
    }
  }
}

void Controller::State::finish(const Operation& operation, base::Duration took) {
  record_ends({operation});
  tell_end(operation, took);
}

void Controller::State::tell_end(const Operation& operation, base::Duration took) {
  if (!operation.command.whole_group) {  // its members are counted
    tally.with([&](Tally& counts) { counts.finished(operation, took); });
  }
  const auto callbacks = ledger.with([&](Ledger& all) { return all.finish(operation); });
  std::vector<base::LogField> fields = {
      {"operation", operation.id},
      {"action", std::string(to_string(operation.command.action))},
      {"process", operation.command.target.text()},
      {"actor", operation.command.actor},
      {"result", std::string(to_string(*operation.result))}};
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

void Controller::State::abandon_queued(const base::Error& why) {
  std::vector<Operation> abandoned;
  while (auto queued = ledger.with([](Ledger& all) { return all.take_queued(); })) {
    queued->error = why;
    abandoned.push_back(ended(*std::move(queued), OperationResult::abandoned));
  }
  // Together: a thousand of them one after the other would take a slow disk a minute.
  record_ends(abandoned);
  for (const Operation& each : abandoned) {
    tell_end(each, base::Duration::zero());
  }
}

void Controller::State::tell(const Operation& operation) const {
  if (observer) {
    observer(operation);
  }
}

void Controller::State::wake_workers() {
  for (base::Wakeup& each : wakeups) {
    each.nudge();
  }
}

}  // namespace reeve::control
