#pragma once

// Monitors one or several supervisords, none of which can delay another: a SupervisorMonitor for
// each, with a heartbeat thread and a poll thread, and one publisher thread, which routes the
// events in the inbox to their supervisords and publishes the state of all as one immutable
// Snapshot. While a supervisord does not answer, only heartbeats are sent to it.
//
// Locks: each supervisord's state, the inbox and the published snapshot have one each; no thread
// holds two of them.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "events/inbox.h"
#include "monitor/options.h"
#include "monitor/snapshot.h"
#include "reeve/substrate/administration.h"
#include "reeve/substrate/logs.h"
#include "reeve/substrate/substrate.h"
#include "substrate/poll_source.h"

namespace reeve::monitor {

/// One supervisord to monitor. The interfaces may be one object.
struct Member {
  std::string name;
  std::string url;              ///< redacted, for display
  base::Duration call_timeout;  ///< of one ordinary call, the heartbeat
  bool same_host = false;  ///< its log files are accessible: reached over a unix socket or loopback
  std::shared_ptr<substrate::Substrate> substrate;
  std::shared_ptr<substrate::Administration> administration;
  std::shared_ptr<substrate::PollSource> poll_source;
  std::shared_ptr<substrate::Logs> logs = nullptr;  ///< null: its own log is not followed
  /// Files in /proc of its programs that may be kept open, two for each process: half the cost.
  std::size_t kept_files = 1024;
  /// A stream of its events is configured: before its first event it is down, not absent.
  bool expects_events = false;
};

class Monitor {
 public:
  /// `clock` must outlive the monitor. Nothing runs before start().
  Monitor(std::vector<Member> members, const PollOptions& options, const base::Clock& clock,
          const base::Log& log);
  ~Monitor();  ///< stops
  Monitor(const Monitor&) = delete;
  Monitor& operator=(const Monitor&) = delete;

  /// Called with the first, empty snapshot by start(), and then on one thread after each
  /// publication: at once, but at most every 50 ms. Set before start.
  void on_publish(std::function<void(const std::shared_ptr<const Snapshot>&)> listener);
  void start();
  /// Ends all waits and joins all threads. Safe to call twice. False if the listener did not return
  /// for so long: then its thread is left, and the process has to end without it.
  [[nodiscard]] bool stop(base::Duration patience = std::chrono::hours(1));
  /// The listener has not returned for half a minute: what is published is not current any more.
  [[nodiscard]] bool publisher_hangs() const;

  /// Never null, never blocks for long.
  [[nodiscard]] std::shared_ptr<const Snapshot> snapshot() const;
  /// Polls this supervisord soon, after an action. Many nudges make few polls: it is left alone for
  /// at least as long as it was busy with the last poll.
  void nudge(std::string_view supervisor);
  /// Where listeners put the events of all supervisords.
  [[nodiscard]] events::Inbox& inbox();
  /// Applies from now on.
  void configure(const PollOptions& options);

 private:
  struct State;  // the SupervisorMonitors and the threads
  std::unique_ptr<State> state_;
};

}  // namespace reeve::monitor
