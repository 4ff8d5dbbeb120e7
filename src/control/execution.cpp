// How operations are carried out and ended, on the threads of the pool. Each member of a group is
// an operation of its own, in the journal and the audit like any other, so that after a restart of
// the agent each is resumed by itself.

#include <algorithm>
#include <exception>
#include <utility>

#include "control/controller_state.h"
#include "guards/policy.h"

namespace reeve::control {

using base::ErrorKind;

namespace {

/// The agent's end interrupted a restart between its stop and its start: its next run resumes it.
bool is_resumed_by_next_run(const Operation& operation) {
  const bool interrupted = operation.result == OperationResult::abandoned && operation.error &&
                           operation.error->kind == ErrorKind::cancelled;
  return interrupted && operation.command.action == guards::Action::restart &&
         std::any_of(operation.steps.begin(), operation.steps.end(), [](const StepRecord& each) {
           return each.step == OperationStep::stop_requested ||
                  each.step == OperationStep::start_requested;
         });
}

guards::Command command_for(const guards::Command& group, const substrate::InstanceName& name) {
  guards::Command command = group;
  command.group_order.reset();
  command.idempotency_key.clear();  // it is the group's
  command.target.name = name;
  return command;
}

bool succeeded(const Operation& member) {
  return member.result == OperationResult::succeeded;
}

}  // namespace

void Controller::State::work(base::Wakeup& wakeup) {
  constexpr std::chrono::hours idle_wait{1};
  /// Interrupted operations wait for their supervisord.
  constexpr std::chrono::seconds recovery_wait{1};
  const std::stop_token stop = drain_requested.get_token();
  while (!stop.stop_requested()) {
    try {
      while (run_next()) {
      }
    } catch (const std::exception& caught) {
      log.error("an observer of an action's end failed", {{"error", caught.what()}});
    }
    const bool recovers =
        operations.with([](const OperationTable& table) { return !table.interrupted().empty(); });
    const base::Duration wait = recovers ? base::Duration(recovery_wait) : idle_wait;
    (void)wakeup.wait_until(clock.steady_now() + wait, stop);
  }
}

bool Controller::State::run_next() {
  std::vector<std::string> resumable;
  for (const Operation& each :
       operations.with([](const OperationTable& table) { return table.interrupted(); })) {
    if (may_resume(each)) {
      resumable.push_back(each.id);
    }
  }
  auto operation = operations.with([&](OperationTable& table) { return table.take(resumable); });
  if (!operation) {
    return false;
  }
  const std::string id = operation->id;
  try {
    if (operation->state != OperationState::queued) {
      return resume(*std::move(operation));
    }
    operation->command.group_order ? carry_out_group(*std::move(operation))
                                   : carry_out(*std::move(operation));
  } catch (const std::exception& caught) {
    log.error("an action failed unexpectedly", {{"operation", id}, {"error", caught.what()}});
    fail_operation(id);
  }
  return true;
}

ExecutionContext Controller::State::context_for(const Operation& operation) {
  const guards::Command command = operation.command;
  const monitor::Member& member = *member_of(command.target.supervisor);
  auto programs = programs_of(member);
  return {
      .member = member,
      .timeouts = programs ? guards::timeouts_of(**programs, command.target.name)
                           : guards::ActionTimeouts{},
      .clock = &clock,
      .drain_requested = drain_requested.get_token(),
      .abort_requested = abort_requested.get_token(),
      .record =
          [this](const Operation& so_far) {
            operations.with([&](OperationTable& table) { table.update(so_far); });
            notify_observer(so_far);
            return record({so_far});
          },
      .recheck =
          [this, command, programs](const guards::Observation& observation) {
            return recheck_before_acting(command, programs, observation);
          },
  };
}

std::optional<guards::Refusal> Controller::State::recheck_before_acting(
    const guards::Command& command, const guards::ProgramCatalogue::Answer& programs,
    const guards::Observation& observation) {
  if (!observation && !command.trigger) {
    return std::nullopt;  // next_step() reports the failed look
  }
  auto refusal =
      forbid(command, {nullptr, deps.own_programs, [&] { return programs; }}, options.copy());
  if (refusal || deps.guards == nullptr || !command.trigger) {
    return refusal;
  }
  return refusal_of(deps.guards->check_and_record(command, observation));
}

void Controller::State::carry_out(Operation operation) {
  const base::SteadyTime begun = clock.steady_now();
  const ExecutionContext context = context_for(operation);
  finish(run(std::move(operation), context), clock.steady_now() - begun);
}

base::Result<void> Controller::State::record(const std::vector<Operation>& changed) const {
  return deps.journal == nullptr || changed.empty() ? base::Result<void>()
                                                    : deps.journal->record(changed);
}

void Controller::State::record_ends(std::vector<Operation> done) {
  if (deps.journal != nullptr) {
    std::erase_if(done, is_resumed_by_next_run);
  }
  if (deps.audit != nullptr) {
    std::vector<AuditEntry> entries;
    for (const Operation& each : done) {
      entries.push_back(audit_entry_of(each));
    }
    deps.audit->record(entries);
  }
  if (const auto recorded = record(done); !recorded) {
    for (const Operation& each : done) {
      log.error("an action's end cannot be recorded",
                {{"operation", each.id}, {"error", recorded.error().message}});
    }
  }
}

void Controller::State::finish(const Operation& operation, base::Duration took) {
  record_ends({operation});
  publish_end(operation, took);
}

void Controller::State::publish_end(const Operation& operation, base::Duration took) {
  if (!operation.command.group_order) {  // its members are counted
    recorder.with([&](StatsRecorder& all) { all.record_finished(operation, took); });
  }
  const auto waiters =
      operations.with([&](OperationTable& table) { return table.finish(operation); });
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
  // The observers come last: they may throw.
  wake_workers();
  notify_observer(operation);
  deps.nudge(operation.command.target.supervisor);
  for (const OperationObserver& waiter : waiters) {
    waiter(operation);
  }
}

void Controller::State::fail_operation(const std::string& id) {
  auto operation = operations.with([&](const OperationTable& table) { return table.find(id); });
  if (!operation || operation->done()) {
    return;  // an observer of its end threw
  }
  operation->error = {ErrorKind::internal,
                      "the action failed unexpectedly: the agent's log says why"};
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
  while (auto queued = operations.with([](OperationTable& table) { return table.take_queued(); })) {
    queued->error = why;
    abandoned.push_back(ended(*std::move(queued), OperationResult::abandoned));
  }
  // Together: a thousand single writes would take a slow disk a minute.
  record_ends(abandoned);
  for (const Operation& each : abandoned) {
    publish_end(each, base::Duration::zero());
  }
}

void Controller::State::notify_observer(const Operation& operation) const {
  if (observer) {
    observer(operation);
  }
}

void Controller::State::wake_workers() {
  for (base::Wakeup& each : wakeups) {
    each.nudge();
  }
}

/// One operation on a group, and the results of its members so far.
class Controller::State::GroupExecution {
 public:
  GroupExecution(State& controller, Operation group)
      : controller_(controller), group_(std::move(group)) {}

