#pragma once

// Times that must survive a restart of the agent: cooldowns, budgets, latches, maintenance. They
// follow the steady clock, which all processes of one boot share; only across a reboot does the
// system clock say how much time has passed. So changing the wall clock cannot restore a budget.
// In memory such times are SteadyTimes; a file holds them beside WrittenAt, the time of its
// writing. A value over a clock that outlives it; thread-safe.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "records/json_reader.h"
#include "reeve/base/clock.h"

namespace reeve::records {

/// The time at which a file was written, by both clocks.
struct WrittenAt {
  std::string boot;  ///< boot_id()
  base::SteadyTime steady;
  base::SystemTime system;
  friend bool operator==(const WrittenAt&, const WrittenAt&) = default;
};

/// How to read the times of a file now.
struct ClockShift {
  base::Duration shift;  ///< to be added to its steady times
  /// The file claims to be younger than now: no time has passed since then.
  bool future_dated = false;
  friend bool operator==(const ClockShift&, const ClockShift&) = default;
};

class StateClock {
 public:
  /// `clock` must outlive this. `boot` identifies this boot: see boot_id().
  StateClock(const base::Clock& clock, std::string boot) : clock_(&clock), boot_(std::move(boot)) {}

  [[nodiscard]] base::SteadyTime now() const { return clock_->steady_now(); }
  [[nodiscard]] base::SystemTime system_now() const { return clock_->system_now(); }
  /// For people: by the system clock as it is now.
  [[nodiscard]] base::SystemTime to_wall_clock(base::SteadyTime time) const;
  [[nodiscard]] WrittenAt written_at() const;
  [[nodiscard]] ClockShift shift_since(const WrittenAt& written) const;

 private:
  const base::Clock* clock_;
  std::string boot_;
};

/// The kernel's /proc/sys/kernel/random/boot_id. Empty where it cannot be read: then all counts
/// as one boot, in which less time seems to pass than did, never more.
[[nodiscard]] std::string boot_id();

/// An object that begins with the format's version and the time of its writing.
[[nodiscard]] Json timed_object(const WrittenAt& written);
[[nodiscard]] Json to_json(const std::optional<base::SteadyTime>& time);
[[nodiscard]] Json to_json(const std::vector<base::SteadyTime>& times);

/// Reads the steady times of a timed_object() as times of now.
class TimeReader {
 public:
  /// `file` fails where version or time of writing are missing or not of this format.
  TimeReader(JsonReader& file, const StateClock& clock);

  /// Nothing where the member is absent or null.
  void read(JsonReader& reader, const char* name, std::optional<base::SteadyTime>& into) const;
  /// Oldest first; times in the future are read as now.
  void read_past(JsonReader& reader, const char* name, std::vector<base::SteadyTime>& into) const;
  [[nodiscard]] bool future_dated() const { return shift_.future_dated; }

 private:
  base::SteadyTime now_;
  ClockShift shift_;
};

}  // namespace reeve::records
