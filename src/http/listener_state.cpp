#include "http/listener_state.h"

#include <algorithm>
#include <exception>
#include <utility>

#include <pthread.h>

namespace reeve::http {

ConnectionTable::Room ConnectionTable::make_room(const std::string& address) {
  const auto count = per_address_.find(address);
  const bool address_full =
      !address.empty() && count != per_address_.end() && count->second >= limits_.per_address;
  if (!address_full && size() < limits_.connections) {
    return Room::free;
  }
  const auto evicted = longest_waiting(address_full ? address : std::string());
  if (!evicted) {
    return Room::none;
  }
  change(*evicted, Phase::closing);
  (*evicted)->connection->close();
  return Room::evicted;
}

ConnectionTable::Position ConnectionTable::add(ManagedConnection& connection,
                                               const std::string& address) {
  ++per_address_[address];
  return reading_.insert(reading_.end(), Entry{&connection, address, Phase::reading});
}

void ConnectionTable::change(Position position, Phase phase) {
  if (position->phase == Phase::closing || position->phase == phase) {
    return;
  }
  std::list<Entry>& to = list_of(phase);
  to.splice(to.end(), list_of(position->phase), position);
  position->phase = phase;
  if (phase == Phase::closing) {
    release_address(position->address);
  }
}

void ConnectionTable::remove(Position position) {
  change(position, Phase::closing);
  closing_.erase(position);
}

std::size_t ConnectionTable::size() const {
  return reading_.size() + idle_.size() + answering_.size();
}

void ConnectionTable::for_each(const std::function<void(ManagedConnection&)>& visit) {
  for (std::list<Entry>* list : {&reading_, &idle_, &answering_, &closing_}) {
    for (Entry& entry : *list) {
      visit(*entry.connection);
    }
  }
}

std::list<ConnectionTable::Entry>& ConnectionTable::list_of(Phase phase) {
  switch (phase) {
    case Phase::reading:
      return reading_;
    case Phase::idle:
      return idle_;
    case Phase::answering:
      return answering_;
    case Phase::closing:
      break;
  }
  return closing_;
}

std::optional<ConnectionTable::Position> ConnectionTable::longest_waiting(
    const std::string& address) {
  for (std::list<Entry>* list : {&reading_, &idle_}) {
    const auto found = std::find_if(list->begin(), list->end(), [&](const Entry& entry) {
      return address.empty() || entry.address == address;
    });
    if (found != list->end()) {
      return found;
    }
  }
  return std::nullopt;
}

void ConnectionTable::release_address(const std::string& address) {
  const auto count = per_address_.find(address);
  if (--count->second == 0) {
    per_address_.erase(count);
  }
}

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

ListenerState::ListenerState(const ListenerOptions& settings, Handler handle, base::Log logger)
    : options(settings),
      handler(std::move(handle)),
      log(std::move(logger)),
      io(std::make_shared<boost::asio::io_context>(1)),
      table({settings.max_connections, settings.max_connections_per_address}),
      drain_timer(*io) {}

Response ListenerState::respond(const Request& request) const {
  return guard([&] { return handler(request); });
}

Response ListenerState::guard(const std::function<Response()>& make) const {
  std::string what = "an unknown exception";
  try {
    return make();
  } catch (const std::exception& error) {
    what = error.what();
  } catch (...) {
  }
  log.error("a request failed inside the agent", {{"reason", what}});
  return plain_error(500, "the agent's log has the reason");
}

void ListenerState::remove(ConnectionTable::Position position) {
  table.remove(position);
  --open;
  if (draining && table.empty()) {
    drain_timer.cancel();
  }
}

}  // namespace reeve::http
