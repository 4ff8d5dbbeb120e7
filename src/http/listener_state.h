#pragma once

// What the connections of one listener share: the table of connections with its limits, the worker
// pool, the handler, the counters. Made and destroyed by the server; used on the transport's
// thread, except where a class says otherwise.

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/log.h"
#include "http/message.h"
#include "http/options.h"

namespace reeve::http {

/// A connection as the table sees it.
class ManagedConnection {
 public:
  ManagedConnection() = default;
  ManagedConnection(const ManagedConnection&) = delete;
  ManagedConnection& operator=(const ManagedConnection&) = delete;
  virtual ~ManagedConnection() = default;
  /// Closes the connection soon; it then leaves the table.
  virtual void close() = 0;
  /// The same, but after the response to a request in progress.
  virtual void drain() = 0;
};

/// The open connections, and which of them is closed for a new one when a limit is reached: the one
/// connected longest without a complete request, else the one idle longest after a response; never
/// one that is being answered.
class ConnectionTable {
 public:
  enum class Phase { reading, idle, answering, closing };

  struct Limits {
    std::size_t connections;
    std::size_t per_address;
  };

  struct Entry {
    ManagedConnection* connection;
    std::string address;
    Phase phase;
  };
  using Position = std::list<Entry>::iterator;

  enum class Room {
    free,     ///< there is room
    evicted,  ///< another connection was closed to make room
    none,
  };

  explicit ConnectionTable(const Limits& limits) : limits_(limits) {}

  /// Makes room for a connection from `address` (empty: no limit per address).
  [[nodiscard]] Room make_room(const std::string& address);
  [[nodiscard]] Position add(ManagedConnection& connection, const std::string& address);
  void change(Position position, Phase phase);
  void remove(Position position);

  /// Without those that are closing.
  [[nodiscard]] std::size_t size() const;
  /// With those that are closing.
  [[nodiscard]] bool empty() const { return size() == 0 && closing_.empty(); }
  void for_each(const std::function<void(ManagedConnection&)>& visit);

 private:
  [[nodiscard]] std::list<Entry>& list_of(Phase phase);
  [[nodiscard]] std::optional<Position> longest_waiting(const std::string& address);
  void release_address(const std::string& address);

  Limits limits_;
  std::list<Entry> reading_;  ///< each list: longest in it first
  std::list<Entry> idle_;
  std::list<Entry> answering_;
  std::list<Entry> closing_;
  std::unordered_map<std::string, std::size_t> per_address_;
};

/// A few threads behind a bounded queue, for handlers that may take a while. submit() is called by
/// the transport's thread and never blocks it.
class WorkerPool {
 public:
  using Job = std::function<void()>;

  struct Size {
    std::size_t threads;
    std::size_t max_queued;  ///< jobs that no thread has begun yet
  };

  /// `name` is the threads' name in ps and gdb.
  WorkerPool(const Size& size, const std::string& name);
  ~WorkerPool();  ///< stops
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// False if the queue is full or the pool is stopped. A job must not throw.
  [[nodiscard]] bool submit(Job job);
  /// Drops the queue and waits for the jobs that run. Twice is harmless.
  void stop();

 private:
  void work(const std::stop_token& stop);

  const Size size_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Job> queue_;
  std::size_t idle_ = 0;
  bool stopped_ = false;
  std::vector<std::jthread> threads_;
};

/// Names the calling thread; the kernel keeps 15 bytes of it.
void name_thread(const std::string& name);

struct ListenerState {
  ListenerState(const ListenerOptions& settings, Handler handle, base::Log logger);

  /// The handler's response; a 500 and one line in the log if it throws. From any thread.
  [[nodiscard]] Response respond(const Request& request) const;
  /// The same for any function that makes a response.
  [[nodiscard]] Response guard(const std::function<Response()>& make) const;
  void remove(ConnectionTable::Position position);

  const ListenerOptions options;
  const Handler handler;
  const base::Log log;
  /// Shared with the callbacks of a DeferredResponse, which may outlive the server.
  std::shared_ptr<boost::asio::io_context> io;
  ConnectionTable table;
  boost::asio::steady_timer drain_timer;  ///< closes the connections that a drain waits for
  bool draining = false;
  std::optional<WorkerPool> workers;  ///< none: the handler runs on the transport's thread

  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> rejected{0};
  std::atomic<std::uint64_t> evicted{0};
  std::atomic<std::uint64_t> open{0};
};

}  // namespace reeve::http
