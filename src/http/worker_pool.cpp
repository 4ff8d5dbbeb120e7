#include "http/worker_pool.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <utility>

#include <pthread.h>

namespace reeve::http {

WorkerPool::WorkerPool(Size size, const std::string& name) : max_queued_(size.max_queued) {
  for (const std::size_t workers : size.lanes) {
    lanes_.push_back({.workers = workers});
  }
  const std::size_t threads = std::accumulate(size.lanes.begin(), size.lanes.end(), std::size_t{0});
  for (std::size_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this, name](const std::stop_token& stop) {
      name_thread(name);
      work(stop);
    });
  }
}

WorkerPool::~WorkerPool() {
  stop();
}

std::list<WorkerPool::Owner>::iterator WorkerPool::owner_of(Lane& lane, const std::string& name) {
  const auto found = std::find_if(lane.owners.begin(), lane.owners.end(),
                                  [&](const Owner& each) { return each.name == name; });
  return found != lane.owners.end() ? found
                                    : lane.owners.insert(lane.owners.end(), Owner{.name = name});
}

bool WorkerPool::has_room(const Lane& lane, const Owner& owner) const {
  const std::size_t places = lane.workers - lane.running + max_queued_;
  const std::size_t own = owner.name.empty() ? places : std::max<std::size_t>(places / 2, 1);
  return lane.queued < places && owner.queue.size() < own;
}

bool WorkerPool::submit(Job job, const Queueing& queueing) {
  {
    const std::scoped_lock lock(mutex_);
    if (stopped_) {
      return false;
    }
    Lane& lane = lanes_.at(queueing.lane);
    const auto owner = owner_of(lane, queueing.owner);
    if (!has_room(lane, *owner)) {
      return false;
    }
    owner->queue.push_back(std::move(job));
    ++lane.queued;
  }
  changed_.notify_one();
  return true;
}

void WorkerPool::stop() {
  std::vector<Job> dropped;
  {
    const std::scoped_lock lock(mutex_);
    stopped_ = true;
    for (Lane& lane : lanes_) {
      lane.queued = 0;
      for (Owner& owner : lane.owners) {
        std::move(owner.queue.begin(), owner.queue.end(), std::back_inserter(dropped));
        owner.queue.clear();
      }
    }
  }
  dropped.clear();
  for (std::jthread& thread : threads_) {
    thread.request_stop();
  }
  threads_.clear();
}

std::optional<WorkerPool::Turn> WorkerPool::next_turn() {
  for (Lane& lane : lanes_) {
    if (lane.queued == 0 || lane.running == lane.workers) {
      continue;
    }
    const std::size_t share = std::max<std::size_t>(lane.workers - 1, 1);
    const auto owner = std::find_if(lane.owners.begin(), lane.owners.end(), [&](const Owner& each) {
      return !each.queue.empty() && (each.name.empty() || each.running < share);
    });
    if (owner == lane.owners.end()) {
      continue;
    }
    Turn turn{&lane, owner, std::move(owner->queue.front())};
    owner->queue.pop_front();
    --lane.queued;
    ++lane.running;
    ++owner->running;
    lane.owners.splice(lane.owners.end(), lane.owners, owner);
    return turn;
  }
  return std::nullopt;
}

void WorkerPool::end_turn(const Turn& turn) {
  --turn.lane->running;
  if (--turn.owner->running == 0 && turn.owner->queue.empty()) {
    turn.lane->owners.erase(turn.owner);
  }
}

void WorkerPool::work(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  std::optional<Turn> turn;
  while (changed_.wait(lock, stop, [&] { return (turn = next_turn()).has_value(); })) {
    lock.unlock();
    turn->job();
    turn->job = {};
    lock.lock();
    end_turn(*turn);
    // What this turn's end makes runnable, this thread takes itself.
  }
}

void name_thread(const std::string& name) {
  ::pthread_setname_np(::pthread_self(), name.substr(0, 15).c_str());
}

}  // namespace reeve::http
