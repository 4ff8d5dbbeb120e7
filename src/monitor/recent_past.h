#pragma once

// What one process did lately: its last transitions, and how much of each quarter of an hour of the
// last day it was RUNNING. A value, shared by snapshots and copied when it changes, which is at
// transitions alone: between them nothing needs to be written down. Below a kilobyte.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "reeve/base/clock.h"
#include "reeve/substrate/instance.h"

namespace reeve::events {
struct StateChange;
}

namespace reeve::monitor {

struct ProcessSnapshot;

/// A change of a process's state, or of its run alone, as it was seen. Small: see the accessors for
/// what the numbers mean.
struct PastTransition {
  static constexpr std::int16_t no_exit_status = std::numeric_limits<std::int16_t>::min();

  base::SystemTime at;              ///< when the agent saw it
  std::uint32_t start_seconds = 0;  ///< 0: not known
  std::int32_t pid_number = 0;      ///< 0: not known
  std::int16_t exit_code = no_exit_status;
  std::uint8_t signal_number = 0;  ///< 0: none, or not known
  substrate::InstanceState from = substrate::InstanceState::unknown;
  substrate::InstanceState to = substrate::InstanceState::unknown;
  std::uint8_t expectation = 0;  ///< 0: not known, 1: not expected, 2: expected
  bool ends_run = false;

  /// Of the run that ended or is there.
  [[nodiscard]] std::optional<substrate::Pid> pid() const;
  [[nodiscard]] std::optional<substrate::ManagerTime> start_time() const;
  /// Of a run that ended; -1: by a signal.
  [[nodiscard]] std::optional<int> exit_status() const;
  [[nodiscard]] std::optional<int> exit_signal() const;
  [[nodiscard]] std::optional<bool> expected() const;
  /// supervisord, or the process, does this without being asked. (A start of what has exited may
  /// have been asked for, too.)
  [[nodiscard]] bool is_of_supervisord() const;

  void set_run(const std::optional<substrate::Pid>& pid,
               const std::optional<substrate::ManagerTime>& start_time);
  void set_expected(std::optional<bool> expected);
  friend bool operator==(const PastTransition&, const PastTransition&) = default;
};

/// Shares of the last day's quarters of an hour.
class UptimeDay {
 public:
  static constexpr std::chrono::seconds slot_length{900};
  static constexpr std::size_t slots = 96;

  /// The process was watched, and up or down all the time.
  void add(base::SystemTime from, base::SystemTime to, bool up);

  struct Shares {
    base::SystemTime begin;
    std::array<std::optional<double>, slots> up;  ///< nothing: it was not watched then
  };
  /// The slot of `now` is the last.
  [[nodiscard]] Shares shares(base::SystemTime now) const;

 private:
  static constexpr std::uint8_t unwatched = 255;
  static constexpr std::uint8_t all_of_it = 250;

  void begin_slot(std::int64_t slot);
  [[nodiscard]] std::uint8_t share_of_current() const;

  std::int64_t slot_ = std::numeric_limits<std::int64_t>::min();  ///< none yet
  float watched_seconds_ = 0;                                     ///< of the current slot
  float up_seconds_ = 0;
  std::array<std::uint8_t, slots> finished_{};  ///< by the slot's number, modulo `slots`
};

struct RecentPast {
  static constexpr std::size_t max_transitions = 32;

  std::uint64_t count = 0;                  ///< of all transitions that were ever added
  std::vector<PastTransition> transitions;  ///< oldest first
  UptimeDay day;
  /// Until when `day` is complete; nothing while the supervisord cannot be read.
  std::optional<base::SystemTime> watched_until;

  void add(const PastTransition& transition);
  /// `state` until `now`.
  void watch(substrate::InstanceState state, base::SystemTime now);
  /// `day` as it is at `now`, given that the state has not changed since.
  [[nodiscard]] UptimeDay::Shares day_until(base::SystemTime now,
                                            substrate::InstanceState state) const;
  /// Whether something that the last transitions lack has become known.
  [[nodiscard]] bool lacks(const ProcessSnapshot& process) const;
  /// Fills that in.
  void complete(const ProcessSnapshot& process);
};

/// Between two answers about a process; nothing if it is the same run in the same state.
[[nodiscard]] std::optional<PastTransition> transition_between(
    const substrate::InstanceDetail& before, const substrate::InstanceDetail& after,
    base::SystemTime at);

// What follows replaces `process.past`, if it changes anything.

/// `process` is read anew, and was `before` (null: it was not there). `polls_tell`: there is no
/// better source of transitions.
void extend_past(ProcessSnapshot& process, const ProcessSnapshot* before, base::SystemTime at,
                 bool polls_tell);
/// `process` is as it was before the event.
void add_transition(ProcessSnapshot& process, const events::StateChange& event,
                    base::SystemTime at);
/// Its supervisord cannot be read any more; it could until `at`.
void interrupt_past(ProcessSnapshot& process, base::SystemTime at);
/// Fills in what the last transitions lack.
void complete_past(ProcessSnapshot& process);

}  // namespace reeve::monitor
