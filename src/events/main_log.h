#pragma once

// supervisord's main log: its lines as values, and which of them are new. Pure: LogTail says what
// to read next and is fed with the text; it knows no deadline, no thread and no protocol.
//
// `2026-11-22 08:35:31,157 INFO spawned: 'web' with pid 4711`: only this log has the exit codes and
// signals of processes that were restarted automatically. It does not have the group (a name alone
// may be several processes': match it by the pid of `spawned`), nor whether an exit led to BACKOFF
// or EXITED (to BACKOFF if the run had not entered RUNNING; with startsecs=0 that line may be
// missing). At levels below info it contains children's output, which may imitate any of these
// lines: trust only a log in which no line is_below_info().

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "reeve/substrate/instance.h"
#include "reeve/substrate/logs.h"

namespace reeve::events {

enum class ManagerLogLevel { critical, error, warning, info, debug, trace, blather };

[[nodiscard]] constexpr bool is_below_info(ManagerLogLevel level) {
  return level > ManagerLogLevel::info;
}

/// How a run ended: by exit or by a signal; neither if the line says neither.
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
/// It ended because supervisord stopped it.
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
/// A start without a process; it counts as a start and leads to BACKOFF. Most of these lines do not
/// name the program.
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
/// A listener broke the protocol: its process keeps running, but gets no event any more.
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

struct TailResult {
  std::vector<LogLine> lines = {};  ///< the new ones that are not OtherLines, oldest first
  bool gap = false;    ///< lines may be missing just before these: a full poll is needed
  bool again = false;  ///< there is more to read at once
  /// From before the tail began, oldest first: not to be counted.
  std::vector<LogLine> earlier = {};
};

/// Follows the log through reads of at most 64 KiB.
///
/// supervisord gives neither the size nor the identity of its log, and what comes over XML is not
/// byte for byte what is in the file. So a position in the log is a few whole lines already read
/// (the anchor) and the offset where they begin: each read starts there, and what follows the
/// anchor is new. If the anchor is not there any more, the beginning of the log tells whether it is
/// another one (rotated, cleared) or the position in the same one was lost.
///
/// It begins a quarter of a megabyte before the end, for how the last runs ended; those lines are
/// `earlier`.
///
///   begin ──head read──▶ finding the end ──▶ anchoring ──▶ following ─ lines missing ─▶ checking
///                             ▲                                ▲                          │ │
///                             └──────── the same log ──────────┼──────────────────────────┘ │
///                                                              └──── another log ───────────┘
class LogTail {
 public:
  /// What to read next.
  [[nodiscard]] substrate::LogRange next() const;
  /// The text read there; empty past the end. Not to be called if reading failed.
  [[nodiscard]] TailResult feed(std::string_view text);

  /// Whether the lines can be trusted, see above: false for good once a line is below info.
  [[nodiscard]] bool trusted() const { return trusted_; }
  /// The position is known: all lines written from now on will be returned. Never of a log that has
  /// had no text yet, as /dev/null: nothing may ever be written there.
  [[nodiscard]] bool following() const { return state_ == State::following && has_text_; }
  /// The end was found, and there is no text before it.
  [[nodiscard]] bool empty() const { return state_ == State::following && !has_text_; }

 private:
  enum class State { begin, finding_end, anchoring, following, checking };

  [[nodiscard]] TailResult read_head(std::string_view text);
  [[nodiscard]] TailResult probe(std::string_view text);
  [[nodiscard]] TailResult advance(std::string_view text);
  [[nodiscard]] TailResult recognise(std::string_view text);
  void take_lines(std::string_view lines, TailResult& result);
  void anchor_at(std::string_view text, std::size_t end);

  State state_ = State::begin;
  bool trusted_ = true;
  bool has_text_ = false;
  std::string head_;    ///< the beginning of the log
  std::string anchor_;  ///< the text at offset_, returned already
  std::uint64_t offset_ = 0;
  bool in_line_ = false;  ///< the anchor ends within a line too long to be one of supervisord's
  std::uint64_t present_ = 0;  ///< finding the end: the log has this offset
  std::uint64_t absent_ = 0;   ///< finding the end: it does not have this one; 0: unknown
};

}  // namespace reeve::events
