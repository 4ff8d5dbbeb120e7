#include "events/relay_buffer.h"

#include <algorithm>
#include <utility>

namespace reeve::events {
namespace {

std::size_t size_of(const RawEvent& event) {
  constexpr std::size_t overhead = 128;  // the queue's own
  return event.header.size() + event.payload.size() + overhead;
}

}  // namespace

void RelayBuffer::put(RawEvent event, base::SteadyTime at) {
  bytes_ += size_of(event);
  waiting_.push_back({{++last_number_, {}, std::move(event)}, at});
  while (bytes_ > max_bytes_) {
    drop_oldest();
    ++dropped_;
  }
}

const RelayedEvent* RelayBuffer::next(base::SteadyTime now) {
  if (all_sent()) {
    return nullptr;
  }
  Waiting& next = waiting_[sent_++];
  next.event.age = std::chrono::duration_cast<std::chrono::microseconds>(now - next.at);
  return &next.event;
}

void RelayBuffer::acknowledge(std::uint64_t number) {
  while (!waiting_.empty() && waiting_.front().event.number <= number) {
    drop_oldest();
  }
}

void RelayBuffer::drop_oldest() {
  bytes_ -= size_of(waiting_.front().event.event);
  waiting_.pop_front();
  sent_ -= std::min<std::size_t>(sent_, 1);
}

}  // namespace reeve::events
