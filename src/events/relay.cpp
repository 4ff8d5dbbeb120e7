#include "events/relay.h"

#include <algorithm>
#include <array>
#include <utility>

#include <poll.h>
#include <unistd.h>

#include "procfs/proc_fs.h"

namespace reeve::events {

using base::Duration;
using base::Result;
using base::SteadyTime;

namespace {

/// Until supervisord closes the input, a stop, or an error of the listener.
Result<void> relay(Listener& listener, RelayClient& client, const base::Clock& clock,
                   const std::stop_token& stop) {
  const auto consumer = [&](const EventHeader&, RawEvent event) {
    client.enqueue(std::move(event));
  };
  const StopEvent stopped(stop);
  if (auto ready = listener.send_ready(); !ready) {
    return ready;
  }
  while (!stop.stop_requested()) {
    client.connect_and_send();
    std::array waited = {pollfd{stopped.descriptor(), POLLIN, 0},
                         pollfd{listener.input(), POLLIN, 0}, client.poll_request()};
    const WaitUntil until = earlier(listener.wait_until(), client.next_attempt());
    ::poll(waited.data(), waited.size(), poll_timeout(until, clock.steady_now()));
    if ((waited[2].revents & ~POLLOUT) != 0) {
      client.receive();
    }
    const auto input = listener.handle(waited[1].revents != 0, consumer);
    if (!input || *input == Listener::Input::closed) {
      return input.map([](Listener::Input) {});
    }
  }
  return {};
}

/// Sends the rest of the buffer, for at most `span`.
void drain(RelayClient& client, const base::Clock& clock, Duration span) {
  const SteadyTime end = clock.steady_now() + span;
  while (!client.all_acknowledged() && clock.steady_now() < end) {
    client.connect_and_send();
    pollfd waited = client.poll_request();
    const SteadyTime until = std::min(end, client.next_attempt().value_or(end));
    ::poll(&waited, 1, poll_timeout(until, clock.steady_now()));
    if ((waited.revents & ~POLLOUT) != 0) {
      client.receive();
    }
  }
}

constexpr base::Duration first_retry_delay = std::chrono::milliseconds(50);
constexpr base::Duration longest_retry_delay = std::chrono::seconds(2);
constexpr std::size_t max_outgoing = std::size_t{64} * 1024;

std::size_t size_of(const RawEvent& event) {
  constexpr std::size_t overhead = 128;  // the queue's own
  return event.header.size() + event.payload.size() + overhead;
}

}  // namespace

void RelayBuffer::put(RawEvent event, base::SteadyTime at) {
  bytes_ += size_of(event);
  entries_.push_back({{++last_number_, {}, std::move(event)}, at});
  while (bytes_ > max_bytes_) {
    drop_oldest();
    ++dropped_;
  }
}

const RelayedEvent* RelayBuffer::next(base::SteadyTime now) {
  if (all_sent()) {
    return nullptr;
  }
  Entry& next = entries_[sent_++];
  next.event.age = std::chrono::duration_cast<std::chrono::microseconds>(now - next.at);
  return &next.event;
}

void RelayBuffer::acknowledge(std::uint64_t number) {
  while (!entries_.empty() && entries_.front().event.number <= number) {
    drop_oldest();
  }
}

void RelayBuffer::drop_oldest() {
  bytes_ -= size_of(entries_.front().event.event);
  entries_.pop_front();
  sent_ -= std::min<std::size_t>(sent_, 1);
}

RelayClient::RelayClient(const EventSource& source, const RelayOptions& options,
                         const base::Clock& clock, base::Log log)
    : hello_(encode(Hello{source})),
      socket_(options.socket),
      clock_(&clock),
      log_(std::move(log)),
      buffer_(options.buffer_bytes),
      next_attempt_(clock.steady_now()),
      retry_delay_(first_retry_delay) {}

void RelayClient::enqueue(RawEvent event) {
  const bool reported = buffer_.dropped() > reported_drops_;
  buffer_.put(std::move(event), clock_->steady_now());
  if (!reported && buffer_.dropped() > reported_drops_) {
    log_.warning("the buffer is full: the oldest events are dropped", {{"socket", socket_}});
  }
}

void RelayClient::connect_and_send() {
  if (!connection_.valid() && clock_->steady_now() >= next_attempt_) {
    connect();
  }
  if (connection_.valid()) {
    send();
  }
}

void RelayClient::receive() {
  if (!read_acknowledgements()) {
    disconnect();
  }
}

bool RelayClient::read_acknowledgements() {
  std::string bytes;
  Transfer transfer = Transfer::done;
  while (transfer == Transfer::done) {
    transfer = receive_some(connection_, bytes);
    const auto acknowledged = acknowledgements_.feed(bytes);
    if (!acknowledged) {
      log_.warning("the agent sent a malformed acknowledgement",
                   {{"error", acknowledged.error().message}});
      return false;
    }
    if (*acknowledged) {
      buffer_.acknowledge(**acknowledged);
      note_success();
    }
  }
  return transfer != Transfer::closed;
}

pollfd RelayClient::poll_request() const {
  const bool to_send = !outgoing_.empty() || !buffer_.all_sent();
  return {connection_.get(), static_cast<short>(to_send ? POLLIN | POLLOUT : POLLIN), 0};
}

WaitUntil RelayClient::next_attempt() const {
  return connection_.valid() ? std::nullopt : WaitUntil(next_attempt_);
}

void RelayClient::connect() {
  auto connection = connect_unix(socket_);
  if (!connection) {
    schedule_retry(connection.error().message);
    return;
  }
  connection_ = std::move(*connection);
  outgoing_ = hello_;
}

void RelayClient::note_success() {
  retry_delay_ = first_retry_delay;
  reported_unreachable_ = false;
  if (!std::exchange(reported_success_, true)) {
    reported_drops_ = buffer_.dropped();
    log_.info("delivering events to the agent",
              {{"socket", socket_}, {"dropped", std::to_string(reported_drops_)}});
  }
}

void RelayClient::send() {
  while (outgoing_.size() < max_outgoing) {
    const RelayedEvent* const event = buffer_.next(clock_->steady_now());
    if (event == nullptr) {
      break;
    }
    outgoing_ += encode(*event);
  }
  const Sent sent = send_some(connection_, outgoing_);
  outgoing_.erase(0, sent.bytes);
  if (sent.transfer == Transfer::closed) {
    (void)read_acknowledgements();  // the last ones, so that those events are not sent again
    disconnect();
  }
}

void RelayClient::disconnect() {
  connection_.reset();
  outgoing_.clear();
  acknowledgements_ = {};
  buffer_.rewind();
  schedule_retry("it closed the connection");
}

void RelayClient::schedule_retry(const std::string& reason) {
  reported_success_ = false;
  if (!std::exchange(reported_unreachable_, true)) {
    log_.warning("cannot deliver events to the agent, buffering them",
                 {{"socket", socket_}, {"reason", reason}});
  }
  next_attempt_ = clock_->steady_now() + retry_delay_;
  retry_delay_ = std::min(2 * retry_delay_, longest_retry_delay);
}

EventSource source_of_listener(std::string server_url) {
  const pid_t parent = ::getppid();
  // The start, in ticks since boot, distinguishes two daemons with the same pid.
  const auto stat = procfs::read_stat({parent});
  const std::string start = stat ? std::to_string(stat->start) : "";
  return {.server_url = std::move(server_url), .daemon = std::to_string(parent) + "." + start};
}

Result<void> relay_events(Streams streams, const EventSource& source, const RelayOptions& options,
                          const base::Clock& clock, const base::Log& log,
                          const std::stop_token& stop) {
  Listener listener(std::move(streams), clock);
  RelayClient client(source, options, clock, log);
  auto result = relay(listener, client, clock, stop);
  drain(client, clock, options.drain);
  return result;
}

}  // namespace reeve::events
