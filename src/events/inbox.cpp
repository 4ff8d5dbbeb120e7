#include "events/inbox.h"

#include <utility>

namespace reeve::events {

Inbox::Inbox(std::function<void()> news, std::size_t capacity)
    : news_(std::move(news)), capacity_(capacity) {}

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
  news_();
}

std::vector<Arrival> Inbox::take() {
  Queue taken = queue_.with([](Queue& queue) { return std::exchange(queue, {}); });
  if (taken.first_overflowed) {
    taken.first_overflowed->what = Gap{Gap::Cause::overflow, taken.overflowed};
    taken.arrivals.push_back(std::move(*taken.first_overflowed));
  }
  return std::move(taken.arrivals);
}

}  // namespace reeve::events
