#pragma once

// A body that is made while it is sent: server-sent events, a log that is followed. The producer
// writes from any thread into a bounded buffer and never waits for the network unless it wants to;
// a client that does not keep up is cut off. A Feed is the producer's end; copies are handles of
// the same. Its Outlet is the transport's end, which stands in the Response: once it is gone,
// sent or not, nobody listens any more.

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace reeve::http {

struct FeedOptions {
  /// Bytes that wait for the client; a single piece may be larger.
  std::size_t max_waiting = std::size_t{256} * 1024;
  /// Sent whenever nothing else was for so long: nobody in between gives up. Empty: nothing is.
  std::string heartbeat = {};
  std::chrono::milliseconds heartbeat_interval{15'000};
};

class Feed {
 public:
  class Outlet;  // src/http/feed.h

  struct Ends;
  [[nodiscard]] static Ends open(FeedOptions options = {});

  /// False if nobody listens any more. Where there is no room, the client is cut off, and this is
  /// false too.
  // NOLINTNEXTLINE(modernize-use-nodiscard): on_gone tells as well
  bool write(std::string_view bytes) const;
  /// The same, but waits for room first, at most so long.
  // NOLINTNEXTLINE(modernize-use-nodiscard)
  bool write(std::string_view bytes, std::chrono::nanoseconds patience) const;
  /// What waits is still sent.
  void end() const;
  [[nodiscard]] bool is_open() const;
  /// Called once, on any thread, when nobody listens any more, at once if that is so already. It
  /// must return quickly.
  void on_gone(std::function<void()> callback) const;

  struct State;

 private:
  explicit Feed(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

struct Feed::Ends {
  Feed feed;
  std::shared_ptr<Outlet> outlet;  ///< for the Response, and for nobody else
};

}  // namespace reeve::http
