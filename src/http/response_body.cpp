#include "http/response_body.h"

#include <condition_variable>
#include <mutex>
#include <utility>

#include "base/guarded.h"
#include "http/message.h"

namespace reeve::http {
namespace {

template <class... Arguments>
void call(const std::function<void(Arguments...)>& callback, Arguments... arguments) {
  if (callback) {
    callback(arguments...);
  }
}

}  // namespace

struct DeferredResponse::State {
  struct Slot {
    std::optional<Response> response;
    std::function<void()> notify;
    std::function<Response()> fallback;  ///< until take()
    bool closed = false;                 ///< take() was called
  };

  std::chrono::nanoseconds timeout;
  base::Guarded<Slot> slot;
};

DeferredResponse::DeferredResponse(std::chrono::nanoseconds timeout,
                                   std::function<Response()> fallback)
    : state_(std::make_shared<State>()) {
  state_->timeout = timeout;
  state_->slot.with([&](State::Slot& slot) { slot.fallback = std::move(fallback); });
}

void DeferredResponse::complete(Response response) const {
  const auto notify = state_->slot.with([&](State::Slot& slot) -> std::function<void()> {
    if (slot.closed || slot.response) {
      return {};
    }
    slot.response = std::move(response);
    return std::exchange(slot.notify, {});
  });
  call(notify);
}

void DeferredResponse::subscribe(std::function<void()> notify) const {
  state_->slot.with([&](State::Slot& slot) {
    if (!slot.response) {
      slot.notify = std::move(notify);
    }
  });
}

bool DeferredResponse::ready() const {
  return state_->slot.with([](const State::Slot& slot) { return slot.response.has_value(); });
}

Response DeferredResponse::take() const {
  auto [response, fallback] = state_->slot.with([](State::Slot& slot) {
    slot.closed = true;
    slot.notify = {};
    return std::pair(std::exchange(slot.response, std::nullopt),
                     std::exchange(slot.fallback, nullptr));
  });
  return response ? std::move(*response) : fallback();
}

std::chrono::nanoseconds DeferredResponse::timeout() const {
  return state_->timeout;
}

struct StreamState {
  explicit StreamState(StreamOptions settings) : options(std::move(settings)) {}

  /// Drops the bytes that wait and calls on_disconnect, once.
  void disconnect();

  const StreamOptions options;
  std::mutex mutex;
  std::condition_variable changed;  ///< there is room, or the reader is gone
  std::string waiting;
  bool ended = false;
  bool disconnected = false;
  std::function<void(StreamReader::Change)> notify;  ///< the reader's
  std::function<void()> on_disconnect;               ///< the writer's
};

void StreamState::disconnect() {
  std::unique_lock lock(mutex);
  if (std::exchange(disconnected, true)) {
    return;
  }
  std::string().swap(waiting);
  const auto callback = std::exchange(on_disconnect, nullptr);
  notify = nullptr;
  lock.unlock();
  changed.notify_all();
  call(callback);
}

bool StreamWriter::write(std::string_view bytes) const {
  return write(bytes, std::chrono::nanoseconds::zero());
}

bool StreamWriter::write(std::string_view bytes, std::chrono::nanoseconds timeout) const {
  StreamState& state = *state_;
  std::unique_lock lock(state.mutex);
  const auto fits = [&] {
    return state.waiting.empty() ||
           state.waiting.size() + bytes.size() <= state.options.max_waiting;
  };
  state.changed.wait_for(lock, timeout, [&] { return state.disconnected || fits(); });
  if (state.disconnected || state.ended) {
    return false;
  }
  const bool taken = fits();
  if (taken) {
    state.waiting += bytes;
  }
  const auto notify = state.notify;
  lock.unlock();
  call(notify, taken ? StreamReader::Change::data : StreamReader::Change::overflow);
  if (!taken) {
    state.disconnect();
  }
  return taken;
}

void StreamWriter::end() const {
  std::unique_lock lock(state_->mutex);
  state_->ended = true;
  const auto notify = state_->notify;
  lock.unlock();
  call(notify, StreamReader::Change::data);
}

bool StreamWriter::is_open() const {
  const std::scoped_lock lock(state_->mutex);
  return !state_->disconnected && !state_->ended;
}

void StreamWriter::on_disconnect(std::function<void()> callback) const {
  std::unique_lock lock(state_->mutex);
  if (!state_->disconnected) {
    state_->on_disconnect = std::move(callback);
    return;
  }
  lock.unlock();
  call(callback);
}

StreamReader::~StreamReader() {
  state_->disconnect();
}

void StreamReader::subscribe(std::function<void(Change)> notify) {
  const std::scoped_lock lock(state_->mutex);
  state_->notify = std::move(notify);
}

bool StreamReader::ready() const {
  const std::scoped_lock lock(state_->mutex);
  return !state_->waiting.empty() || state_->ended || state_->disconnected;
}

std::optional<StreamReader::Piece> StreamReader::take() {
  std::unique_lock lock(state_->mutex);
  if (state_->disconnected) {
    return std::nullopt;
  }
  Piece piece{.bytes = std::exchange(state_->waiting, {}), .last = state_->ended};
  lock.unlock();
  state_->changed.notify_all();
  return piece;
}

const StreamOptions& StreamReader::options() const {
  return state_->options;
}

ResponseStream make_stream(StreamOptions options) {
  auto state = std::make_shared<StreamState>(std::move(options));
  return {.writer = StreamWriter(state), .reader = std::make_shared<StreamReader>(state)};
}

}  // namespace reeve::http
