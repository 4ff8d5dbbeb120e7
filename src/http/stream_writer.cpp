#include <utility>

#include "http/stream_state.h"

namespace reeve::http {
namespace {

template <class... Arguments>
void call(const std::function<void(Arguments...)>& callback, Arguments... arguments) {
  if (callback) {
    callback(arguments...);
  }
}

}  // namespace

Feed::Ends Feed::open(FeedOptions options) {
  auto state = std::make_shared<State>(std::move(options));
  auto outlet = std::make_shared<Outlet>(state);
  return {Feed(std::move(state)), std::move(outlet)};
}

bool Feed::write(std::string_view bytes) const {
  return write(bytes, std::chrono::nanoseconds::zero());
}

bool Feed::write(std::string_view bytes, std::chrono::nanoseconds patience) const {
  State& state = *state_;
  std::unique_lock lock(state.mutex);
  const auto fits = [&] {
    return state.waiting.empty() ||
           state.waiting.size() + bytes.size() <= state.options.max_waiting;
  };
  state.room.wait_for(lock, patience, [&] { return state.gone || fits(); });
  if (state.gone || state.ended) {
    return false;
  }
  const bool taken = fits();
  if (taken) {
    state.waiting += bytes;
  }
  const auto notify = state.notify;
  lock.unlock();
  call(notify, taken ? State::News::look : State::News::cut_off);
  if (!taken) {
    state.leave();
  }
  return taken;
}

void Feed::end() const {
  std::unique_lock lock(state_->mutex);
  state_->ended = true;
  const auto notify = state_->notify;
  lock.unlock();
  call(notify, State::News::look);
}

bool Feed::is_open() const {
  const std::scoped_lock lock(state_->mutex);
  return !state_->gone && !state_->ended;
}

void Feed::on_gone(std::function<void()> callback) const {
  std::unique_lock lock(state_->mutex);
  if (!state_->gone) {
    state_->on_gone = std::move(callback);
    return;
  }
  lock.unlock();
  call(callback);
}

void Feed::State::leave() {
  std::unique_lock lock(mutex);
  if (std::exchange(gone, true)) {
    return;
  }
  std::string().swap(waiting);
  const auto tell = std::exchange(on_gone, nullptr);
  notify = nullptr;
  lock.unlock();
  room.notify_all();
  call(tell);
}

void Feed::Outlet::subscribe(std::function<void(State::News)> notify) {
  const std::scoped_lock lock(state_->mutex);
  state_->notify = std::move(notify);
}

bool Feed::Outlet::ready() const {
  const std::scoped_lock lock(state_->mutex);
  return !state_->waiting.empty() || state_->ended || state_->gone;
}

std::optional<Feed::Outlet::Piece> Feed::Outlet::take() {
  std::unique_lock lock(state_->mutex);
  if (state_->gone) {
    return std::nullopt;
  }
  Piece piece{std::exchange(state_->waiting, {}), state_->ended};
  lock.unlock();
  state_->room.notify_all();
  return piece;
}

}  // namespace reeve::http
