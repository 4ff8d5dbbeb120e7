#pragma once

// What the connections of one listener share. Lives as long as the server; all of it belongs
// to the transport's thread, but for the counters and respond().

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/log.h"
#include "http/connection_table.h"
#include "http/message.h"
#include "http/options.h"
#include "http/worker_pool.h"

namespace reeve::http {

struct Service {
  Service(const ListenerOptions& settings, Handler handle, base::Log logger);

  /// The handler's response; a 500 and one line in the log if it throws. From any thread.
  [[nodiscard]] Response respond(const Request& request) const;
  /// What a late response is replaced by, guarded in the same way.
  [[nodiscard]] Response resolve(const std::function<Response()>& make) const;
  void leave(ConnectionTable::Place place);

  const ListenerOptions options;
  const Handler handler;
  const base::Log log;
  /// Shared with whoever may complete a Later after the server is gone.
  std::shared_ptr<boost::asio::io_context> io;
  ConnectionTable table;
  boost::asio::steady_timer drain_timer;  ///< when what is under way is cut off
  bool draining = false;
  std::optional<WorkerPool> workers;  ///< none: the handler runs on the transport's thread

  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> rejected{0};
  std::atomic<std::uint64_t> evicted{0};
  std::atomic<std::uint64_t> open{0};
};

}  // namespace reeve::http
