#include "events/relay.h"

#include <algorithm>
#include <array>
#include <utility>

#include <poll.h>
#include <unistd.h>

#include "events/delivery.h"
#include "events/listener.h"
#include "events/stop_descriptor.h"
#include "procfs/proc_fs.h"

namespace reeve::events {

using base::Duration;
using base::Result;
using base::SteadyTime;

namespace {

/// Until supervisord ends the conversation, a stop, or one of the errors of a listener.
Result<void> relay(Listener& listener, Delivery& delivery, const base::Clock& clock,
                   const std::stop_token& stop) {
  const auto consumer = [&](RawEvent event) { delivery.put(std::move(event)); };
  const StopDescriptor stopped(stop);
  if (auto greeted = listener.say_ready(); !greeted) {
    return greeted;
  }
  while (!stop.stop_requested()) {
    delivery.work();
    std::array waited = {pollfd{stopped.get(), POLLIN, 0}, pollfd{listener.input(), POLLIN, 0},
                         delivery.waited()};
    const Due due = earlier(listener.due(), delivery.due());
    ::poll(waited.data(), waited.size(), milliseconds_until(due, clock.steady_now()));
    if ((waited[2].revents & ~POLLOUT) != 0) {
      delivery.hear();
    }
    const auto input = listener.attend(waited[1].revents != 0, consumer);
    if (!input || *input == Listener::Input::ended) {
      return input.map([](Listener::Input) {});
    }
  }
  return {};
}

/// supervisord sends nothing more: what is left goes to the agent, if it takes it in time.
void drain(Delivery& delivery, const base::Clock& clock, Duration span) {
  const SteadyTime end = clock.steady_now() + span;
  while (!delivery.delivered() && clock.steady_now() < end) {
    delivery.work();
    pollfd waited = delivery.waited();
    const SteadyTime until = std::min(end, delivery.due().value_or(end));
    ::poll(&waited, 1, milliseconds_until(until, clock.steady_now()));
    if ((waited.revents & ~POLLOUT) != 0) {
      delivery.hear();
    }
  }
}

}  // namespace

Source source_of_listener(std::string server_url) {
  const pid_t parent = ::getppid();
  // The start, in ticks since boot, tells two daemons with the same pid apart.
  const auto stat = procfs::read_stat({parent});
  const std::string start = stat ? std::to_string(stat->start) : "";
  return {std::move(server_url), std::to_string(parent) + "." + start};
}

Result<void> relay_events(Streams streams, const Source& source, const RelayOptions& options,
                          const base::Clock& clock, const base::Log& log,
                          const std::stop_token& stop) {
  Listener listener(std::move(streams), clock);
  Delivery delivery(source, options, clock, log);
  auto result = relay(listener, delivery, clock, stop);
  drain(delivery, clock, options.drain);
  return result;
}

}  // namespace reeve::events
