#pragma once

// One process's life as the lines of supervisord's log tell it. Its state is known from an anchor
// on, and from then each line is a transition or several: the log says nothing of the entry into
// STOPPING, of a stop out of BACKOFF, and whether a run that ended early went to BACKOFF or, with
// startsecs=0, to EXITED. Pure.

#include <optional>

#include "events/log_line.h"
#include "monitor/tally.h"

namespace reeve::monitor {

/// How the most recent finished run ended, as far as it is known.
struct Finish {
  std::optional<int> exit_status;  ///< -1: by a signal
  std::optional<int> exit_signal;
  std::optional<bool> expected;  ///< for an exit that nobody asked for
  friend bool operator==(const Finish&, const Finish&) = default;
};

/// A run goes on in this state.
[[nodiscard]] bool has_process(substrate::InstanceState state);

class LogChain {
 public:
  /// A process that is new to supervisord.
  LogChain() = default;

  /// The state at an anchor, as the listing of that moment has it. What the log does not tell is
  /// counted now; nothing of that if it was not known where the process stood.
  void reach(substrate::InstanceState state, Tally& tally);
  /// Another daemon, which has started nothing yet. What ran has ended, nobody knows how.
  void begin_anew();
  /// Lines are missing.
  void lose();
  /// Something happened of which the log has no word: until the next anchor it is not known
  /// whether a start is a restart.
  void doubt() { doubtful_ = true; }

  void note(const events::Spawned& line, Tally& tally);
  void note(const events::EnteredRunning& line, Tally& tally);
  void note(const events::Exited& line, Tally& tally);
  void note(const events::Stopped& line, Tally& tally);
  void note(const events::GaveUp& line, Tally& tally);
  void note(const events::SpawnError& line, Tally& tally);

  [[nodiscard]] substrate::InstanceState state() const { return state_; }
  /// Of the last run whose end was in the log; nothing if none was, or lines were missing since.
  [[nodiscard]] const std::optional<Finish>& finish() const { return finish_; }

 private:
  void enter(substrate::InstanceState to, Tally& tally, bool expected = true);

  /// unknown: lines were missing.
  substrate::InstanceState state_ = substrate::InstanceState::stopped;
  bool doubtful_ = false;
  bool runs_at_once_ = false;  ///< its startsecs is 0
  std::optional<Finish> finish_;
};

}  // namespace reeve::monitor
