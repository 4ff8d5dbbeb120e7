#include "events/inbox.h"

#include <algorithm>
#include <utility>

namespace reeve::events {
namespace {

constexpr std::size_t max_missing = 1000;

}  // namespace

Inbox::Inbox(std::function<void()> notify, std::size_t capacity)
    : notify_(std::move(notify)), capacity_(capacity) {}

void Inbox::put(Arrival arrival) {
  queue_.with([&](Queue& queue) {
    if (queue.arrivals.size() < capacity_) {
      queue.arrivals.push_back(std::move(arrival));
      return;
    }
    ++queue.overflowed;
    if (!queue.first_overflowed) {
      queue.first_overflowed = std::move(arrival);
    }
  });
  notify_();
}

bool Inbox::has_room() const {
  return queue_.with([&](const Queue& queue) { return queue.arrivals.size() < capacity_ / 2; });
}

std::vector<Arrival> Inbox::take() {
  Queue taken = queue_.with([](Queue& queue) { return std::exchange(queue, {}); });
  if (taken.first_overflowed) {
    taken.first_overflowed->what = Gap{.cause = Gap::Cause::overflow, .events = taken.overflowed};
    taken.arrivals.push_back(std::move(*taken.first_overflowed));
  }
  return std::move(taken.arrivals);
}

SequenceResult Sequence::add(const Serials& serials) {
  if (!highest_) {
    highest_ = serials;
    return {};
  }
  const std::uint64_t expected = highest_->pool_serial + 1;
  if (serials.pool_serial >= expected) {
    // The daemon's serial may decrease: another pool passed an older event on.
    const std::uint64_t lost = serials.pool_serial - expected;
    remember_missing(expected, serials.pool_serial);
    highest_ = {std::max(highest_->serial, serials.serial), serials.pool_serial};
    return {.kind = SequenceResult::Kind::fresh, .lost = lost};
  }
  if (serials.serial > highest_->serial) {
    // An event later than all before cannot be a repeat.
    highest_ = serials;
    missing_.clear();
    return {.kind = SequenceResult::Kind::restarted, .lost = serials.pool_serial};
  }
  const bool was_missing = missing_.erase(serials.pool_serial) > 0;
  return {.kind = was_missing ? SequenceResult::Kind::fresh : SequenceResult::Kind::repeat};
}

void Sequence::remember_missing(std::uint64_t from, std::uint64_t to) {
  for (std::uint64_t each = std::max(from, to - std::min<std::uint64_t>(to, max_missing));
       each < to; ++each) {
    missing_.insert(each);
  }
  while (missing_.size() > max_missing) {
    missing_.erase(missing_.begin());
  }
}

void PoolStream::put(const EventHeader& header, std::string_view payload, const ReceiptTime& at) {
  const SequenceResult result = sequence_.add(header.serials);
  if (result.kind == SequenceResult::Kind::repeat) {
    return;
  }
  if (result.kind == SequenceResult::Kind::restarted) {
    inbox_->put({source_, at, Gap{.cause = Gap::Cause::pool_restarted, .events = result.lost}});
  } else if (result.lost > 0) {
    inbox_->put({source_, at, Gap{.cause = Gap::Cause::lost, .events = result.lost}});
  }
  if (auto event = parse_event(header, payload)) {
    inbox_->put({source_, at, std::move(*event)});
  } else {
    put_unreadable(at);
  }
}

void PoolStream::put_lost(std::uint64_t events, const ReceiptTime& at) {
  inbox_->put({source_, at, Gap{.cause = Gap::Cause::lost, .events = events}});
}

void PoolStream::put_unreadable(const ReceiptTime& at) {
  inbox_->put({source_, at, Gap{.cause = Gap::Cause::unreadable, .events = 1}});
}

}  // namespace reeve::events
