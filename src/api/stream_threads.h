#pragma once

// Threads that write streamed bodies which are read piece by piece: a bounded number of them, so
// that slow clients hold neither the workers of the listener nor whole bodies in memory. A thread
// ends when its client leaves, when its body is written, and with this. Thread-safe.

#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <stop_token>

#include "base/guarded.h"
#include "http/response_body.h"

namespace reeve::api {

/// Long answers of the audit that are sent at a time.
inline constexpr std::size_t max_audit_streams = 4;

class StreamThreads {
 public:
  explicit StreamThreads(std::size_t max_threads);
  ~StreamThreads();
  StreamThreads(const StreamThreads&) = delete;
  StreamThreads& operator=(const StreamThreads&) = delete;

  /// Runs `produce` on a thread of its own, and then ends the body. The token is stopped when the
  /// client is gone. False if max_threads are running.
  [[nodiscard]] bool start(const http::StreamWriter& writer,
                           std::function<void(const std::stop_token&)> produce);

 private:
  struct Running;

  const std::size_t max_threads_;
  base::Guarded<std::list<std::unique_ptr<Running>>> running_;
};

}  // namespace reeve::api
