#pragma once

// Decides what is known of one supervisord: fed with the results of heartbeats and polls and
// with times, it says whether it is up, whether it restarted, what to publish, what to log and
// what to do next. A state machine without threads, locks or I/O; Watch drives it.
//
//   unseen ──connect──▶ answering ──poll──▶ up ──a poll fails──▶ answering, not up
//      └───── a heartbeat fails, the connection is refused, it shuts down ─────▶ silent
//   silent: only heartbeats are sent; the first that succeeds makes it answering again.

#include <optional>

#include "fleet/tracker.h"
#include "reeve/base/log.h"
#include "reeve/base/result.h"
#include "reeve/fleet/snapshot.h"

namespace reeve::fleet {

/// When something was learned, by both clocks.
struct Moment {
  base::SteadyTime steady;
  base::SystemTime system;
};

/// What is to be done after something was learned.
struct Step {
  bool publish = false;
  bool poll = false;     ///< now: it has just come back, or is another daemon
  bool abandon = false;  ///< the poll under way: it does not answer
  std::optional<base::LogRecord> log = std::nullopt;
};

class Watcher {
 public:
  /// `url` is redacted.
  Watcher(std::string name, std::string url);

  /// The answer to a connect, whoever asked. A cancelled call teaches nothing.
  [[nodiscard]] Step heartbeat(const base::Result<substrate::Pid>& answer, const Moment& now);
  /// A full poll that took `took`.
  [[nodiscard]] Step polled(base::Result<Poll> answer, base::Duration took, const Moment& now);
  /// A poll was due and was not sent, or was abandoned, since it does not answer.
  [[nodiscard]] Step poll_skipped();
  [[nodiscard]] Step described(substrate::ManagerDescription description);

  /// It does not answer: nothing but heartbeats is to be sent.
  [[nodiscard]] bool silent() const { return tried_ && !answering_; }
  /// True once it has been tried, with any result.
  [[nodiscard]] bool tried() const { return tried_; }
  [[nodiscard]] bool wants_description() const { return seen_.up && !described_; }
  [[nodiscard]] const SupervisorSnapshot& seen() const { return seen_; }

 private:
  [[nodiscard]] Step lose(const base::Error& error, const Moment& now);
  [[nodiscard]] Step confirm(Poll poll, base::Duration took, const Moment& now);
  void note_restart();
  void observe(base::Duration took);
  [[nodiscard]] std::optional<base::LogRecord> say_up(const Moment& now);

  SupervisorSnapshot seen_;
  bool answering_ = false;
  bool tried_ = false;
  bool described_ = false;
  PollFailure last_failure_ = PollFailure::unreachable;
  /// It was refused or shutting down since the last poll: perhaps another daemon answers now.
  bool perhaps_restarted_ = false;
  bool restarted_ = false;                   ///< since the last poll, for sure
  bool greeted_ = false;                     ///< that it answers has been logged
  std::optional<base::SteadyTime> lost_at_;  ///< that it does not has been logged
};

}  // namespace reeve::fleet
