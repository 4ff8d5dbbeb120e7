#include "http/worker_pool.h"

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "base/guarded.h"
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
    static_cast<void>(eventually(100s, [this] { return released.load(); }));
  }
};

TEST_CASE("WorkerPool: jobs run side by side, as many as there are threads") {
  SlowJob one;
  SlowJob other;
  WorkerPool pool({{2}, 0}, "test");
  CHECK(pool.submit([&] { one(); }));
  CHECK(pool.submit([&] { other(); }));
  CHECK(eventually(60s, [&] { return one.running && other.running; }));
  CHECK_FALSE(pool.submit([] {}));
  one.released = true;
  other.released = true;
}

TEST_CASE("WorkerPool: a full queue refuses, and a stop drops what waits but not what runs") {
  SlowJob slow;
  const auto ran = std::make_shared<std::atomic<int>>(0);
  WorkerPool pool({{1}, 2}, "test");
  CHECK(pool.submit([&] { slow(); }));
  CHECK(eventually(60s, [&] { return slow.running.load(); }));
  CHECK(pool.submit([ran] { ++*ran; }));
  CHECK(pool.submit([ran] { ++*ran; }));
  CHECK_FALSE(pool.submit([ran] { ++*ran; }));
  {
    const std::jthread stopper([&] { pool.stop(); });
    CHECK(eventually(60s, [&] { return ran.use_count() == 1; }));  // both are dropped
    slow.released = true;
  }
  CHECK(*ran == 0);
  CHECK_FALSE(pool.submit([] {}));
  pool.stop();
}

TEST_CASE("WorkerPool: a lane that is busy keeps no other waiting") {
  SlowJob slow;
  std::atomic<bool> ran = false;
  WorkerPool pool({{1, 1}, 8}, "test");
  for (int i = 0; i < 4; ++i) {
    CHECK(pool.submit([&] { slow(); }, {.lane = 0, .owner = "reader"}));
  }
  CHECK(pool.submit([&] { ran = true; }, {.lane = 1, .owner = "actor"}));
  CHECK(eventually(60s, [&] { return ran.load(); }));
  slow.released = true;
}

TEST_CASE("WorkerPool: no owner has all workers of a lane") {
  std::vector<SlowJob> slow(3);
  std::atomic<bool> ran = false;
  WorkerPool pool({{2}, 8}, "test");
  for (SlowJob& each : slow) {
    CHECK(pool.submit([&] { each(); }, {.owner = "greedy"}));
  }
  CHECK(eventually(60s, [&] { return slow[0].running.load(); }));
  CHECK(pool.submit([&] { ran = true; }, {.owner = "modest"}));
  CHECK(eventually(60s, [&] { return ran.load(); }));
  CHECK_FALSE(slow[1].running);
  for (SlowJob& each : slow) {
    each.released = true;
  }
  CHECK(eventually(60s, [&] { return slow[2].running.load(); }));
}

TEST_CASE("WorkerPool: the owners of a lane take turns") {
  SlowJob first;
  base::Guarded<std::string> order;
  WorkerPool pool({{1}, 16}, "test");
  const auto add = [&](const std::string& owner) {
    return pool.submit([&order, owner] { order.with([&](std::string& text) { text += owner; }); },
                       {.owner = owner});
  };
  CHECK(pool.submit([&] { first(); }, {.owner = "a"}));
  CHECK(eventually(60s, [&] { return first.running.load(); }));
  for (const char* owner : {"a", "a", "a", "b", "c", "b"}) {
    CHECK(add(owner));
  }
  first.released = true;
  CHECK(eventually(60s, [&] { return order.copy().size() == 6; }));
  CHECK(order.copy() == "abcaba");
}

TEST_CASE("WorkerPool: an owner has half of a lane's queue") {
  SlowJob slow;
  WorkerPool pool({{1}, 8}, "test");
  CHECK(pool.submit([&] { slow(); }, {.owner = "greedy"}));
  CHECK(eventually(60s, [&] { return slow.running.load(); }));
  for (int i = 0; i < 4; ++i) {
    CHECK(pool.submit([] {}, {.owner = "greedy"}));
  }
  CHECK_FALSE(pool.submit([] {}, {.owner = "greedy"}));
  CHECK(pool.submit([] {}, {.owner = "modest"}));
  slow.released = true;
}

}  // namespace
}  // namespace reeve::http
