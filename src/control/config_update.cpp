// Taking over supervisord's changed configuration, group by group, on a thread of the pool: what
// has changed is stopped, removed and added again, as supervisorctl's `update` does it, but each
// step is in the journal, and what was added is looked at until it has started. Each group is an
// operation of its own; the first that fails ends the update.

#include <algorithm>
#include <set>
#include <utility>

#include "control/controller_state.h"
#include "control/next_step.h"
#include "guards/policy.h"

namespace reeve::control {

using base::Deadline;
using base::ErrorKind;
using guards::Reason;
using guards::Refusal;
using substrate::ConfigChanges;
using substrate::InstanceDetail;
using substrate::InstanceState;

namespace {

/// supervisord reads its files, which takes a second or two where there are thousands of programs.
constexpr std::chrono::seconds reread_timeout{30};
constexpr std::chrono::milliseconds look_pause{100};
/// For an answer that tells whether something was done, over all that is asked of one kind.
constexpr std::chrono::minutes answer_patience{1};

bool contains(const std::vector<std::string>& groups, const std::string& group) {
  return std::find(groups.begin(), groups.end(), group) != groups.end();
}

std::vector<std::string> all_of(const ConfigChanges& changes) {
  std::vector<std::string> all = changes.removed;
  all.insert(all.end(), changes.changed.begin(), changes.changed.end());
  all.insert(all.end(), changes.added.begin(), changes.added.end());
  return all;
}

std::optional<Refusal> not_read(const base::Error& error) {
  return Refusal{Reason::unreachable, error, {}};
}

std::optional<Refusal> no_such_group(const std::string& group) {
  return Refusal{
      Reason::no_target, {ErrorKind::not_found, "supervisord has no group '" + group + "'"}, {}};
}

/// Of its group, once supervisord has taken it up.
bool has_settled(const InstanceDetail& process) {
  return process.state != InstanceState::starting && process.state != InstanceState::backoff;
}

}  // namespace

std::optional<Refusal> Controller::State::resolve_update(Candidate& candidate) {
  guards::Command& command = candidate.command;
  const monitor::Member* const member = member_of(command.target.supervisor);
  const auto snapshot = deps.snapshot();
  if (member == nullptr) {
    return Refusal{
        Reason::no_target,
        {ErrorKind::not_found, guards::no_such_supervisor(command.target.supervisor, *snapshot)},
        {}};
  }
  const auto* const supervisor = snapshot->find(command.target.supervisor);
  if (supervisor == nullptr || !supervisor->up || !supervisor->snapshot_at) {
    return not_read({ErrorKind::unreachable,
                     "which processes there are is not known yet: supervisord was not read"});
  }
  // Asked before the files are read: afterwards supervisord tells of the new programs alone.
  const auto programs = programs_of(*member);
  if (!programs) {
    return not_read(programs.error());
  }
  const auto deadline = Deadline::after(clock, reread_timeout, drain_requested.get_token());
  const auto changes = member->administration->reread(deadline);
  if (!changes) {
    return not_read(changes.error());
  }
  const auto next = member->administration->programs(deadline);
  std::set<std::string> missing(command.groups.begin(), command.groups.end());
  for (const std::string& group : all_of(*changes)) {
    if (missing.erase(group) == 0 && !command.groups.empty()) {
      continue;
    }
    auto refusal = refuse_update_of(command, group, **programs, next ? *next : guards::Programs());
    if (refusal && refusal->reason == Reason::own_program && command.groups.empty()) {
      candidate.advice.push_back("self: " + refusal->error.message);
    } else if (refusal) {
      return refusal;
    } else {
      command.batch.push_back({command.target.supervisor, {group, ""}});
    }
  }
  const auto unknown = std::find_if(missing.begin(), missing.end(), [&](const std::string& group) {
    return processes_of({command.target.supervisor, {group, ""}}).empty();
  });
  return unknown == missing.end() ? std::nullopt : no_such_group(*unknown);
}

std::vector<guards::Target> Controller::State::processes_of(const guards::Target& group) const {
  std::vector<guards::Target> targets;
  const auto snapshot = deps.snapshot();
  if (const auto* const supervisor = snapshot->find(group.supervisor)) {
    for (const monitor::ProcessSnapshot& each : supervisor->processes) {
      if (each.detail.name.group == group.name.group) {
        targets.push_back({group.supervisor, each.detail.name});
      }
    }
  }
  return targets;
}

/// Each of its processes must be allowed: those that it has, and those that it will have. Where
/// supervisord does not tell the latter, the whole group must be.
std::optional<Refusal> Controller::State::refuse_update_of(const guards::Command& command,
                                                           const std::string& group,
                                                           const guards::Programs& programs,
                                                           const guards::Programs& next) const {
  const guards::Target whole{command.target.supervisor, {group, ""}};
  std::vector<guards::Target> targets = processes_of(whole);
  for (const guards::Programs* const all : {&programs, &next}) {
    for (const substrate::ProgramConfig& each : *all) {
      if (each.name.group == group) {
        targets.push_back({whole.supervisor, each.name});
      }
    }
  }
  if (next.empty() || targets.empty()) {
    targets.push_back({whole.supervisor, {group, "any other process of " + group}});
  }
  guards::Programs all = programs;
  all.insert(all.end(), next.begin(), next.end());
  const auto known = std::make_shared<const guards::Programs>(std::move(all));
  for (const guards::Target& each : targets) {
    const auto answer = [&]() -> guards::ProgramCatalogue::Answer { return known; };
    if (auto refusal = forbid(command_on(command, each),
                              {deps.snapshot(), deps.own_programs, answer, deps.is_own_process},
                              options.copy())) {
      return refusal;
    }
  }
  return std::nullopt;
}

/// One group's update.
class Controller::State::GroupUpdate {
 public:
  GroupUpdate(State& controller, Operation operation)
      : controller_(controller),
        operation_(std::move(operation)),
        member_(*controller.member_of(operation_.command.target.supervisor)),
        group_(operation_.command.target.name.group) {}

