#include "http/deferred_response.h"

#include <utility>

namespace reeve::http {

Later::Later(std::chrono::nanoseconds patience, std::function<Response()> otherwise)
    : state_(std::make_shared<State>()) {
  state_->patience = patience;
  state_->otherwise = std::move(otherwise);
}

void Later::complete(Response response) const {
  const auto notify = state_->slot.with([&](State::Slot& slot) -> std::function<void()> {
    if (slot.closed || slot.response) {
      return {};
    }
    slot.response = std::move(response);
    return std::exchange(slot.notify, {});
  });
  if (notify) {
    notify();
  }
}

void Later::State::subscribe(std::function<void()> notify) {
  slot.with([&](Slot& held) {
    if (!held.response) {
      held.notify = std::move(notify);
    }
  });
}

bool Later::State::ready() const {
  return slot.with([](const Slot& held) { return held.response.has_value(); });
}

Response Later::State::take() {
  auto response = slot.with([](Slot& held) {
    held.closed = true;
    held.notify = {};
    return std::exchange(held.response, std::nullopt);
  });
  return response ? std::move(*response) : otherwise();
}

}  // namespace reeve::http
