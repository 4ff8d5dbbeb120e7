#include "http/connection_table.h"

#include "support/catch.h"

namespace reeve::http {
namespace {

using Admission = ConnectionTable::Admission;
using Standing = ConnectionTable::Standing;

struct FakeGuest final : Guest {
  void close() override { closed = true; }
  void drain() override {}
  bool closed = false;
};

TEST_CASE("there is room until a limit is reached") {
  ConnectionTable table({2, 2});
  FakeGuest one;
  FakeGuest two;
  for (FakeGuest* guest : {&one, &two}) {
    CHECK(table.make_room("a") == Admission::free);
    table.change(table.enter(*guest, "a"), Standing::busy);
  }
  CHECK(table.make_room("b") == Admission::refused);
  CHECK(table.size() == 2);
}

TEST_CASE("who has asked for nothing longest makes room first, then who is idle longest") {
  ConnectionTable table({4, 4});
  FakeGuest idle_first;
  FakeGuest idle_second;
  FakeGuest half_open_first;
  FakeGuest half_open_second;
  const auto first = table.enter(idle_first, "a");
  const auto second = table.enter(idle_second, "b");
  static_cast<void>(table.enter(half_open_first, "c"));
  static_cast<void>(table.enter(half_open_second, "d"));
  table.change(first, Standing::idle);
  table.change(second, Standing::idle);
  for (FakeGuest* guest : {&half_open_first, &half_open_second, &idle_first, &idle_second}) {
    CHECK_FALSE(guest->closed);
    CHECK(table.make_room("e") == Admission::evicted);
    CHECK(guest->closed);
    FakeGuest busy;
    table.change(table.enter(busy, "e"), Standing::busy);
  }
  CHECK(table.make_room("f") == Admission::refused);
}

TEST_CASE("who is being answered is never closed for another") {
  ConnectionTable table({1, 1});
  FakeGuest busy;
  const auto place = table.enter(busy, "a");
  table.change(place, Standing::busy);
  CHECK(table.make_room("b") == Admission::refused);
  CHECK_FALSE(busy.closed);
  table.change(place, Standing::idle);
  CHECK(table.make_room("b") == Admission::evicted);
  CHECK(busy.closed);
}

TEST_CASE("an address that is over its limit makes room among its own") {
  ConnectionTable table({10, 2});
  FakeGuest other;
  FakeGuest first;
  FakeGuest second;
  static_cast<void>(table.enter(other, "b"));
  const auto place = table.enter(first, "a");
  const auto last = table.enter(second, "a");
  CHECK(table.make_room("a") == Admission::evicted);
  CHECK(first.closed);
  CHECK_FALSE(other.closed);
  CHECK_FALSE(second.closed);
  table.leave(place);
  FakeGuest third;
  table.change(table.enter(third, "a"), Standing::busy);
  table.change(last, Standing::busy);
  CHECK(table.make_room("a") == Admission::refused);
  CHECK(table.make_room("c") == Admission::free);
}

TEST_CASE("unix sockets have no address to count") {
  ConnectionTable table({3, 1});
  FakeGuest one;
  FakeGuest two;
  static_cast<void>(table.enter(one, ""));
  static_cast<void>(table.enter(two, ""));
  CHECK(table.make_room("") == Admission::free);
}

TEST_CASE("who was told to leave holds no place, and is still there until gone") {
  ConnectionTable table({1, 1});
  FakeGuest guest;
  const auto place = table.enter(guest, "a");
  CHECK(table.make_room("a") == Admission::evicted);
  CHECK(table.size() == 0);
  CHECK_FALSE(table.empty());
  table.change(place, Standing::busy);
  CHECK(table.size() == 0);
  CHECK(table.make_room("a") == Admission::free);
  table.leave(place);
  CHECK(table.empty());
}

}  // namespace
}  // namespace reeve::http
