#include "events/delivery.h"

#include <algorithm>
#include <utility>

namespace reeve::events {
namespace {

constexpr base::Duration first_pause = std::chrono::milliseconds(50);
constexpr base::Duration longest_pause = std::chrono::seconds(2);
constexpr std::size_t enough_to_send = std::size_t{64} * 1024;

}  // namespace

Delivery::Delivery(const Source& source, const RelayOptions& options, const base::Clock& clock,
                   base::Log log)
    : hello_(encode(Hello{source})),
      socket_(options.socket),
      clock_(&clock),
      log_(std::move(log)),
      buffer_(options.buffer_bytes),
      next_try_(clock.steady_now()),
      pause_(first_pause) {}

void Delivery::put(RawEvent event) {
  const bool reported = buffer_.dropped() > reported_drops_;
  buffer_.put(std::move(event), clock_->steady_now());
  if (!reported && buffer_.dropped() > reported_drops_) {
    log_.warning("the buffer is full: the oldest events are dropped", {{"socket", socket_}});
  }
}

void Delivery::work() {
  if (!connection_.valid() && clock_->steady_now() >= next_try_) {
    connect();
  }
  if (connection_.valid()) {
    send();
  }
}

void Delivery::hear() {
  if (!heard()) {
    disconnect();
  }
}

bool Delivery::heard() {
  std::string bytes;
  Transfer transfer = Transfer::done;
  while (transfer == Transfer::done) {
    transfer = receive_some(connection_, bytes);
    const auto number = acknowledgements_.feed(bytes);
    if (!number) {
      log_.warning("the agent's answer is not understood", {{"error", number.error().message}});
      return false;
    }
    if (*number) {
      buffer_.acknowledge(**number);
      note_success();
    }
  }
  return transfer != Transfer::closed;
}

pollfd Delivery::waited() const {
  const bool to_send = !outgoing_.empty() || !buffer_.all_sent();
  return {connection_.get(), static_cast<short>(to_send ? POLLIN | POLLOUT : POLLIN), 0};
}

Due Delivery::due() const {
  return connection_.valid() ? std::nullopt : Due(next_try_);
}

void Delivery::connect() {
  auto connection = connect_unix(socket_);
  if (!connection) {
    try_later(connection.error().message);
    return;
  }
  connection_ = std::move(*connection);
  outgoing_ = hello_;
}

void Delivery::note_success() {
  pause_ = first_pause;
  reported_absence_ = false;
  if (!std::exchange(reported_success_, true)) {
    reported_drops_ = buffer_.dropped();
    log_.info("the agent takes events",
              {{"socket", socket_}, {"dropped", std::to_string(reported_drops_)}});
  }
}

void Delivery::send() {
  while (outgoing_.size() < enough_to_send) {
    const RelayedEvent* const event = buffer_.next(clock_->steady_now());
    if (event == nullptr) {
      break;
    }
    outgoing_ += encode(*event);
  }
  const Sent sent = send_some(connection_, outgoing_);
  outgoing_.erase(0, sent.bytes);
  if (sent.transfer == Transfer::closed) {
    (void)heard();  // what it took before it closed is not to be sent again
    disconnect();
  }
}

void Delivery::disconnect() {
  connection_.reset();
  outgoing_.clear();
  acknowledgements_ = {};
  buffer_.rewind();
  try_later("it closed the connection");
}

void Delivery::try_later(const std::string& reason) {
  reported_success_ = false;
  if (!std::exchange(reported_absence_, true)) {
    log_.warning("the agent does not take events: they are kept until it does",
                 {{"socket", socket_}, {"reason", reason}});
  }
  next_try_ = clock_->steady_now() + pause_;
  pause_ = std::min(2 * pause_, longest_pause);
}

}  // namespace reeve::events
