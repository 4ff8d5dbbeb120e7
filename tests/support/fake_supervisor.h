#pragma once

// The little supervisor inside FakeSubstrate: programs, their states and their logs, as a pure
// function of time. apply_due(now) applies all that was due until then, each thing at its own
// moment. Knows no threads and never waits. It does what supervisord does (startsecs, retries
// with growing delay, autorestart, stop signal then kill); the contract suite holds it to that.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "reeve/base/clock.h"
#include "reeve/substrate/administration.h"
#include "reeve/substrate/instance.h"
#include "reeve/substrate/logs.h"

namespace reeve::tests {

/// One program: its section in supervisord's configuration, and how it behaves when run.
struct FakeProgram {
  enum class Restart { never, unexpected, always };

  substrate::InstanceName name;
  std::string command = "/bin/sleep 100000";
  bool autostart = true;
  Restart autorestart = Restart::unexpected;
  std::chrono::seconds start_seconds{1};
  int start_retries = 3;
  std::chrono::seconds stop_wait_seconds{10};
  int priority = 999;  ///< its group has 999
  std::vector<int> exit_codes{0};
  bool has_logs = true;

  bool command_missing = false;  ///< a start answers no_file; an autostart ends FATAL
  std::string spawn_error = {};  ///< not empty: each spawn fails with this text
  std::optional<base::Duration> dies_after = std::nullopt;  ///< by itself, after each spawn
  int exit_status = 0;  ///< with which it dies by itself; -1: by a signal
  /// How long it takes to obey the stop signal. Nothing: ignores it, until it is killed.
  std::optional<base::Duration> stops_after = base::Duration::zero();

  friend bool operator==(const FakeProgram&, const FakeProgram&) = default;
};

/// The two clocks at one moment.
struct FakeMoment {
  base::SteadyTime steady;
  base::SystemTime system;
};

class FakeProcess {
 public:
  FakeProcess(FakeProgram configured, base::SteadyTime created);

  FakeProgram program;

  [[nodiscard]] std::string& text(substrate::LogStream stream) {
    return stream == substrate::LogStream::standard_output ? stdout_text_ : stderr_text_;
  }

  [[nodiscard]] substrate::InstanceState state() const { return state_; }
  [[nodiscard]] const std::string& spawn_error() const { return spawn_error_; }
  [[nodiscard]] substrate::InstanceDetail detail(base::SystemTime now) const;
  /// When something will happen by itself; nothing if it stays as it is.
  [[nodiscard]] std::optional<base::SteadyTime> due() const;
  /// Lets it happen; `at` is due().
  void advance(const FakeMoment& at, substrate::Pid next_pid);

  void spawn(const FakeMoment& at, substrate::Pid pid);
  void stop(const FakeMoment& at);
  /// It dies now, in whatever it was doing.
  void die(const FakeMoment& at, int exit_status);
  /// The kernel refused the kill: UNKNOWN, with its process still there.
  void lose() { state_ = substrate::InstanceState::unknown; }

 private:
  void fail(const FakeMoment& at, std::string why);
  [[nodiscard]] bool wants_restart() const;
  [[nodiscard]] std::string description(base::SystemTime now) const;

  std::string stdout_text_;
  std::string stderr_text_;
  substrate::InstanceState state_ = substrate::InstanceState::stopped;
  std::optional<substrate::Pid> pid_;
  std::optional<substrate::ManagerTime> start_;
  std::optional<substrate::ManagerTime> stop_;
  std::optional<int> exit_status_;
  std::string spawn_error_;
  int failures_ = 0;
  base::SteadyTime spawned_at_;  ///< its creation, until the first spawn
  std::optional<base::SteadyTime> dies_at_;
  base::SteadyTime next_at_{};  ///< of the retry, the restart or the kill
};

class FakeSupervisor {
 public:
  using Processes = std::map<substrate::InstanceName, FakeProcess>;

  /// Applies all that was due until `now`.
  void apply_due(const FakeMoment& now);
  [[nodiscard]] std::optional<base::SteadyTime> next_due() const;
  [[nodiscard]] FakeProcess* find(const substrate::InstanceName& name);
  [[nodiscard]] substrate::Pid next_pid() { return substrate::Pid{++last_pid_}; }

  /// Into the configuration alone; reread() finds it.
  void configure(const FakeProgram& program);
  void unconfigure(const std::string& group) { erase_group(configuration, group); }
  /// False if the configuration has no such group.
  bool activate(const std::string& group, base::SteadyTime now);
  void deactivate(const std::string& group) { erase_group(active, group); }
  [[nodiscard]] bool is_active(const std::string& group) const;
  [[nodiscard]] substrate::ConfigChanges reread() const;
  /// A new daemon: what ran is gone, what is configured is active, autostart begins anew.
  void restart(base::SteadyTime now);

  Processes active;
  std::map<substrate::InstanceName, FakeProgram> configuration;

 private:
  template <class Map>
  static void erase_group(Map& map, const std::string& group) {
    std::erase_if(map, [&](const auto& entry) { return entry.first.group == group; });
  }

  std::int64_t last_pid_ = 1000;
};

}  // namespace reeve::tests