  Operation run(const ConfigChanges& changes);

 private:
  using Done = base::Result<void>;

  [[nodiscard]] Deadline within(base::Duration span) const {
    return Deadline::after(controller_.clock, span, controller_.abort_requested.get_token());
  }
  /// Of the slowest program of the group.
  [[nodiscard]] guards::ActionTimeouts timeouts();
  [[nodiscard]] base::Result<std::vector<InstanceDetail>> processes();
  [[nodiscard]] Done record(OperationStep step, std::string detail);
  [[nodiscard]] Done apply(const ConfigChanges& changes);
  /// Calls until the answer tells whether it was done; it may be carried out twice.
  template <class Call>
  [[nodiscard]] Done insist(const Deadline& patience, Call call);
  [[nodiscard]] Done stop();
  [[nodiscard]] Done remove();
  [[nodiscard]] Done add();
  [[nodiscard]] Done verify();
  /// Looks at the group's processes until all of them are as wanted.
  template <class Wanted>
  [[nodiscard]] base::Result<std::vector<InstanceDetail>> wait_until(base::Duration limit,
                                                                     Wanted wanted);

  State& controller_;
  Operation operation_;
  const monitor::Member& member_;
  const std::string group_;
};

Operation Controller::State::GroupUpdate::run(const ConfigChanges& changes) {
  operation_.state = OperationState::running;
  const Done done = apply(changes);
  operation_.steps.push_back(
      {OperationStep::finished, controller_.clock.system_now(), done ? "" : done.error().message});
  if (done) {
    return controller_.ended(std::move(operation_), OperationResult::succeeded);
  }
  const bool cut_short = done.error().kind == ErrorKind::cancelled;
  operation_.error = done.error();
  return controller_.ended(std::move(operation_),
                           cut_short ? OperationResult::abandoned : OperationResult::failed);
}

Controller::State::GroupUpdate::Done Controller::State::GroupUpdate::apply(
    const ConfigChanges& changes) {
  const bool is_added = contains(changes.added, group_);
  const bool is_changed = contains(changes.changed, group_);
  const bool is_removed = contains(changes.removed, group_);
  if (!is_added && !is_changed && !is_removed) {
    return record(OperationStep::looked, "it is as configured");
  }
  Done done = record(OperationStep::looked, is_added     ? "added"
                                            : is_changed ? "changed"
                                                         : "removed");
  if (done && !is_added) {
    done = stop().and_then([&] { return remove(); });
  }
  if (done && !is_removed) {
    done = add().and_then([&] { return verify(); });
  }
  return done;
}

guards::ActionTimeouts Controller::State::GroupUpdate::timeouts() {
  guards::ActionTimeouts longest;
  const auto programs = controller_.programs_of(member_);
  for (const substrate::ProgramConfig& each : programs ? **programs : guards::Programs()) {
    if (each.name.group == group_) {
      const auto timeouts = guards::timeouts_of(**programs, each.name);
      longest.stop = std::max(longest.stop, timeouts.stop);
      longest.start = std::max(longest.start, timeouts.start);
    }
  }
  return longest;
}

base::Result<std::vector<InstanceDetail>> Controller::State::GroupUpdate::processes() {
  auto listing = member_.substrate->list_instances(within(reread_timeout));
  if (!listing) {
    return base::failure(std::move(listing.error()));
  }
  std::erase_if(listing->instances,
                [&](const InstanceDetail& each) { return each.name.group != group_; });
  return std::move(listing->instances);
}

Controller::State::GroupUpdate::Done Controller::State::GroupUpdate::record(OperationStep step,
                                                                            std::string detail) {
  operation_.steps.push_back({step, controller_.clock.system_now(), std::move(detail)});
  controller_.operations.with([&](OperationTable& table) { table.update(operation_); });
  controller_.notify_observer(operation_);
  return controller_.record({operation_});
}

template <class Wanted>
base::Result<std::vector<InstanceDetail>> Controller::State::GroupUpdate::wait_until(
    base::Duration limit, Wanted wanted) {
  const Deadline deadline = within(limit);
  for (;;) {
    auto seen = processes();
    const bool is_over =
        seen ? std::all_of(seen->begin(), seen->end(), wanted) : !leaves_unknown(seen.error().kind);
    if (is_over || !deadline.wait(look_pause)) {
      return seen;
    }
  }
}

template <class Call>
Controller::State::GroupUpdate::Done Controller::State::GroupUpdate::insist(
    const Deadline& patience, Call call) {
  for (;;) {
    const auto answer = call();
    if (answer) {
      return {};
    }
    if (!leaves_unknown(answer.error().kind) || !patience.wait(look_pause)) {
      return patience.cancelled()
                 ? base::failure(ErrorKind::cancelled, "the agent ends: " + answer.error().message)
                 : base::failure(answer.error());
    }
  }
}

/// All at once, without waiting inside supervisord; then looks until they have stopped.
Controller::State::GroupUpdate::Done Controller::State::GroupUpdate::stop() {
  const auto running = wait_until(answer_patience, [](const InstanceDetail&) { return true; });
  if (!running) {
    return base::failure(running.error());
  }
  if (auto recorded = record(OperationStep::stop_requested, ""); !recorded) {
    return recorded;
  }
  const Deadline patience = within(answer_patience);
  for (const InstanceDetail& each : *running) {
    if (substrate::is_active(each.state)) {
      auto stopped = insist(patience, [&] {
        return member_.substrate->stop_instance(each.name, substrate::StopMode::force,
                                                within(member_.call_timeout));
      });
      if (!stopped) {
        return stopped;
      }
      operation_.changed = true;
    }
  }
  const auto is_stopped = [](const InstanceDetail& each) {
    return !substrate::is_active(each.state);
  };
  const auto seen = wait_until(timeouts().stop, is_stopped);
  if (!seen) {
    return base::failure(seen.error());
  }
  if (!std::all_of(seen->begin(), seen->end(), is_stopped)) {
    return base::failure(ErrorKind::timeout, "the processes of '" + group_ + "' do not stop");
  }
  return record(OperationStep::stopped, "seen");
}

Controller::State::GroupUpdate::Done Controller::State::GroupUpdate::remove() {
  const auto remove_once = [&]() -> Done {
    auto removed = member_.administration->remove_group(group_, within(member_.call_timeout));
    const bool is_gone = removed || removed.error().kind == ErrorKind::not_found;
    return is_gone ? Done() : removed;
  };
  return insist(within(answer_patience), remove_once).and_then([&] {
    operation_.changed = true;
    return record(OperationStep::group_removed, "");
  });
}

Controller::State::GroupUpdate::Done Controller::State::GroupUpdate::add() {
  (void)record(OperationStep::start_requested, "");  // what was removed must not stay so
  const auto add_once = [&] {
    return member_.administration->add_group(group_, within(member_.call_timeout));
  };
  return insist(within(answer_patience), add_once).and_then([&] {
    operation_.changed = true;
    return record(OperationStep::group_added, "");
  });
}

/// Its processes have started, as far as they start by themselves.
Controller::State::GroupUpdate::Done Controller::State::GroupUpdate::verify() {
  const auto seen = wait_until(timeouts().start, has_settled);
  if (!seen) {
    return base::failure(seen.error());
  }
  for (const InstanceDetail& each : *seen) {
    if (!has_settled(each) || each.state == InstanceState::fatal ||
        each.state == InstanceState::unknown) {
      return base::failure(ErrorKind::spawn_failed,
                           "'" + each.name.full() + "' is " + std::string(to_string(each.state)) +
                               (each.spawn_error.empty() ? "" : ": " + each.spawn_error));
    }
  }
  return record(OperationStep::started, std::to_string(seen->size()) + " processes");
}

/// The update as a whole.
class Controller::State::UpdateExecution {
 public:
  UpdateExecution(State& controller, Operation update)
      : controller_(controller), update_(std::move(update)) {}

