#pragma once

// Watches one supervisord: asks, feeds its Watcher with the answers, does what the Watcher
// says. Two threads of the Fleet drive it, one with heartbeats, one with polls, so that a slow
// full poll never hides whether supervisord answers at all.

#include <functional>
#include <stop_token>

#include "fleet/pace.h"
#include "fleet/resource_meter.h"
#include "fleet/watcher.h"
#include "reeve/base/guarded.h"
#include "reeve/base/log.h"
#include "reeve/base/wakeup.h"
#include "reeve/fleet/fleet.h"

namespace reeve::fleet {

class Watch {
 public:
  /// `publish` is called, on either thread, when there is news; it must return quickly.
  Watch(Member member, std::size_t index, const PollOptions& options, const base::Clock& clock,
        base::Log log, std::function<void()> publish);

  /// The two loops; they return once a stop is requested.
  void run_heartbeats(const std::stop_token& stop);
  void run_polls(const std::stop_token& stop);

  /// One heartbeat.
  void beat(const std::stop_token& stop);
  /// What the programs use, once. On the heartbeats' thread.
  void measure();
  /// One full poll, or none if supervisord is silent. How long to leave it alone now: no less
  /// than it was kept busy.
  [[nodiscard]] base::Duration poll(const std::stop_token& stop);

  void nudge() { wake_poll_.nudge(); }
  void configure(const PollOptions& options);

  [[nodiscard]] const std::string& name() const { return member_.name; }
  [[nodiscard]] SupervisorSnapshot seen() const;
  [[nodiscard]] bool tried() const;

 private:
  [[nodiscard]] base::Result<Poll> ask(const std::stop_token& stop);
  void describe(const std::stop_token& stop);
  void act(const Step& step);
  [[nodiscard]] Moment now() const { return {clock_.steady_now(), clock_.system_now()}; }

  const Member member_;
  const std::size_t index_;
  const base::Clock& clock_;
  const base::Log log_;
  const std::function<void()> publish_;
  base::Guarded<PollOptions> options_;
  base::Guarded<Watcher> watcher_;
  ResourceMeter meter_;
  base::Guarded<Usages> usages_;
  base::Guarded<std::stop_source> poll_under_way_;
  base::Wakeup wake_heartbeat_;
  base::Wakeup wake_poll_;
};

}  // namespace reeve::fleet
