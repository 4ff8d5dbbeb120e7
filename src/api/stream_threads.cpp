#include "api/stream_threads.h"

#include <atomic>
#include <thread>
#include <utility>

namespace reeve::api {

struct StreamThreads::Running {
  std::atomic<bool> done = false;
  std::jthread thread;  // last: it ends before what it uses
};

StreamThreads::StreamThreads(std::size_t max_threads) : max_threads_(max_threads) {}

StreamThreads::~StreamThreads() {
  auto ending = running_.with([](auto& running) { return std::exchange(running, {}); });
  for (const auto& each : ending) {
    each->thread.request_stop();
  }
}

bool StreamThreads::start(const http::StreamWriter& writer,
                          std::function<void(const std::stop_token&)> produce) {
  std::stop_source stop_source(std::nostopstate);
  running_.with([&](auto& running) {
    // Joining these is quick: their threads are at their end.
    running.remove_if([](const auto& each) { return each->done.load(); });
    if (running.size() >= max_threads_) {
      return;
    }
    auto next = std::make_unique<Running>();
    next->thread = std::jthread(
        [writer, produce = std::move(produce), done = &next->done](const std::stop_token& stop) {
          produce(stop);
          writer.end();
          *done = true;
        });
    stop_source = next->thread.get_stop_source();
    running.push_back(std::move(next));
  });
  if (stop_source.stop_possible()) {
    writer.on_disconnect([stop_source]() mutable { stop_source.request_stop(); });
  }
  return stop_source.stop_possible();
}

}  // namespace reeve::api
