// How operations are carried out and ended, on the threads of the pool. Each member of a group is
// an operation of its own, in the journal and the audit like any other, so that after a restart of
// the agent each is resumed by itself.

#include <algorithm>
#include <exception>
#include <map>
#include <utility>

#include "base/side_by_side.h"
#include "base/text.h"
#include "control/controller_state.h"
#include "guards/policy.h"
#include "substrate/start_order.h"

namespace reeve::control {

using base::Deadline;
using base::ErrorKind;

namespace {

/// How long a person's action tries to get a slot, and how long an end waits for its release.
constexpr std::chrono::seconds person_patience{1};
constexpr std::chrono::milliseconds release_patience{500};

/// supervisord was asked for something.
bool has_requested(const Operation& operation) {
  return std::any_of(operation.steps.begin(), operation.steps.end(), [](const StepRecord& each) {
    return each.step == OperationStep::stop_requested ||
           each.step == OperationStep::start_requested ||
           each.step == OperationStep::signal_requested || each.step == OperationStep::member;
  });
}

std::string advice_of(const coordination::ClaimResult& claim, const std::string& limit) {
  using coordination::ClaimOutcome;
  switch (claim.outcome) {
    case ClaimOutcome::no_free_slot:
      return "waiting_for_slot: all slots of '" + limit +
             "' are held: " + coordination::describe(claim.holders);
    case ClaimOutcome::no_such_limit:
      return "no_such_limit: there is no limit '" + limit + "'";
    case ClaimOutcome::won:
    case ClaimOutcome::budget_used_up:
    case ClaimOutcome::unreachable:
      break;
  }
  return "coordination_unreachable: " + claim.detail;
}

/// The agent's end interrupted a restart between its stop and its start, or an update likewise: its
/// next run resumes it.
bool is_resumed_by_next_run(const Operation& operation) {
  const bool interrupted = operation.result == OperationResult::abandoned && operation.error &&
                           operation.error->kind == ErrorKind::cancelled;
  const guards::Action action = operation.command.action;
  return interrupted && (action == guards::Action::restart || action == guards::Action::update) &&
         std::any_of(operation.steps.begin(), operation.steps.end(), [](const StepRecord& each) {
           return each.step == OperationStep::stop_requested ||
                  each.step == OperationStep::start_requested;
         });
}

/// For a sentence.
std::string shortened(const std::string& text) {
  constexpr std::size_t max_bytes = 200;
  return text.size() <= max_bytes ? text : base::to_utf8(text.substr(0, max_bytes)) + "…";
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
    base::run_logged(log, "carrying out actions", [&] {
      while (run_next()) {
      }
    });
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
    if (operation->command.action == guards::Action::update) {
      carry_out_update(*std::move(operation));
    } else {
      operation->command.group_order ? carry_out_group(*std::move(operation))
                                     : carry_out(*std::move(operation));
    }
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

tl::expected<guards::Command, guards::Refusal> Controller::State::as_permitted_now(
    guards::Command command) const {
  if (permission_of) {
    auto permission = permission_of(command);
    if (!permission) {
      return tl::unexpected(std::move(permission.error()));
    }
    command.actor_allow = *std::move(permission);
  }
  return command;
}

std::optional<guards::Refusal> Controller::State::recheck_before_acting(
    const guards::Command& command, const guards::ProgramCatalogue::Answer& programs,
    const guards::Observation& observation) {
  if (!observation && !command.trigger) {
    return std::nullopt;  // next_step() reports the failed look
  }
  const auto forbidden = [&]() -> std::optional<guards::Refusal> {
    auto current = as_permitted_now(command);
    return current ? forbid(*current,
                            {deps.snapshot(), deps.own_programs, [&] { return programs; },
                             deps.is_own_process},
                            options.copy())
                   : std::optional(std::move(current.error()));
  };
  auto refusal = forbidden();
  if (refusal || deps.guards == nullptr || !command.trigger) {
    return refusal;
  }
  if (!command.trigger->only_if) {
    return refusal_of(deps.guards->check_and_record(command, observation));
  }
  // Prometheus is waited for: what was permitted and seen before may be no more.
  refusal = ask_only_if(command, observation);
  refusal = refusal ? std::move(refusal) : forbidden();
  if (refusal) {
    return refusal;
  }
  const monitor::Member& member = *member_of(command.target.supervisor);
  const auto seen = member.substrate->get_instance(
      command.target.name,
      Deadline::after(clock, member.call_timeout, drain_requested.get_token()));
  return refusal_of(deps.guards->check_and_record(command, seen));
}

void Controller::State::try_to_claim(Operation& operation) {
  const guards::Command& command = operation.command;
  if (deps.coordinator == nullptr || !deps.limit_of || command.trigger || command.slot) {
    return;
  }
  std::string limit;
  for (const Addressed& each : addressed_by(command)) {
    if (limit = deps.limit_of(each.target); !limit.empty()) {
      break;
    }
  }
  if (limit.empty()) {
    return;
  }
  coordination::ClaimResult claim{.outcome = coordination::ClaimOutcome::unreachable,
                                  .detail = "etcd cannot be asked"};
  if (deps.coordinator->view()->current) {  // else a person would wait for nothing
    claim = deps.coordinator->claim(
        {.limit = limit,
         .holder = {deps.member_name, command.target.text(), operation.id, clock.system_now()},
         .takes_budget = false},
        Deadline::after(clock, person_patience, drain_requested.get_token()));
  }
  if (claim.outcome == coordination::ClaimOutcome::won) {
    operation.command.slot = claim.slot;
  } else {
    operation.advice.push_back(advice_of(claim, limit));
  }
  operations.with([&](OperationTable& table) { table.update(operation); });
}

void Controller::State::end_claim(const Operation& operation) {
  if (deps.coordinator == nullptr || !operation.command.slot || is_resumed_by_next_run(operation)) {
    return;  // what is resumed has its slot as long as the lease lasts
  }
  coordination::Slot slot = *operation.command.slot;
  // Not waited for where etcd is lost, or many end at once: the coordinator does it later.
  const bool waits =
      deps.coordinator->view()->current && operation.result != OperationResult::abandoned;
  const Deadline deadline =
      Deadline::after(clock, waits ? base::Duration(release_patience) : base::Duration::zero(),
                      abort_requested.get_token());
  const bool failed =
      operation.result == OperationResult::failed || operation.result == OperationResult::flapped;
  if (has_requested(operation)) {
    slot.budget_lease = 0;  // spent
  }
  base::Duration hold{0};
  if (failed && has_requested(operation)) {
    const auto view = deps.coordinator->view();
    const auto limit = view->limits.find(slot.limit);
    hold = limit == view->limits.end() ? coordination::Limit{}.hold_failed
                                       : limit->second.limit.hold_failed;
  }
  if (hold > base::Duration::zero()) {
    deps.coordinator->hold(slot, hold, deadline);
  } else {
    deps.coordinator->release(slot, deadline);
  }
}

std::optional<guards::Refusal> Controller::State::ask_only_if(
    const guards::Command& command, const guards::Observation& observation) {
  const auto& query = command.trigger->only_if;
  if (auto refusal = refusal_of(deps.guards->check(command, observation, false))) {
    return refusal;
  }
  const base::Deadline deadline =
      base::Deadline::after(clock, query->timeout, drain_requested.get_token());
  const auto has_result =
      deps.has_result ? deps.has_result(*query, deadline)
                      : base::failure(ErrorKind::not_implemented, "nothing asks Prometheus here");
  if (has_result && *has_result) {
    return std::nullopt;
  }
  if (deadline.cancelled()) {
    return guards::Refusal{guards::Reason::shutting_down,
                           {ErrorKind::cancelled, "the agent shut down before it had acted"}};
  }
  return guards::Refusal{
      guards::Reason::vetoed,
      {ErrorKind::denied, has_result
                              ? "only_if has no result: " + shortened(query->text)
                              : "only_if could not be asked: " + has_result.error().message}};
}

void Controller::State::carry_out(Operation operation) {
  const base::SteadyTime begun = clock.steady_now();
  try_to_claim(operation);
  const ExecutionContext context = context_for(operation);
  finish(run(std::move(operation), context), begun);
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
    entries.reserve(done.size());
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

void Controller::State::finish(const Operation& operation, base::SteadyTime begun) {
  const base::Duration took = clock.steady_now() - begun;
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
      {"process", operation.command.subject()},
      {"actor", operation.command.actor},
      {"result", std::string(to_string(*operation.result))}};
  if (operation.error) {
    fields.push_back({"error", operation.error->message});
    log.warning("an action did not succeed", std::move(fields));
  } else {
    log.info("an action is done", std::move(fields));
  }
  end_claim(operation);
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
  finish(ended(*std::move(operation), OperationResult::failed), clock.steady_now());
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

/// One operation on a group or a batch, and the results of its members so far.
class Controller::State::GroupExecution {
 public:
  GroupExecution(State& controller, Operation group)
      : controller_(controller), group_(std::move(group)) {}

  Operation run();

 private:
  [[nodiscard]] bool rolling() const {
    return group_.command.group_order == guards::GroupOrder::rolling;
  }
  /// Those of one priority together; each alone where they are done one after the other.
  using Targets = std::vector<guards::Target>;
  [[nodiscard]] Targets members() const;
  [[nodiscard]] std::vector<Targets> in_order(const Targets& members) const;
  /// Carries members out side by side, or stops them alone where all are stopped first.
  /// False: no more members.
  bool execute_members(const Targets& targets);
  void start_members(const Targets& targets);
  void add_result(const Operation& member);
  void add_step(OperationStep step, std::string detail);
  void publish();
  void fail(OperationResult result, base::Error error);

  State& controller_;
  Operation group_;
  std::vector<Operation> stopped_;  ///< members whose start is due
};

Operation Controller::State::GroupExecution::run() {
  group_.state = OperationState::running;
  const Targets members = this->members();
  add_step(OperationStep::looked, std::to_string(members.size()) + " processes");
  (void)controller_.record({group_});  // its other steps are in its members' lines
  if (members.empty()) {
    fail(OperationResult::failed,
         {ErrorKind::not_found,
          "the group '" + group_.command.target.name.group + "' is no longer there"});
  }
  auto order = in_order(members);
  const bool stops_first = group_.command.action == guards::Action::stop ||
                           (group_.command.action == guards::Action::restart && !rolling());
  if (stops_first) {
    std::reverse(order.begin(), order.end());
  }
  for (const Targets& targets : order) {
    if (!execute_members(targets)) {
      break;
    }
  }
  std::reverse(order.begin(), order.end());
  for (const Targets& targets : order) {
    start_members(targets);
  }
  group_.steps.push_back({OperationStep::finished, controller_.clock.system_now(), ""});
  return controller_.ended(std::move(group_), group_.result.value_or(OperationResult::succeeded));
}

Controller::State::GroupExecution::Targets Controller::State::GroupExecution::members() const {
  if (!group_.command.batch.empty()) {
    return group_.command.batch;
  }
  Targets members;
  for (const Addressed& each : controller_.addressed_by(group_.command)) {
    members.push_back(each.target);
  }
  return members;
}

std::vector<Controller::State::GroupExecution::Targets> Controller::State::GroupExecution::in_order(
    const Targets& members) const {
  std::map<std::string, guards::ProgramCatalogue::Answer> programs;
  std::vector<substrate::Priority> priorities;
  for (const guards::Target& each : members) {
    auto found = programs.find(each.supervisor);
    if (found == programs.end()) {
      const monitor::Member& member = *controller_.member_of(each.supervisor);
      found = programs.emplace(each.supervisor, controller_.programs_of(member)).first;
    }
    const guards::ProgramCatalogue::Answer& known = found->second;
    priorities.push_back(
        substrate::priorities_of({each.name}, known ? **known : guards::Programs{}).front());
  }
  std::vector<Targets> order;
  for (const auto& places : substrate::start_order(priorities)) {
    for (const std::size_t place : places) {
      if (rolling() || place == places.front()) {
        order.emplace_back();
      }
      order.back().push_back(members[place]);
    }
  }
  return order;
}

bool Controller::State::GroupExecution::execute_members(const Targets& targets) {
  if (controller_.drain_requested.stop_requested()) {
    fail(OperationResult::abandoned, shutting_down().error);
    return false;
  }
  std::vector<Operation> members;
  for (const guards::Target& target : targets) {
    auto member = controller_.begin_member(guards::command_on(group_.command, target));
    if (!member) {
      fail(OperationResult::failed, std::move(member.error()));
      break;
    }
    group_.members.push_back(member->id);
    members.push_back(*std::move(member));
  }
  publish();
  base::side_by_side(members.size(), [&](std::size_t at) {
    ExecutionContext context = controller_.context_for(members[at]);
    context.only_until_stopped = !rolling();
    const base::SteadyTime begun = controller_.clock.steady_now();
    members[at] = control::run(std::move(members[at]), context);
    if (members[at].done()) {
      controller_.finish(members[at], begun);
    }
  });
  bool all_succeeded = members.size() == targets.size();
  for (Operation& member : members) {
    if (!member.done()) {
      stopped_.push_back(std::move(member));
      continue;
    }
    add_result(member);
    all_succeeded = all_succeeded && succeeded(member);
  }
  return members.size() == targets.size() && (all_succeeded || !rolling());
}

void Controller::State::GroupExecution::start_members(const Targets& targets) {
  std::vector<Operation> members;
  for (Operation& each : stopped_) {
    if (std::find(targets.begin(), targets.end(), each.command.target) != targets.end()) {
      members.push_back(each);
    }
  }
  base::side_by_side(members.size(), [&](std::size_t at) {
    const base::SteadyTime begun = controller_.clock.steady_now();
    ExecutionContext context = controller_.context_for(members[at]);
    context.concurrent_final_starts = stopped_.size();
    members[at] = start_stopped(std::move(members[at]), context);
    controller_.finish(members[at], begun);
  });
  for (const Operation& member : members) {
    add_result(member);
  }
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
  publish();
}

void Controller::State::GroupExecution::publish() {
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
    return base::failure(not_recorded(recorded.error()));
  }
  notify_observer(member);
  operations.with([&](OperationTable& table) { table.start_held(member.id); });
  return member;
}

void Controller::State::carry_out_group(Operation operation) {
  const base::SteadyTime begun = clock.steady_now();
  try_to_claim(operation);
  finish(GroupExecution(*this, std::move(operation)).run(), begun);
}

}  // namespace reeve::control
