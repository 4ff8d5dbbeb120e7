#pragma once

// Lines of supervisord's own log, as values: `2026-11-22 08:35:31,157 INFO spawned: 'web' with
// pid 4711`. The only place that knows exit codes and signals of processes that were restarted
// automatically. What it does not say: the group (a name alone may be several processes': tie it
// by the pid of `spawned`), and whether an exit led to BACKOFF or EXITED (it did to BACKOFF if the
// run had not entered RUNNING; with startsecs=0 that line may be missing). Pure.
//
// At levels below info children's output stands in the log, and may imitate any of these lines:
// trust only a log in which no line is_below_info().

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "reeve/substrate/instance.h"

namespace reeve::events {

enum class ManagerLogLevel { critical, error, warning, info, debug, trace, blather };

[[nodiscard]] constexpr bool is_below_info(ManagerLogLevel level) {
  return level > ManagerLogLevel::info;
}

/// How a run ended: by exit or by a signal; neither if supervisord did not understand it either.
struct RunEnd {
  std::optional<int> exit_status;
  std::optional<int> signal;
  friend bool operator==(const RunEnd&, const RunEnd&) = default;
};

struct Spawned {
  std::string name;
  substrate::Pid pid;
  friend bool operator==(const Spawned&, const Spawned&) = default;
};
/// "success: x entered RUNNING state".
struct EnteredRunning {
  std::string name;
  bool runs_at_once = false;  ///< its startsecs is 0, and this line is missing after a quick exit
  friend bool operator==(const EnteredRunning&, const EnteredRunning&) = default;
};
struct Exited {
  std::string name;
  RunEnd end;
  bool expected = false;
  friend bool operator==(const Exited&, const Exited&) = default;
};
/// It ended because it was asked to.
struct Stopped {
  std::string name;
  RunEnd end;
  friend bool operator==(const Stopped&, const Stopped&) = default;
};
/// "gave up: x entered FATAL state".
struct GaveUp {
  std::string name;
  friend bool operator==(const GaveUp&, const GaveUp&) = default;
};
/// A start that made no process; it counts as a start and goes to BACKOFF. Most of these lines do
/// not say whose.
struct SpawnError {
  std::string reason;
  std::optional<std::string> name;
  friend bool operator==(const SpawnError&, const SpawnError&) = default;
};
/// "supervisord started with pid 1".
struct ManagerStarted {
  substrate::Pid pid;
  friend bool operator==(const ManagerStarted&, const ManagerStarted&) = default;
};
/// A listener broke the event protocol: until it is spawned again it looks healthy and gets no
/// events.
struct ListenerNotReady {
  std::string name;
  friend bool operator==(const ListenerNotReady&, const ListenerNotReady&) = default;
};
struct OtherLine {
  friend bool operator==(const OtherLine&, const OtherLine&) = default;
};

struct LogLine {
  /// supervisord's wall clock in its own time zone, which it does not name; it may jump.
  std::chrono::local_time<std::chrono::milliseconds> at;
  ManagerLogLevel level = ManagerLogLevel::info;
  std::variant<Spawned, EnteredRunning, Exited, Stopped, GaveUp, SpawnError, ManagerStarted,
               ListenerNotReady, OtherLine>
      what;
  friend bool operator==(const LogLine&, const LogLine&) = default;
};

/// `line` without its newline. Nothing if it does not begin as a line of the log does: the rest of
/// a traceback, or a child's output. A line of a level below info is always an OtherLine.
[[nodiscard]] std::optional<LogLine> parse_log_line(std::string_view line);

}  // namespace reeve::events
