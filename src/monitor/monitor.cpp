#include "monitor/monitor.h"

#include <exception>
#include <optional>
#include <random>
#include <thread>
#include <utility>

#include "monitor/event_router.h"
#include "monitor/supervisor_monitor.h"

namespace reeve::monitor {
namespace {

using base::Wakeup;

constexpr base::Duration between_publications = std::chrono::milliseconds(50);
constexpr base::Duration no_timeout = std::chrono::hours(1);
/// A page of ten thousand processes takes a tenth of a second.
constexpr base::Duration max_publication = std::chrono::seconds(30);

/// Identifies this run of the agent in its marks.
std::string random_run_id() {
  std::random_device device;
  return std::to_string(device()) + "-" + std::to_string(device());
}

}  // namespace

struct Monitor::State {
  State(const base::Clock& time, base::Log sink, std::size_t members)
      : clock(time), log(std::move(sink)), run(random_run_id()), router(run, members) {}

  const base::Clock& clock;
  const base::Log log;
  std::function<void(const std::shared_ptr<const Snapshot>&)> listener;
  std::vector<std::unique_ptr<SupervisorMonitor>> monitors;
  const std::string run;
  EventRouter router;
  Wakeup changed;
  events::Inbox inbox{[this] { changed.nudge(); }};
  base::Guarded<std::shared_ptr<const Snapshot>> published;
  base::Guarded<std::optional<base::SteadyTime>> publishing_since;
  base::Guarded<std::size_t> running_threads;
  Wakeup thread_ended;
  std::vector<std::jthread> threads;

  void publish() {
    auto next = std::make_shared<Snapshot>();
    next->generation = published.copy()->generation + 1;
    next->complete = true;
    for (const auto& monitor : monitors) {
      // In this order: a supervisord that has been tried has its result in the snapshot.
      next->complete = monitor->tried() && next->complete;
      next->supervisors.push_back(monitor->snapshot());
    }
    const std::shared_ptr<const Snapshot> snapshot = std::move(next);
    published.with([&](auto& current) { current = snapshot; });
    if (listener) {
      publishing_since.with([&](auto& since) { since = clock.steady_now(); });
      listener(snapshot);
      publishing_since.with([](auto& since) { since.reset(); });
    }
  }

  void route_events() {
    const auto routed = router.route(inbox.take());
    for (std::size_t i = 0; i < monitors.size(); ++i) {
      monitors[i]->apply_events(routed.batches[i]);
    }
    for (const std::string& pool : routed.unbound_pools) {
      log.warning(
          "a listener's events cannot be counted: its supervisord is not one that Reeve monitors "
          "and can read, or its events= lacks REMOTE_COMMUNICATION",
          {{"listener", pool}});
    }
  }

  /// The first change is published at once, those within the next 50 ms together.
  void run_publisher(const std::stop_token& stop) {
    while (changed.wait_until(clock.steady_now() + no_timeout, stop) != Wakeup::Reason::stop) {
      route_events();
      publish();
      if (!clock.wait_until(clock.steady_now() + between_publications, stop)) {
        return;
      }
    }
  }

  template <class Loop>
  void spawn(Loop loop) {
    running_threads.with([](std::size_t& running) { ++running; });
    threads.emplace_back([this, loop](const std::stop_token& stop) {
      try {
        loop(stop);
      } catch (const std::exception& error) {
        // This supervisord would no longer be monitored: end, to be started again.
        log.error("a monitoring thread failed, giving up", {{"error", error.what()}});
        std::terminate();
      }
      running_threads.with([](std::size_t& running) { --running; });
      thread_ended.nudge();
    });
  }
};

Monitor::Monitor(std::vector<Member> members, const PollOptions& options, const base::Clock& clock,
                 const base::Log& log)
    : state_(std::make_unique<State>(clock, log, members.size())) {
  auto first = std::make_shared<Snapshot>();
  for (Member& member : members) {
    state_->monitors.push_back(std::make_unique<SupervisorMonitor>(
        std::move(member), state_->monitors.size(), options, clock, log,
        [state = state_.get()] { state->changed.nudge(); }, state_->run));
    first->supervisors.push_back(state_->monitors.back()->snapshot());
  }
  state_->published.with([&](auto& published) { published = std::move(first); });
}

Monitor::~Monitor() {
  while (!stop()) {
  }
}

void Monitor::on_publish(std::function<void(const std::shared_ptr<const Snapshot>&)> listener) {
  state_->listener = std::move(listener);
}

void Monitor::start() {
  if (state_->listener) {
    state_->listener(snapshot());
  }
  state_->spawn(
      [state = state_.get()](const std::stop_token& stop) { state->run_publisher(stop); });
  for (const auto& each : state_->monitors) {
    SupervisorMonitor* const monitor = each.get();
    state_->spawn([monitor](const std::stop_token& stop) { monitor->run_heartbeats(stop); });
    state_->spawn([monitor](const std::stop_token& stop) { monitor->run_polls(stop); });
  }
}

bool Monitor::stop(base::Duration patience) {
  for (std::jthread& thread : state_->threads) {
    thread.request_stop();
  }
  const base::SteadyTime end = state_->clock.steady_now() + patience;
  while (state_->running_threads.copy() > 0) {
    if (state_->thread_ended.wait_until(end, {}) == Wakeup::Reason::time) {
      return false;
    }
  }
  state_->threads.clear();
  return true;
}

bool Monitor::publisher_hangs() const {
  const auto since = state_->publishing_since.copy();
  return since && state_->clock.steady_now() - *since > max_publication;
}

std::shared_ptr<const Snapshot> Monitor::snapshot() const {
  return state_->published.copy();
}

void Monitor::nudge(std::string_view supervisor) {
  for (const auto& monitor : state_->monitors) {
    if (monitor->name() == supervisor) {
      monitor->request_poll();
    }
  }
}

events::Inbox& Monitor::inbox() {
  return state_->inbox;
}

void Monitor::configure(const PollOptions& options) {
  for (const auto& monitor : state_->monitors) {
    monitor->configure(options);
  }
}

}  // namespace reeve::monitor
