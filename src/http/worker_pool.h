#pragma once

// The threads that run handlers which may take a while, in lanes: each has its own number of
// workers, so that one kind of request cannot keep another waiting. In a lane owners take turns,
// and none has all of its workers. submit() is called by the transport's thread and never blocks
// it.

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "http/message.h"

namespace reeve::http {

class WorkerPool {
 public:
  using Job = std::function<void()>;

  struct Size {
    std::vector<std::size_t> lanes;  ///< workers of each
    /// Jobs of a lane that no worker has begun yet; of one owner half of them.
    std::size_t max_queued;
  };

  /// `name` is the threads' name in ps and gdb.
  WorkerPool(Size size, const std::string& name);
  ~WorkerPool();  ///< stops
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// False if there is no room in the queue, or the pool is stopped. A job must not throw. Without
  /// an owner it is bounded by the lane alone.
  [[nodiscard]] bool submit(Job job, const Queueing& queueing = {});
  /// Drops the queues and waits for the jobs that run. Twice is harmless.
  void stop();

 private:
  struct Owner {
    std::string name;
    std::deque<Job> queue = {};
    std::size_t running = 0;
  };
  struct Lane {
    std::size_t workers;
    std::size_t running = 0;
    std::size_t queued = 0;
    std::list<Owner> owners = {};  ///< whose turn it is first
  };
  struct Turn {
    Lane* lane;
    std::list<Owner>::iterator owner;
    Job job;
  };

  // All under the mutex.
  [[nodiscard]] static std::list<Owner>::iterator owner_of(Lane& lane, const std::string& name);
  [[nodiscard]] bool has_room(const Lane& lane, const Owner& owner) const;
  [[nodiscard]] std::optional<Turn> next_turn();
  static void end_turn(const Turn& turn);

  void work(const std::stop_token& stop);

  const std::size_t max_queued_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<Lane> lanes_;
  bool stopped_ = false;
  std::vector<std::jthread> threads_;
};

/// Names the calling thread; the kernel keeps 15 bytes of it.
void name_thread(const std::string& name);

}  // namespace reeve::http
