#include "monitor/model_supervisord.h"

#include <utility>

namespace reeve::tests {

using events::RunEnd;
using substrate::InstanceName;
using substrate::InstanceState;
using substrate::ManagerTime;

namespace {

ManagerTime at(int seconds) {
  return ManagerTime(std::chrono::seconds(seconds));
}

}  // namespace

ModelSupervisord::ModelSupervisord(unsigned seed, const Habits& habits)
    : dice_(seed), habits_(habits) {
  std::vector<InstanceName> names = {{"a", "a"}, {"b", "b"}, {"c", "c"}, {"d", "d"}};
  if (habits.namesakes) {
    names.push_back({"x", "same"});
    names.push_back({"y", "same"});
  }
  for (const InstanceName& name : names) {
    processes_[name].detail.name = name;
    processes_[name].detail.state = InstanceState::stopped;
    truth_[name] = {};
  }
}

void ModelSupervisord::step() {
  now_ += one_in(4) ? 1 : 0;
  if (habits_.dies && one_in(400)) {
    die();
    return;
  }
  auto chosen = std::next(truth_.begin(), static_cast<int>(dice_() % truth_.size()));
  if (habits_.by_hand && one_in(30)) {
    remove_or_add(chosen->first);
  } else if (const auto found = processes_.find(chosen->first); found != processes_.end()) {
    step(found->second);
  }
}

void ModelSupervisord::step(Process& process) {
  switch (process.detail.state) {
    case InstanceState::stopped:
    case InstanceState::fatal:
      if (habits_.by_hand || !process.started_once) {
        spawn(process);
      }
      break;
    case InstanceState::exited:
      if (!habits_.by_hand || !one_in(3)) {
        spawn(process);
      }
      break;
    case InstanceState::starting:
      if (habits_.by_hand && one_in(6)) {
        enter(process, InstanceState::stopping);
      } else if (one_in(3)) {
        exit(process, false);
      } else {
        log(events::EnteredRunning{process.detail.name.name});
        enter(process, InstanceState::running);
      }
      break;
    case InstanceState::running:
      if (habits_.by_hand && one_in(4)) {
        enter(process, InstanceState::stopping);
      } else {
        exit(process, true);
      }
      break;
    case InstanceState::backoff:
      if (habits_.by_hand && one_in(5)) {
        enter(process, InstanceState::stopped);
      } else if (habits_.by_hand && one_in(5)) {
        log(events::GaveUp{process.detail.name.name});
        enter(process, InstanceState::fatal);
      } else {
        spawn(process);
      }
      break;
    case InstanceState::stopping: {
      const RunEnd how{std::nullopt, 15};
      log(events::Stopped{process.detail.name.name, how});
      enter(process, InstanceState::stopped);
      end(process, how);
      break;
    }
    case InstanceState::unknown:
      break;
  }
}

void ModelSupervisord::spawn(Process& process) {
  process.started_once = true;
  process.detail.exit_status.reset();
  process.detail.spawn_error.clear();
  process.detail.start_time = at(now_);
  enter(process, InstanceState::starting);
  if (one_in(8)) {
    const bool named = !habits_.nameless_lines || one_in(2);
    log(events::SpawnError{"cannot",
                           named ? std::optional(process.detail.name.name) : std::nullopt});
    process.detail.spawn_error = "cannot";
    enter(process, InstanceState::backoff);
    return;
  }
  process.detail.pid = substrate::Pid{++last_pid_};
  log(events::Spawned{process.detail.name.name, *process.detail.pid});
}

void ModelSupervisord::exit(Process& process, bool ran) {
  const bool expected = ran && one_in(3);
  const int status = static_cast<int>(dice_() % 100) + 1;
  const RunEnd how =
      one_in(3) ? RunEnd{std::nullopt, 9} : RunEnd{expected ? 0 : status, std::nullopt};
  const bool as_expected = expected && !how.signal;
  log(events::Exited{process.detail.name.name, how, as_expected});
  enter(process, ran ? InstanceState::exited : InstanceState::backoff, as_expected);
  process.detail.spawn_error = as_expected ? "" : "Bad exit code";
  end(process, how);
  if (!ran) {
    process.detail.exit_status.reset();
  }
}

void ModelSupervisord::enter(Process& process, InstanceState to, bool expected) {
  events::StateChange change;
  change.name = process.detail.name;
  change.from = process.detail.state;
  change.to = to;
  if (to == InstanceState::exited) {
    change.expected = expected;
  }
  if (to != InstanceState::starting) {
    change.pid = process.detail.pid;
  }
  Truth& truth = truth_[process.detail.name];
  monitor::count(truth.counts, {change.from, to, expected});
  truth.state = process.detail.state = to;
  events_.emplace_back(change);
}

void ModelSupervisord::end(Process& process, const RunEnd& how) {
  process.detail.pid.reset();
  // No two in one second, where a look cannot tell which it was.
  process.detail.stop_time = at(++now_);
  process.detail.exit_status = how.signal ? -1 : how.exit_status;
  truth_[process.detail.name].last_end = how;
}

void ModelSupervisord::remove_or_add(const InstanceName& name) {
  const auto found = processes_.find(name);
  const bool there = found != processes_.end();
  if (there && found->second.detail.state != InstanceState::stopped &&
      found->second.detail.state != InstanceState::exited &&
      found->second.detail.state != InstanceState::fatal) {
    return;
  }
  if (there) {
    processes_.erase(found);
  } else {
    processes_[name].detail.name = name;
    processes_[name].detail.state = InstanceState::stopped;
  }
  truth_[name].there = !there;
  truth_[name].state = InstanceState::stopped;
  events_.emplace_back(events::GroupChange{
      there ? events::GroupChange::Kind::removed : events::GroupChange::Kind::added, name.group});
}

void ModelSupervisord::die() {
  died_ = true;
  log(events::ManagerStarted{substrate::Pid{1}});
  for (auto& [name, process] : processes_) {
    if (process.detail.pid) {
      truth_[name].last_end.reset();
    }
    process = {};
    process.detail.name = name;
    process.detail.state = InstanceState::stopped;
    truth_[name].state = InstanceState::stopped;
  }
}

std::vector<substrate::InstanceDetail> ModelSupervisord::list() const {
  std::vector<substrate::InstanceDetail> all;
  for (const auto& [name, process] : processes_) {
    all.push_back(process.detail);
    all.back().now = at(now_);
  }
  return all;
}

}  // namespace reeve::tests