  Operation run();

 private:
  [[nodiscard]] bool rolling() const {
    return group_.command.group_order == guards::GroupOrder::rolling;
  }
  /// Carries a member out, or stops it alone where all are stopped first.
  /// False: no more members.
  bool execute_member(const substrate::InstanceName& name);
  void start_member(Operation member);
  void add_result(const Operation& member);
  void add_step(OperationStep step, std::string detail);
  void fail(OperationResult result, base::Error error);

  State& controller_;
  Operation group_;
  std::vector<Operation> stopped_;  ///< members whose start is due
};

Operation Controller::State::GroupExecution::run() {
  group_.state = OperationState::running;
  const auto members = guards::addressed_by(group_.command, *controller_.deps.snapshot());
  add_step(OperationStep::looked, std::to_string(members.size()) + " processes");
  (void)controller_.record({group_});  // its other steps are in its members' lines
  if (members.empty()) {
    fail(OperationResult::failed,
         {ErrorKind::not_found,
          "the group '" + group_.command.target.name.group + "' is no longer there"});
  }
  for (const substrate::InstanceDetail& each : members) {
    if (!execute_member(each.name)) {
      break;
    }
  }
  for (Operation& member : stopped_) {
    start_member(std::move(member));
  }
  group_.steps.push_back({OperationStep::finished, controller_.clock.system_now(), ""});
  return controller_.ended(std::move(group_), group_.result.value_or(OperationResult::succeeded));
}

bool Controller::State::GroupExecution::execute_member(const substrate::InstanceName& name) {
  if (controller_.drain_requested.stop_requested()) {
    fail(OperationResult::abandoned, shutting_down().error);
    return false;
  }
  const guards::Command command = command_for(group_.command, name);
  auto member = controller_.begin_member(command);
  if (!member) {
    fail(OperationResult::failed, std::move(member.error()));
    return false;
  }
  ExecutionContext context = controller_.context_for(*member);
  context.only_until_stopped = !rolling();
  const base::SteadyTime begun = controller_.clock.steady_now();
  Operation so_far = control::run(*std::move(member), context);
  if (!so_far.done()) {
    stopped_.push_back(std::move(so_far));
    return true;
  }
  controller_.finish(so_far, controller_.clock.steady_now() - begun);
  add_result(so_far);
  return succeeded(so_far) || !rolling();
}

void Controller::State::GroupExecution::start_member(Operation member) {
  const base::SteadyTime begun = controller_.clock.steady_now();
  ExecutionContext context = controller_.context_for(member);
  context.concurrent_final_starts = stopped_.size();
  const Operation done = start_stopped(std::move(member), context);
  controller_.finish(done, controller_.clock.steady_now() - begun);
  add_result(done);
}

void Controller::State::GroupExecution::add_result(const Operation& member) {
  group_.changed = group_.changed.value_or(false) || member.changed.value_or(false);
  add_step(OperationStep::member, member.command.target.name.full() + " " +
                                      std::string(to_string(*member.result)) + ", operation " +
                                      member.id);
  if (!succeeded(member)) {
    const std::string why = member.error ? ": " + member.error->message : "";
    fail(*member.result, {member.error ? member.error->kind : ErrorKind::internal,
                          "'" + member.command.target.name.full() + "' " +
                              std::string(to_string(*member.result)) + why,
                          member.error ? member.error->fault : std::nullopt});
  }
}

void Controller::State::GroupExecution::add_step(OperationStep step, std::string detail) {
  group_.steps.push_back({step, controller_.clock.system_now(), std::move(detail)});
  controller_.operations.with([&](OperationTable& table) { table.update(group_); });
  controller_.notify_observer(group_);
}

void Controller::State::GroupExecution::fail(OperationResult result, base::Error error) {
  if (!group_.error) {  // later errors may follow from the first
    group_.result = result;
    group_.error = std::move(error);
  }
}

base::Result<Operation> Controller::State::begin_member(const guards::Command& command) {
  const Operation member = operations.with(
      [&](OperationTable& table) { return table.add(command, clock.system_now()); });
  const auto recorded = record({member});
  if (!recorded) {
    operations.with([&](OperationTable& table) { table.withdraw(member.id); });
    return base::failure(recorded.error());
  }
  notify_observer(member);
  operations.with([&](OperationTable& table) { table.start_held(member.id); });
  return member;
}

void Controller::State::carry_out_group(Operation operation) {
  const base::SteadyTime begun = clock.steady_now();
  finish(GroupExecution(*this, std::move(operation)).run(), clock.steady_now() - begun);
}

}  // namespace reeve::control
