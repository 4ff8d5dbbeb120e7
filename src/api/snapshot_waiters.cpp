#include "api/snapshot_waiters.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace reeve::api {
namespace {

using control::Operation;
using guards::Action;
using substrate::InstanceDetail;
using substrate::InstanceState;

bool is_settled(InstanceState state) {
  return state != InstanceState::starting && state != InstanceState::stopping;
}

/// A later run than the operation's shows it too: another client or supervisord started that since.
bool shows_run(const InstanceDetail& seen, const substrate::Incarnation& run) {
  return seen.start_time > run.start || (seen.incarnation() == run && is_settled(seen.state));
}

bool shows_stop(const InstanceDetail& seen, const Operation& operation) {
  const auto run = seen.incarnation();
  const bool is_group = operation.command.group_order.has_value();
  return !substrate::is_active(seen.state) ||
         (!is_group && run && run != operation.incarnation_before);
}

bool shows(const monitor::SupervisorSnapshot& supervisor, const InstanceDetail& seen,
           const Operation& operation) {
  if (operation.command.action == Action::stop) {
    return shows_stop(seen, operation);
  }
  if (operation.incarnation_after) {
    return shows_run(seen, *operation.incarnation_after);
  }
  // A group: its operation names no run.
  return is_settled(seen.state) && supervisor.snapshot_at > operation.finished_at;
}

bool shows(const monitor::SupervisorSnapshot& supervisor, const guards::Target& target,
           const Operation& operation) {
  if (operation.command.action == Action::update &&
      supervisor.snapshot_at <= operation.finished_at) {
    return false;  // what was added is in none before
  }
  return std::all_of(supervisor.processes.begin(), supervisor.processes.end(),
                     [&](const monitor::ProcessSnapshot& each) {
                       return !guards::overlap({supervisor.name, each.detail.name}, target) ||
                              shows(supervisor, each.detail, operation);
                     });
}

bool has_visible_effect(const Operation& operation) {
  const guards::Command& command = operation.command;
  return operation.result == control::OperationResult::succeeded &&
         operation.changed.value_or(false) && !command.dry_run &&
         command.action != Action::signal &&
         (command.action != Action::stop || command.stop_mode == substrate::StopMode::graceful);
}

}  // namespace

bool shows(const monitor::Snapshot& snapshot, const Operation& operation) {
  if (!has_visible_effect(operation)) {
    return true;
  }
  const auto targets = operation.command.targets();
  return std::all_of(targets.begin(), targets.end(), [&](const guards::Target& target) {
    const monitor::SupervisorSnapshot* const supervisor = snapshot.find(target.supervisor);
    return supervisor == nullptr || !supervisor->up || shows(*supervisor, target, operation);
  });
}

void SnapshotWaiters::add(const Operation& operation, std::function<void()> on_shown) {
  const base::SteadyTime until = clock_.steady_now() + max_wait;
  waiters_.with([&](auto& waiters) { waiters.push_back({operation, std::move(on_shown), until}); });
}

void SnapshotWaiters::publish(const monitor::Snapshot& snapshot) {
  const base::SteadyTime now = clock_.steady_now();
  const auto shown = waiters_.with([&](std::vector<Waiter>& waiters) {
    std::erase_if(waiters, [&](const Waiter& each) { return each.until < now; });
    const auto first = std::partition(waiters.begin(), waiters.end(), [&](const Waiter& each) {
      return !shows(snapshot, each.operation);
    });
    std::vector<Waiter> ready(std::make_move_iterator(first),
                              std::make_move_iterator(waiters.end()));
    waiters.erase(first, waiters.end());
    return ready;
  });
  for (const Waiter& each : shown) {
    each.on_shown();
  }
}

}  // namespace reeve::api
