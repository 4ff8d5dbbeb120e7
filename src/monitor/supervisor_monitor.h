#pragma once

// Monitors one supervisord: asks it, applies the answers to its SupervisorState, and carries out
// the effects. Two threads of the Monitor run its loops, one for heartbeats (and for measuring what
// the programs use), one for polls. A poll is one request for pid, listing and the rest of the log,
// and a heartbeat, too: others are sent only where polls are rare, slow or fail, so that a slow
// poll does not hide whether supervisord answers at all. Between polls the poll thread reads
// supervisord's log and reads again the processes that events have changed. The publisher thread
// brings events.
//
// Locks: state_, options_, usages_, running_poll_ and poll_progress_ are Guarded each; none is held
// while another is taken, during a call to supervisord, or while publish is called.

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "base/log.h"
#include "base/wakeup.h"
#include "events/main_log.h"
#include "monitor/event_router.h"
#include "monitor/monitor.h"
#include "monitor/poll_scheduler.h"
#include "monitor/resource_meter.h"
#include "monitor/supervisor_state.h"

namespace reeve::monitor {

class SupervisorMonitor {
 public:
  /// `publish` is called on the two threads when the snapshot has changed; it must return quickly.
  /// `run` is in the marks of all surveys: see EventRouter.
  SupervisorMonitor(Member member, std::size_t index, const PollOptions& options,
                    const base::Clock& clock, const base::Log& log, std::function<void()> publish,
                    std::string run = {});

  /// The two loops; they return once a stop is requested.
  void run_heartbeats(const std::stop_token& stop);
  void run_polls(const std::stop_token& stop);

  void send_heartbeat(const std::stop_token& stop);
  /// What the programs use, once. On the heartbeat thread.
  void measure(const std::stop_token& stop);
  /// One full poll, or none if supervisord is unresponsive. Returns how long to leave it alone: as
  /// long as it was busy.
  [[nodiscard]] base::Duration poll(const std::stop_token& stop) {
    return poll(PollTask::poll, stop).pause;
  }
  /// The same, with a mark for the event stream and the rest of the log.
  [[nodiscard]] base::Duration survey(const std::stop_token& stop);
  /// True if supervisord's log has been read to its end.
  bool read_log(const std::stop_token& stop);
  /// Reads again the processes that events have changed, one by one.
  void read_changed(const std::stop_token& stop);
  /// Publishes nothing: the publisher thread, which calls it, publishes afterwards.
  void apply_events(const EventBatch& batch);

  void request_poll();
  void configure(const PollOptions& options);

  [[nodiscard]] const std::string& name() const { return member_.name; }
  [[nodiscard]] SupervisorSnapshot snapshot() const;
  [[nodiscard]] bool tried() const;

 private:
  /// What a poll left to be done.
  struct PollOutcome {
    base::Duration pause{};
    bool log_at_end = false;     ///< its text of the log reached the log's end
    bool log_goes_on = false;    ///< there is more of the log to read at once
    bool of_one_moment = false;  ///< PollAnswer::of_one_moment
  };
  struct AnsweredPoll {
    substrate::PollAnswer answer;
    bool surveyed = false;   ///< with a mark
    bool log_asked = false;  ///< PollRequest::log
    base::SteadyTime asked;
    base::SteadyTime at;
  };

  [[nodiscard]] PollOutcome poll(PollTask task, const std::stop_token& stop);
  [[nodiscard]] base::Duration run_task(PollTask task, const std::stop_token& stop);
  [[nodiscard]] base::Duration poll_with_log(const std::stop_token& stop);
  struct SentPoll {
    base::Result<AnsweredPoll> result;
    base::Duration took{};  ///< of the request itself
  };
  [[nodiscard]] SentPoll send_poll(PollTask task, const std::stop_token& stop);
  [[nodiscard]] SentPoll send_request(PollTask task, const std::stop_token& stop);
  /// Applies the pid and the log; what is returned is left to apply. Nothing if the answer is
  /// outdated.
  [[nodiscard]] std::optional<PollResult> apply_pid_and_log(AnsweredPoll answered,
                                                            PollOutcome& outcome);
  void apply_log_of_poll(const AnsweredPoll& answered, PollResult& poll, PollOutcome& outcome);
  [[nodiscard]] bool may_read_log() const;
  /// A poll now brings the rest of the log.
  [[nodiscard]] bool log_comes_with_poll() const { return may_read_log() && tail_.following(); }
  void log_failed(const base::Error& error);
  void request_description(const std::stop_token& stop);
  void carry_out(const Effects& effects);
  [[nodiscard]] Moment now() const { return {clock_.steady_now(), clock_.system_now()}; }

  const Member member_;
  const std::size_t index_;
  const base::Clock& clock_;
  const base::Log log_;
  const std::function<void()> publish_;
  const std::string run_;
  base::Guarded<PollOptions> options_;
  base::Guarded<SupervisorState> state_;
  ResourceMeter meter_;
  base::Guarded<Usages> usages_;
  base::Guarded<std::stop_source> running_poll_;  ///< that a failed heartbeat abandons
  base::Guarded<PollProgress> poll_progress_;
  base::Wakeup wake_heartbeat_;
  base::Wakeup wake_poll_;

  // Of the poll thread alone.
  events::LogTail tail_;
  base::SteadyTime log_refused_until_{};
  unsigned log_reads_unanswered_ = 0;
  bool refusal_logged_ = false;
};

}  // namespace reeve::monitor