  Operation run();

 private:
  [[nodiscard]] base::Result<ConfigChanges> reread();
  /// The files may have changed since the update was accepted.
  [[nodiscard]] std::optional<Refusal> recheck(const std::string& group);
  [[nodiscard]] base::Result<void> update_group(const guards::Target& group,
                                                const ConfigChanges& changes);
  void add_step(OperationStep step, std::string detail);

  State& controller_;
  Operation update_;
  guards::Programs next_;  ///< as the changed files have them
};

void Controller::State::UpdateExecution::add_step(OperationStep step, std::string detail) {
  update_.steps.push_back({step, controller_.clock.system_now(), std::move(detail)});
  controller_.operations.with([&](OperationTable& table) { table.update(update_); });
  controller_.notify_observer(update_);
}

base::Result<ConfigChanges> Controller::State::UpdateExecution::reread() {
  if (update_.command.batch.empty()) {
    return ConfigChanges();
  }
  const monitor::Member& member = *controller_.member_of(update_.command.target.supervisor);
  const auto deadline =
      Deadline::after(controller_.clock, reread_timeout, controller_.abort_requested.get_token());
  auto changes = member.administration->reread(deadline);
  if (changes) {
    const auto programs = member.administration->programs(deadline);
    next_ = programs ? *programs : guards::Programs();
  }
  return changes;
}

std::optional<Refusal> Controller::State::UpdateExecution::recheck(const std::string& group) {
  const auto known = controller_.catalogue.known(update_.command.target.supervisor);
  const auto current = controller_.as_permitted_now(update_.command);
  return current ? controller_.refuse_update_of(*current, group, *known, next_)
                 : std::optional(current.error());
}

base::Result<void> Controller::State::UpdateExecution::update_group(const guards::Target& group,
                                                                    const ConfigChanges& changes) {
  if (controller_.drain_requested.stop_requested()) {
    return base::failure(shutting_down().error);
  }
  if (auto refusal = recheck(group.name.group)) {
    return base::failure(std::move(refusal->error));
  }
  auto member = controller_.begin_member(command_on(update_.command, group));
  if (!member) {
    return base::failure(std::move(member.error()));
  }
  update_.members.push_back(member->id);
  const base::SteadyTime begun = controller_.clock.steady_now();
  const Operation done = GroupUpdate(controller_, *std::move(member)).run(changes);
  controller_.finish(done, begun);
  update_.changed = update_.changed.value_or(false) || done.changed.value_or(false);
  add_step(OperationStep::member,
           group.text() + " " + std::string(to_string(*done.result)) + ", operation " + done.id);
  return done.error ? base::Result<void>(base::failure(*done.error)) : base::Result<void>();
}

Operation Controller::State::UpdateExecution::run() {
  update_.state = OperationState::running;
  add_step(OperationStep::looked, std::to_string(update_.command.batch.size()) + " groups");
  (void)controller_.record({update_});  // its other steps are in its members' lines
  const auto changes = reread();
  base::Result<void> done;
  if (!changes) {
    done = base::failure(changes.error());
  }
  for (const guards::Target& group : update_.command.batch) {
    if (!done) {
      break;
    }
    done = update_group(group, *changes);
  }
  update_.steps.push_back({OperationStep::finished, controller_.clock.system_now(), ""});
  if (done) {
    return controller_.ended(std::move(update_), OperationResult::succeeded);
  }
  const ErrorKind kind = done.error().kind;
  update_.error = std::move(done.error());
  const bool cut_short = kind == ErrorKind::cancelled || kind == ErrorKind::shutting_down;
  return controller_.ended(std::move(update_),
                           cut_short ? OperationResult::abandoned : OperationResult::failed);
}

void Controller::State::carry_out_update(Operation operation) {
  const base::SteadyTime begun = clock.steady_now();
  finish(UpdateExecution(*this, std::move(operation)).run(), begun);
}

// Whether it may is not asked again: what it has stopped must not stay so.
bool Controller::State::resume_update(Operation operation) {
  const base::SteadyTime begun = clock.steady_now();
  const monitor::Member* const member = member_of(operation.command.target.supervisor);
  const bool acted = std::any_of(
      operation.steps.begin(), operation.steps.end(),
      [](const StepRecord& each) { return each.step == OperationStep::stop_requested; });
  const auto inputs = resumption_inputs(operation.command.target);
  if (member == nullptr || !acted || is_too_old(operation, inputs) || inputs.maintenance) {
    abandon(std::move(operation), "run the update again to see what it has left");
    return true;
  }
  const auto changes = member->administration->reread(
      Deadline::after(clock, reread_timeout, drain_requested.get_token()));
  if (!changes) {
    operations.with([&](OperationTable& table) { table.put_back(operation.id); });
    return false;
  }
  operation.steps.push_back({OperationStep::resumed, clock.system_now(), ""});
  finish(GroupUpdate(*this, std::move(operation)).run(*changes), begun);
  return true;
}

}  // namespace reeve::control
