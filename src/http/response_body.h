#pragma once

// Bodies that do not exist yet when the handler returns. A DeferredResponse is completed later, by
// any thread; a stream is written while it is sent (server-sent events, a log that is followed).
// Handles are thread-safe and cheap to copy; neither end ever holds a worker of the server.

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace reeve::http {

struct Response;

/// A response that will be known later. Copies are handles of the same one. If it is not completed
/// within `timeout`, or the server stops, the client gets what `fallback` makes, on the transport's
/// thread: it must return quickly.
class DeferredResponse {
 public:
  DeferredResponse(std::chrono::nanoseconds timeout, std::function<Response()> fallback);

  /// From any thread, at any time, even after the server is gone. The first response counts; one
  /// that comes after take() is dropped.
  void complete(Response response) const;

  // The transport's side.

  /// `notify` is called once, on the completing thread, unless the response is there already.
  void subscribe(std::function<void()> notify) const;
  [[nodiscard]] bool ready() const;
  /// The response, or the fallback, which is destroyed. Nothing can be completed or notified
  /// afterwards. Once.
  [[nodiscard]] Response take() const;
  [[nodiscard]] std::chrono::nanoseconds timeout() const;

  /// Whether both are handles of the same response.
  friend bool operator==(const DeferredResponse&, const DeferredResponse&) = default;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

struct StreamOptions {
  /// Bytes that may wait for the client; a single write may be larger.
  std::size_t max_waiting = std::size_t{256} * 1024;
  /// Sent after each heartbeat_interval without other bytes, so that no proxy closes the idle
  /// connection. Empty: nothing is sent.
  std::string heartbeat = {};
  std::chrono::milliseconds heartbeat_interval{15'000};
};

struct StreamState;
struct ResponseStream;

/// The producer's end of a streamed body: writes into a bounded buffer, from any thread, without
/// waiting for the network unless asked to. A client that does not keep up is disconnected.
class StreamWriter {
 public:
  /// False if the reader is gone. Without room the client is disconnected, and this is false too.
  // NOLINTNEXTLINE(modernize-use-nodiscard): on_disconnect reports it as well
  bool write(std::string_view bytes) const;
  /// The same, but waits for room first, at most `timeout`.
  // NOLINTNEXTLINE(modernize-use-nodiscard)
  bool write(std::string_view bytes, std::chrono::nanoseconds timeout) const;
  /// Ends the body; bytes that wait are still sent.
  void end() const;
  /// Neither ended nor disconnected.
  [[nodiscard]] bool is_open() const;
  /// Called once, on any thread, when the reader is gone; at once if it is gone already. It must
  /// return quickly.
  void on_disconnect(std::function<void()> callback) const;

 private:
  friend ResponseStream make_stream(StreamOptions options);
  explicit StreamWriter(std::shared_ptr<StreamState> state) : state_(std::move(state)) {}
  std::shared_ptr<StreamState> state_;
};

/// The transport's end, which the Response holds: when it is destroyed, sent or not, the stream is
/// disconnected. Read by one connection, on the transport's thread.
class StreamReader {
 public:
  enum class Change {
    data,      ///< there are bytes, or the end
    overflow,  ///< the client was too slow: the bytes that wait are lost
  };
  struct Piece {
    std::string bytes;
    bool last = false;
  };

  explicit StreamReader(std::shared_ptr<StreamState> state) : state_(std::move(state)) {}
  ~StreamReader();
  StreamReader(const StreamReader&) = delete;
  StreamReader& operator=(const StreamReader&) = delete;

  /// From now on `notify` is called for each change, on the thread that makes it.
  void subscribe(std::function<void(Change)> notify);
  /// take() has something to return, or the stream is over.
  [[nodiscard]] bool ready() const;
  /// All bytes that wait; nothing once the stream is disconnected.
  [[nodiscard]] std::optional<Piece> take();
  [[nodiscard]] const StreamOptions& options() const;

 private:
  std::shared_ptr<StreamState> state_;
};

/// The two ends of one streamed body. The reader is for the Response alone.
struct ResponseStream {
  StreamWriter writer;
  std::shared_ptr<StreamReader> reader;
};
[[nodiscard]] ResponseStream make_stream(StreamOptions options = {});

}  // namespace reeve::http
