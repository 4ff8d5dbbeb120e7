#pragma once

// What runs, as values: a name, a state, and what is known of the current or last run.
// All times are the manager's own clock in whole seconds; each detail carries the manager's
// `now` of the same moment, so that ages never mix two clocks.

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reeve/base/enumeration.h"
#include "reeve/base/result.h"

namespace reeve::substrate {

using ManagerTime = std::chrono::sys_seconds;

/// An operating system's process id as the manager reports it. Never 0 in an optional.
struct Pid {
  std::int64_t value = 0;
  friend auto operator<=>(const Pid&, const Pid&) = default;
};

/// The only unique name of an instance. supervisord writes it `group:name`, or `name` alone
/// where both are equal.
struct InstanceName {
  std::string group;
  std::string name;

  /// `x` is x:x; `g:p` is p of g. invalid_argument: empty parts or a second colon.
  [[nodiscard]] static base::Result<InstanceName> parse(std::string_view text);
  /// The canonical form: `name` alone if group and name are equal, else `group:name`.
  [[nodiscard]] std::string text() const;
  /// Always `group:name`: what patterns and filters are matched against.
  [[nodiscard]] std::string full() const;

  friend auto operator<=>(const InstanceName&, const InstanceName&) = default;
};

/// supervisord's process states, under its names; see getProcessInfo's `state`.
enum class InstanceState : std::uint8_t {
  stopped,
  starting,
  running,
  backoff,
  stopping,
  exited,
  fatal,
  unknown,
};

inline constexpr auto all_instance_states = base::all_of<InstanceState, InstanceState::unknown>();

/// supervisord's upper-case name: "RUNNING".
[[nodiscard]] std::string_view to_string(InstanceState state);
/// supervisord's number: 0 10 20 30 40 100 200 1000.
[[nodiscard]] int state_code(InstanceState state);
[[nodiscard]] std::optional<InstanceState> state_from_code(std::int64_t code);
/// True in STARTING, RUNNING, BACKOFF and STOPPING: there is something to stop or to wait for.
[[nodiscard]] bool is_active(InstanceState state);

/// One run of an instance, told apart from every other run of the same name.
struct Incarnation {
  Pid pid;
  ManagerTime start;

  /// `"pid:start"`, both in decimal.
  [[nodiscard]] static base::Result<Incarnation> parse(std::string_view text);
  [[nodiscard]] std::string text() const;
  friend auto operator<=>(const Incarnation&, const Incarnation&) = default;
};

/// What a listing is made of.
struct Instance {
  InstanceName name;
  InstanceState state = InstanceState::unknown;
  std::optional<Pid> pid;   ///< getProcessInfo's `pid`; nothing while not running
  std::string description;  ///< the manager's own words, for people

  friend bool operator==(const Instance&, const Instance&) = default;
};

/// All that a manager says of an instance.
struct InstanceDetail : Instance {
  ManagerTime now{};                      ///< the manager's clock when it answered
  std::optional<ManagerTime> start_time;  ///< last spawn (`start`); nothing if never
  std::optional<ManagerTime> stop_time;   ///< last death (`stop`); nothing if none
  /// Exit code of the finished run, -1 for a death by signal (`exitstatus`). Known only in
  /// EXITED and STOPPED after a run: supervisord says 0 in FATAL and BACKOFF whatever the
  /// truth, and forgets the value at the next spawn.
  std::optional<int> exit_status;
  std::string spawn_error;  ///< `spawnerr`: why a start or a run failed; empty if it did not
  std::string stdout_log;   ///< path of the log file on the manager's host; empty if none
  std::string stderr_log;

  /// now − start while there is a process, never negative.
  [[nodiscard]] std::optional<std::chrono::seconds> uptime() const;
  /// Nothing while there is no process.
  [[nodiscard]] std::optional<Incarnation> incarnation() const;
  /// Whether the run ended as its program's exitcodes say: in EXITED, where an empty spawn error
  /// means that; nothing in other states.
  [[nodiscard]] std::optional<bool> exit_expected() const;

  friend bool operator==(const InstanceDetail&, const InstanceDetail&) = default;
};

/// An answer to "what is there": whole records, and how many were not whole.
struct Listing {
  std::vector<InstanceDetail> instances;  ///< sorted by name, which is group first
  std::size_t rejected = 0;               ///< records dropped because a member was missing or wrong
};

}  // namespace reeve::substrate
