#include "http/worker_pool.h"

#include <utility>

#include <pthread.h>

namespace reeve::http {

WorkerPool::WorkerPool(const Size& size, const std::string& name)
    : size_(size), idle_(size.threads) {
  for (std::size_t i = 0; i < size_.threads; ++i) {
    threads_.emplace_back([this, name](const std::stop_token& stop) {
      name_thread(name);
      work(stop);
    });
  }
}

WorkerPool::~WorkerPool() {
  stop();
}

bool WorkerPool::submit(Job job) {
  {
    const std::scoped_lock lock(mutex_);
    if (stopped_ || queue_.size() >= idle_ + size_.max_queued) {
      return false;
    }
    queue_.push_back(std::move(job));
  }
  changed_.notify_one();
  return true;
}

void WorkerPool::stop() {
  std::deque<Job> dropped;
  {
    const std::scoped_lock lock(mutex_);
    stopped_ = true;
    dropped.swap(queue_);
  }
  dropped.clear();
  for (std::jthread& thread : threads_) {
    thread.request_stop();
  }
  threads_.clear();
}

void WorkerPool::work(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [this] { return !queue_.empty(); })) {
    Job job = std::move(queue_.front());
    queue_.pop_front();
    --idle_;
    lock.unlock();
    job();
    job = {};
    lock.lock();
    ++idle_;
  }
}

void name_thread(const std::string& name) {
  ::pthread_setname_np(::pthread_self(), name.substr(0, 15).c_str());
}

}  // namespace reeve::http
