#include "support/fake_supervisor.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <set>

namespace reeve::tests {
namespace {

using std::chrono::seconds;
using substrate::InstanceState;

// supervisord notices a death and restarts at the turns of a loop of one second.
constexpr seconds loop_turn{1};

substrate::ManagerTime manager_time(base::SystemTime time) {
  return std::chrono::floor<seconds>(time);
}

FakeMoment moment_at(base::SteadyTime time, const FakeMoment& now) {
  return {time, now.system - (now.steady - time)};
}

}  // namespace

FakeProcess::FakeProcess(FakeProgram configured, base::SteadyTime created)
    : program(std::move(configured)), spawned_at_(created) {}

std::optional<base::SteadyTime> FakeProcess::due() const {
  switch (state_) {
    case InstanceState::starting: {
      const base::SteadyTime proven = spawned_at_ + program.start_seconds;
      return std::min(proven, dies_at_.value_or(proven));
    }
    case InstanceState::running:
      return dies_at_;
    case InstanceState::stopping:
      return std::min(next_at_, dies_at_.value_or(next_at_));
    case InstanceState::backoff:
      return next_at_;
    case InstanceState::exited:
      return wants_restart() ? std::optional(next_at_) : std::nullopt;
    case InstanceState::stopped:
      return program.autostart && !start_ && spawn_error_.empty() ? std::optional(spawned_at_)
                                                                  : std::nullopt;
    case InstanceState::fatal:
    case InstanceState::unknown:
      return std::nullopt;
  }
  return std::nullopt;
}

void FakeProcess::advance(const FakeMoment& at, substrate::Pid next_pid) {
  const bool dies = dies_at_ && *dies_at_ <= at.steady;
  if (state_ == InstanceState::starting && at.steady >= spawned_at_ + program.start_seconds) {
    state_ = InstanceState::running;
    failures_ = 0;
  } else if (dies) {
    die(at, state_ == InstanceState::stopping ? -1 : program.exit_status);
  } else if (state_ == InstanceState::stopping) {
    die(at, -1);
  } else if (state_ == InstanceState::backoff && failures_ > program.start_retries) {
    state_ = InstanceState::fatal;
    failures_ = 0;
  } else {
    spawn(at, next_pid);
  }
}

void FakeProcess::spawn(const FakeMoment& at, substrate::Pid pid) {
  start_ = manager_time(at.system);
  exit_status_.reset();
  spawn_error_.clear();
  if (program.command_missing) {
    return fail(at, "can't find command '" + program.command + "'");
  }
  if (!program.spawn_error.empty()) {
    return fail(at, program.spawn_error);
  }
  state_ = InstanceState::starting;
  pid_ = pid;
  spawned_at_ = at.steady;
  dies_at_.reset();
  if (program.dies_after) {
    dies_at_ = at.steady + *program.dies_after;
  }
}

void FakeProcess::fail(const FakeMoment& at, std::string why) {
  state_ = InstanceState::backoff;
  spawn_error_ = std::move(why);
  ++failures_;
  next_at_ = failures_ > program.start_retries ? at.steady : at.steady + seconds(failures_);
}

void FakeProcess::stop(const FakeMoment& at) {
  if (state_ == InstanceState::backoff) {
    state_ = InstanceState::stopped;
    return;
  }
  state_ = InstanceState::stopping;
  next_at_ = at.steady + program.stop_wait_seconds;
  if (program.stops_after) {
    const base::SteadyTime obeys_at = at.steady + *program.stops_after;
    dies_at_ = std::min(obeys_at, dies_at_.value_or(obeys_at));
  }
}

void FakeProcess::die(const FakeMoment& at, int exit_status) {
  pid_.reset();
  dies_at_.reset();
  stop_ = manager_time(at.system);
  if (state_ == InstanceState::starting) {
    return fail(at, "Exited too quickly (process log may have details)");
  }
  exit_status_ = exit_status;
  if (state_ == InstanceState::stopping) {
    state_ = InstanceState::stopped;
    return;
  }
  state_ = InstanceState::exited;
  next_at_ = at.steady + loop_turn;
  if (std::find(program.exit_codes.begin(), program.exit_codes.end(), exit_status) ==
      program.exit_codes.end()) {
    spawn_error_ = "Bad exit code " + std::to_string(exit_status);
  }
}

bool FakeProcess::wants_restart() const {
  return program.autorestart == FakeProgram::Restart::always ||
         (program.autorestart == FakeProgram::Restart::unexpected && !spawn_error_.empty());
}

std::string FakeProcess::description(base::SystemTime now) const {
  switch (state_) {
    case InstanceState::running: {
      const auto up = std::chrono::hh_mm_ss(std::max(seconds(0), manager_time(now) - *start_));
      std::array<char, 64> text{};
      std::snprintf(text.data(), text.size(), "pid %lld, uptime %ld:%02ld:%02ld",
                    static_cast<long long>(pid_->value), up.hours().count(), up.minutes().count(),
                    up.seconds().count());
      return text.data();
    }
    case InstanceState::stopped:
    case InstanceState::exited:
      return stop_ ? "Nov 22 05:43 AM" : "Not started";
    case InstanceState::backoff:
    case InstanceState::fatal:
      return spawn_error_;
    case InstanceState::starting:
    case InstanceState::stopping:
    case InstanceState::unknown:
      return "";
  }
  return "";
}

substrate::InstanceDetail FakeProcess::detail(base::SystemTime now) const {
  substrate::InstanceDetail detail;
  detail.name = program.name;
  detail.state = state_;
  detail.pid = pid_;
  detail.description = description(now);
  detail.now = manager_time(now);
  detail.start_time = start_;
  detail.stop_time = stop_;
  detail.exit_status = exit_status_;
  detail.spawn_error = spawn_error_;
  if (program.has_logs) {
    detail.stdout_log = "/var/log/supervisor/" + program.name.name + "-stdout.log";
    detail.stderr_log = "/var/log/supervisor/" + program.name.name + "-stderr.log";
  }
  return detail;
}

void FakeSupervisor::apply_due(const FakeMoment& now) {
  for (auto due = next_due(); due && *due <= now.steady; due = next_due()) {
    for (auto& [name, process] : active) {
      if (process.due() == due) {
        process.advance(moment_at(*due, now), next_pid());
      }
    }
  }
}

std::optional<base::SteadyTime> FakeSupervisor::next_due() const {
  std::optional<base::SteadyTime> earliest;
  for (const auto& [name, process] : active) {
    const auto due = process.due();
    if (due && (!earliest || *due < *earliest)) {
      earliest = due;
    }
  }
  return earliest;
}

FakeProcess* FakeSupervisor::find(const substrate::InstanceName& name) {
  const auto found = active.find(name);
  return found == active.end() ? nullptr : &found->second;
}

void FakeSupervisor::configure(const FakeProgram& program) {
  configuration.insert_or_assign(program.name, program);
}

bool FakeSupervisor::activate(const std::string& group, base::SteadyTime now) {
  bool found = false;
  for (const auto& [name, program] : configuration) {
    if (name.group == group) {
      active.insert_or_assign(name, FakeProcess(program, now));
      found = true;
    }
  }
  return found;
}

bool FakeSupervisor::is_active(const std::string& group) const {
  return std::any_of(active.begin(), active.end(),
                     [&](const auto& entry) { return entry.first.group == group; });
}

substrate::ConfigChanges FakeSupervisor::reread() const {
  std::map<std::string, std::vector<FakeProgram>> wanted;
  std::map<std::string, std::vector<FakeProgram>> present;
  for (const auto& [name, program] : configuration) {
    wanted[name.group].push_back(program);
  }
  for (const auto& [name, process] : active) {
    present[name.group].push_back(process.program);
  }
  substrate::ConfigChanges changes;
  for (const auto& [group, programs] : wanted) {
    if (!present.contains(group)) {
      changes.added.push_back(group);
    } else if (present[group] != programs) {
      changes.changed.push_back(group);
    }
  }
  for (const auto& [group, programs] : present) {
    if (!wanted.contains(group)) {
      changes.removed.push_back(group);
    }
  }
  return changes;
}

void FakeSupervisor::restart(base::SteadyTime now) {
  active.clear();
  for (const auto& [name, program] : configuration) {
    active.insert_or_assign(name, FakeProcess(program, now));
  }
}

}  // namespace reeve::tests
