#pragma once

// The two ends of a Feed, and what is between them. Written on any thread; read by one connection
// on the transport's thread.

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "http/stream_writer.h"

namespace reeve::http {

struct Feed::State {
  enum class News {
    look,
    cut_off,  ///< the client was too slow: what it has not taken is lost
  };

  explicit State(FeedOptions settings) : options(std::move(settings)) {}

  /// Nobody listens any more: what waits is dropped, and the producer told. Once.
  void leave();

  const FeedOptions options;
  std::mutex mutex;
  std::condition_variable room;  ///< there is some, or nobody listens any more
  std::string waiting;
  bool ended = false;
  bool gone = false;
  std::function<void(News)> notify;  ///< the transport, of each change
  std::function<void()> on_gone;
};

class Feed::Outlet {
 public:
  explicit Outlet(std::shared_ptr<State> state) : state_(std::move(state)) {}
  ~Outlet() { state_->leave(); }
  Outlet(const Outlet&) = delete;
  Outlet& operator=(const Outlet&) = delete;

  struct Piece {
    std::string bytes;
    bool last = false;
  };

  /// From now on `notify` is called on each change, on the thread that makes it.
  void subscribe(std::function<void(State::News)> notify);
  /// There is something to take, or there will be nothing more.
  [[nodiscard]] bool ready() const;
  /// All that waits; nothing once the client was cut off.
  [[nodiscard]] std::optional<Piece> take();
  [[nodiscard]] const FeedOptions& options() const { return state_->options; }

 private:
  std::shared_ptr<State> state_;
};

}  // namespace reeve::http
