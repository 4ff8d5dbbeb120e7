#include "monitor/monitor.h"

#include <exception>
#include <random>
#include <thread>
#include <utility>

#include "monitor/event_router.h"
#include "monitor/watch.h"

namespace reeve::monitor {
namespace {

using base::Wakeup;

constexpr base::Duration between_publications = std::chrono::milliseconds(50);
constexpr base::Duration a_long_time = std::chrono::hours(1);

/// A word for this run of the agent, in its marks.
std::string new_run() {
  std::random_device device;
  return std::to_string(device()) + "-" + std::to_string(device());
}

}  // namespace

struct Monitor::State {
  State(const base::Clock& time, base::Log sink, std::size_t members)
      : clock(time), log(std::move(sink)), run(new_run()), router(run, members) {}

  const base::Clock& clock;
  const base::Log log;
  std::function<void(const std::shared_ptr<const Snapshot>&)> listener;
  std::vector<std::unique_ptr<Watch>> watches;
  const std::string run;
  EventRouter router;
  Wakeup news;
  events::Inbox inbox{[this] { news.nudge(); }};
  base::Guarded<std::shared_ptr<const Snapshot>> published;
  std::vector<std::jthread> threads;

  void publish() {
    auto next = std::make_shared<Snapshot>();
    next->generation = published.copy()->generation + 1;
    next->complete = true;
    for (const auto& watch : watches) {
      // Asked first: whoever has been tried has that result in what is seen next.
      next->complete = watch->tried() && next->complete;
      next->supervisors.push_back(watch->seen());
    }
    const std::shared_ptr<const Snapshot> snapshot = std::move(next);
    published.with([&](auto& current) { current = snapshot; });
    if (listener) {
      listener(snapshot);
    }
  }

  void hand_out_events() {
    const auto routed = router.route(inbox.take());
    for (std::size_t i = 0; i < watches.size(); ++i) {
      watches[i]->hear(routed.members[i]);
    }
    for (const std::string& pool : routed.deaf_pools) {
      log.warning(
          "a listener's events cannot be counted: its supervisord is none that Reeve watches and "
          "can read, or its events= lack REMOTE_COMMUNICATION",
          {{"listener", pool}});
    }
  }

  /// The first news go out at once, what follows within 50 ms goes out together.
  void run_publisher(const std::stop_token& stop) {
    while (news.wait_until(clock.steady_now() + a_long_time, stop) != Wakeup::Reason::stop) {
      hand_out_events();
      publish();
      if (!clock.wait_until(clock.steady_now() + between_publications, stop)) {
        return;
      }
    }
  }

  template <class Loop>
  void spawn(Loop loop) {
    threads.emplace_back([this, loop](const std::stop_token& stop) {
      try {
        loop(stop);
      } catch (const std::exception& error) {
        // Nobody would watch any more: better to be started again.
        log.error("a watching thread failed, giving up", {{"error", error.what()}});
        std::terminate();
      }
    });
  }
};

Monitor::Monitor(std::vector<Member> members, const PollOptions& options, const base::Clock& clock,
                 base::Log log)
    : state_(std::make_unique<State>(clock, log, members.size())) {
  auto first = std::make_shared<Snapshot>();
  for (Member& member : members) {
    state_->watches.push_back(std::make_unique<Watch>(
        std::move(member), state_->watches.size(), options, clock, log,
        [state = state_.get()] { state->news.nudge(); }, state_->run));
    first->supervisors.push_back(state_->watches.back()->seen());
  }
  state_->published.with([&](auto& published) { published = std::move(first); });
}

Monitor::~Monitor() {
  stop();
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
  for (const auto& each : state_->watches) {
    Watch* const watch = each.get();
    state_->spawn([watch](const std::stop_token& stop) { watch->run_heartbeats(stop); });
    state_->spawn([watch](const std::stop_token& stop) { watch->run_polls(stop); });
  }
}

void Monitor::stop() {
  for (std::jthread& thread : state_->threads) {
    thread.request_stop();
  }
  state_->threads.clear();
}

std::shared_ptr<const Snapshot> Monitor::snapshot() const {
  return state_->published.copy();
}

void Monitor::nudge(std::string_view supervisor) {
  for (const auto& watch : state_->watches) {
    if (watch->name() == supervisor) {
      watch->nudge();
    }
  }
}

events::Inbox& Monitor::inbox() {
  return state_->inbox;
}

void Monitor::configure(const PollOptions& options) {
  for (const auto& watch : state_->watches) {
    watch->configure(options);
  }
}

}  // namespace reeve::monitor
