#pragma once

// A few threads behind a bounded queue, for handlers that may take a while. Submitted to by
// the transport's thread; never blocks it.

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace reeve::http {

class WorkerPool {
 public:
  using Job = std::function<void()>;

  struct Size {
    std::size_t threads;
    std::size_t max_queued;  ///< jobs that no thread has taken up yet
  };

  /// `name` is what the threads are called in ps and gdb.
  WorkerPool(const Size& size, const std::string& name);
  ~WorkerPool();  ///< stops
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// False if the queue is full or the pool is stopped. A job must not throw.
  [[nodiscard]] bool submit(Job job);
  /// Drops what is queued and waits for what is running. Twice is harmless.
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

}  // namespace reeve::http
