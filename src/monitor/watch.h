#pragma once

// Watches one supervisord: asks, feeds its Watcher with the answers, does what the Watcher
// says. Two threads of the Monitor drive it, one with heartbeats, one with polls, so that a slow
// full poll never hides whether supervisord answers at all; between polls the latter reads
// supervisord's log and looks at processes that events have changed. A third brings events.

#include <functional>
#include <stop_token>

#include "base/guarded.h"
#include "base/log.h"
#include "base/wakeup.h"
#include "events/log_tail.h"
#include "monitor/agenda.h"
#include "monitor/event_router.h"
#include "monitor/monitor.h"
#include "monitor/resource_meter.h"
#include "monitor/watcher.h"

namespace reeve::monitor {

class Watch {
 public:
  /// `publish` is called, on the two threads, when there is news; it must return quickly. `run`
  /// is in the marks of all surveys: see EventRouter.
  Watch(Member member, std::size_t index, const PollOptions& options, const base::Clock& clock,
        base::Log log, std::function<void()> publish, std::string run = {});

  /// The two loops; they return once a stop is requested.
  void run_heartbeats(const std::stop_token& stop);
  void run_polls(const std::stop_token& stop);

  /// One heartbeat.
  void beat(const std::stop_token& stop);
  /// What the programs use, once. On the heartbeats' thread.
  void measure(const std::stop_token& stop);
  /// One full poll, or none if supervisord is silent. How long to leave it alone now: no less
  /// than it was kept busy.
  [[nodiscard]] base::Duration poll(const std::stop_token& stop) { return poll(Chore::poll, stop); }
  /// The same, with a mark for the event stream and the rest of the log.
  [[nodiscard]] base::Duration survey(const std::stop_token& stop);
  /// True if supervisord's log has been read to its end.
  bool read_log(const std::stop_token& stop);
  /// Looks again at what events have changed.
  void look(const std::stop_token& stop);
  /// What was heard from supervisord itself; publishes nothing.
  void hear(const Delivery& delivery);

  void nudge();
  void configure(const PollOptions& options);

  [[nodiscard]] const std::string& name() const { return member_.name; }
  [[nodiscard]] SupervisorSnapshot seen() const;
  [[nodiscard]] bool tried() const;

 private:
  [[nodiscard]] base::Duration poll(Chore chore, const std::stop_token& stop);
  [[nodiscard]] base::Duration attend(Chore chore, const std::stop_token& stop);
  [[nodiscard]] base::Result<Poll> ask(Chore chore, const std::stop_token& stop);
  [[nodiscard]] base::Result<Poll> ask_for_list(base::Duration names_age,
                                                const base::Deadline& deadline);
  [[nodiscard]] base::Result<Poll> ask_for_survey(const base::Deadline& deadline);
  [[nodiscard]] bool may_read_log() const;
  void refuse_log(const base::Error& error);
  void describe(const std::stop_token& stop);
  void act(const Step& step);
  [[nodiscard]] Moment now() const { return {clock_.steady_now(), clock_.system_now()}; }

  const Member member_;
  const std::size_t index_;
  const base::Clock& clock_;
  const base::Log log_;
  const std::function<void()> publish_;
  const std::string run_;
  base::Guarded<PollOptions> options_;
  base::Guarded<Watcher> watcher_;
  ResourceMeter meter_;
  base::Guarded<Usages> usages_;
  base::Guarded<std::stop_source> under_way_;  ///< a poll or looks, for heartbeats to abandon
  base::Wakeup wake_heartbeat_;
  base::Wakeup wake_poll_;

  // Of the poll thread alone.
  events::LogTail tail_;
  base::SteadyTime log_refused_until_{};
  unsigned readings_unanswered_ = 0;
  bool refusal_told_ = false;
};

}  // namespace reeve::monitor
