#include "http/listener_state.h"

#include <atomic>
#include <memory>

#include "support/catch.h"
#include "support/eventually.h"

namespace reeve::http {
namespace {

using Room = ConnectionTable::Room;
using Phase = ConnectionTable::Phase;

struct FakeConnection final : ManagedConnection {
  void close() override { closed = true; }
  void drain() override {}
  bool closed = false;
};

TEST_CASE("ConnectionTable: there is room until a limit is reached") {
  ConnectionTable table({2, 2});
  FakeConnection one;
  FakeConnection two;
  for (FakeConnection* connection : {&one, &two}) {
    CHECK(table.make_room("a") == Room::free);
    table.change(table.add(*connection, "a"), Phase::answering);
  }
  CHECK(table.make_room("b") == Room::none);
  CHECK(table.size() == 2);
}

TEST_CASE(
    "ConnectionTable: the longest without a request makes room first, then the longest idle") {
  ConnectionTable table({4, 4});
  FakeConnection idle_first;
  FakeConnection idle_second;
  FakeConnection reading_first;
  FakeConnection reading_second;
  const auto first = table.add(idle_first, "a");
  const auto second = table.add(idle_second, "b");
  static_cast<void>(table.add(reading_first, "c"));
  static_cast<void>(table.add(reading_second, "d"));
  table.change(first, Phase::idle);
  table.change(second, Phase::idle);
  for (FakeConnection* connection : {&reading_first, &reading_second, &idle_first, &idle_second}) {
    CHECK_FALSE(connection->closed);
    CHECK(table.make_room("e") == Room::evicted);
    CHECK(connection->closed);
    FakeConnection busy;
    table.change(table.add(busy, "e"), Phase::answering);
  }
  CHECK(table.make_room("f") == Room::none);
}

TEST_CASE("ConnectionTable: a connection being answered is never closed for another") {
  ConnectionTable table({1, 1});
  FakeConnection busy;
  const auto position = table.add(busy, "a");
  table.change(position, Phase::answering);
  CHECK(table.make_room("b") == Room::none);
  CHECK_FALSE(busy.closed);
  table.change(position, Phase::idle);
  CHECK(table.make_room("b") == Room::evicted);
  CHECK(busy.closed);
}

TEST_CASE("ConnectionTable: an address that is over its limit makes room among its own") {
  ConnectionTable table({10, 2});
  FakeConnection other;
  FakeConnection first;
  FakeConnection second;
  static_cast<void>(table.add(other, "b"));
  const auto position = table.add(first, "a");
  const auto last = table.add(second, "a");
  CHECK(table.make_room("a") == Room::evicted);
  CHECK(first.closed);
  CHECK_FALSE(other.closed);
  CHECK_FALSE(second.closed);
  table.remove(position);
  FakeConnection third;
  table.change(table.add(third, "a"), Phase::answering);
  table.change(last, Phase::answering);
  CHECK(table.make_room("a") == Room::none);
  CHECK(table.make_room("c") == Room::free);
}

TEST_CASE("ConnectionTable: unix sockets have no address to count") {
  ConnectionTable table({3, 1});
  FakeConnection one;
  FakeConnection two;
  static_cast<void>(table.add(one, ""));
  static_cast<void>(table.add(two, ""));
  CHECK(table.make_room("") == Room::free);
}

TEST_CASE(
    "ConnectionTable: a closing connection counts for no limit, and stays in the table until it is "
    "removed") {
  ConnectionTable table({1, 1});
  FakeConnection connection;
  const auto position = table.add(connection, "a");
  CHECK(table.make_room("a") == Room::evicted);
  CHECK(table.size() == 0);
  CHECK_FALSE(table.empty());
  table.change(position, Phase::answering);
  CHECK(table.size() == 0);
  CHECK(table.make_room("a") == Room::free);
  table.remove(position);
  CHECK(table.empty());
}

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

TEST_CASE("WorkerPool: jobs run side by side, as many as there are threads") {
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

TEST_CASE("WorkerPool: a full queue refuses, and a stop drops what waits but not what runs") {
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
