#pragma once

// What is counted for one process, and what that is counted from. Each source has its own tally
// since the last anchor; see counting.h for how they become one number. Pure.

#include <memory>
#include <optional>

#include "events/event.h"
#include "monitor/log_chain.h"
#include "monitor/tally.h"
#include "reeve/base/clock.h"

namespace reeve::monitor {

/// Whether a source has told everything since the last anchor.
struct Completeness {
  bool events = false;
  bool log = false;
};

/// From one anchor to the next.
struct Epoch {
  Tally events{};
  Tally log{};
  Tally polls{};

  /// The best that can be said and never too much: what events or the log tell has happened;
  /// polls, which take any new run for a restart, speak only while both others have gaps.
  [[nodiscard]] Tally value(const Completeness& complete) const;
};

[[nodiscard]] Epoch operator+(const Epoch& a, const Epoch& b);

/// What a look at a process (a poll, or at it alone) found, as far as the next is compared with it.
struct Look {
  substrate::InstanceState state = substrate::InstanceState::unknown;
  std::optional<substrate::Pid> pid;
  std::optional<substrate::ManagerTime> start_time;
  std::optional<substrate::ManagerTime> stop_time;
};

struct Account {
  Tally base{};  ///< up to the last anchor
  Epoch now;
  /// The epoch that ends, while not all sources have come to its end.
  std::unique_ptr<Epoch> ending;
  Tally shown{};  ///< never falls

  LogChain chain;
  std::optional<substrate::Pid> spawned_pid;  ///< of the run that the chain is in
  std::optional<Look> look;                   ///< nothing before the first
  std::uint32_t due_starts = 0;       ///< that polls have seen, and events must have told by now
  Finish finish;                      ///< as looks alone tell it
  std::optional<bool> exit_expected;  ///< of the last end among the events, if it was an EXITED

  /// Nothing while it is in supervisord's configuration, as far as is known.
  std::optional<base::SteadyTime> removed_at;

  /// An event says that a run ended: how, is not yet known.
  void note_end(const events::StateChange& change);
  /// Another daemon: nothing of what ran has survived.
  void begin_anew();
  [[nodiscard]] Epoch& closing();
  /// Compares with the look before, and is the look for the next.
  void compare(const substrate::InstanceDetail& detail, bool same_daemon);
  /// The ending epoch's value becomes part of the base.
  void settle(const Completeness& complete);
  /// The anchor was none: the ending epoch goes on.
  void reopen();
  /// What is to be shown now.
  const Tally& show(const Completeness& complete);
  /// How the most recent run ended, if that is known.
  [[nodiscard]] Finish last_finish(const Completeness& complete) const;
};

}  // namespace reeve::monitor
