#include "http/worker_pool.h"

#include <atomic>
#include <memory>

#include "support/catch.h"
#include "support/eventually.h"

namespace reeve::http {
namespace {

using namespace std::chrono_literals;
using tests::eventually;

/// A job that runs until it is released.
struct SlowJob {
  std::atomic<bool> running = false;
  std::atomic<bool> released = false;
  void operator()() {
    running = true;
    static_cast<void>(eventually(10s, [this] { return released.load(); }));
  }
};

TEST_CASE("jobs run side by side, as many as there are threads") {
  SlowJob one;
  SlowJob other;
  WorkerPool pool({2, 0}, "test");
  CHECK(pool.submit([&] { one(); }));
  CHECK(pool.submit([&] { other(); }));
  CHECK(eventually(5s, [&] { return one.running && other.running; }));
  CHECK_FALSE(pool.submit([] {}));
  one.released = true;
  other.released = true;
}

TEST_CASE("a full queue refuses, and a stop drops what waits but not what runs") {
  SlowJob slow;
  const auto ran = std::make_shared<std::atomic<int>>(0);
  WorkerPool pool({1, 2}, "test");
  CHECK(pool.submit([&] { slow(); }));
  CHECK(eventually(5s, [&] { return slow.running.load(); }));
  CHECK(pool.submit([ran] { ++*ran; }));
  CHECK(pool.submit([ran] { ++*ran; }));
  CHECK_FALSE(pool.submit([ran] { ++*ran; }));
  {
    const std::jthread stopper([&] { pool.stop(); });
    CHECK(eventually(5s, [&] { return ran.use_count() == 1; }));  // both are dropped
    slow.released = true;
  }
  CHECK(*ran == 0);
  CHECK_FALSE(pool.submit([] {}));
  pool.stop();
}

}  // namespace
}  // namespace reeve::http
