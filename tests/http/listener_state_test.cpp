#include "http/listener_state.h"

#include <array>
#include <atomic>
#include <memory>

#include "support/catch.h"
#include "support/eventually.h"

namespace reeve::http {
namespace {

using Room = ConnectionTable::Room;
using Phase = ConnectionTable::Phase;

const Room free_room = ConnectionTable::Free();
const Room no_place = RejectionCause::connections;
const Room no_place_for_address = RejectionCause::address;
const Room for_want_of_a_request = EvictionCause::no_request;
const Room for_an_unread_response = EvictionCause::not_read;
const Room for_idleness = EvictionCause::idle;

struct FakeConnection final : ManagedConnection {
  void close() override { closed = true; }
  void drain() override {}
  bool closed = false;
};

/// A connection that has begun to be read.
ConnectionTable::Position add(ConnectionTable& table, FakeConnection& connection,
                              const std::string& address) {
  const auto position = table.add(connection, address);
  table.change(position, Phase::reading);
  return position;
}

TEST_CASE("ConnectionTable: there is room until a limit is reached") {
  ConnectionTable table({2, 2});
  FakeConnection one;
  FakeConnection two;
  for (FakeConnection* connection : {&one, &two}) {
    CHECK(table.make_room("a") == free_room);
    table.change(add(table, *connection, "a"), Phase::answering);
  }
  CHECK(table.make_room("b") == no_place);
  CHECK(table.size() == 2);
}

TEST_CASE(
    "ConnectionTable: the longest without a request makes room first, then the longest idle") {
  ConnectionTable table({4, 4});
  FakeConnection idle_first;
  FakeConnection idle_second;
  FakeConnection reading_first;
  FakeConnection reading_second;
  const auto first = add(table, idle_first, "a");
  const auto second = add(table, idle_second, "b");
  static_cast<void>(add(table, reading_first, "c"));
  static_cast<void>(add(table, reading_second, "d"));
  table.change(first, Phase::idle);
  table.change(second, Phase::idle);
  for (FakeConnection* connection : {&reading_first, &reading_second, &idle_first, &idle_second}) {
    CHECK_FALSE(connection->closed);
    CHECK(std::holds_alternative<EvictionCause>(table.make_room("e")));
    CHECK(connection->closed);
    FakeConnection busy;
    table.change(add(table, busy, "e"), Phase::answering);
  }
  CHECK(table.make_room("f") == no_place);
}

TEST_CASE("ConnectionTable: a connection being answered is never closed for another") {
  ConnectionTable table({1, 1});
  FakeConnection busy;
  const auto position = add(table, busy, "a");
  table.change(position, Phase::answering);
  CHECK(table.make_room("b") == no_place);
  CHECK_FALSE(table.evict());
  CHECK_FALSE(busy.closed);
  table.change(position, Phase::idle);
  CHECK(table.make_room("b") == for_idleness);
  CHECK(busy.closed);
}

TEST_CASE(
    "ConnectionTable: of those whose clients do not read, the one longest without progress makes "
    "room, before any that is idle") {
  ConnectionTable table({3, 3});
  FakeConnection idle;
  FakeConnection reads;
  FakeConnection deaf;
  const auto idle_position = add(table, idle, "a");
  const auto reads_position = add(table, reads, "a");
  const auto deaf_position = add(table, deaf, "a");
  table.change(idle_position, Phase::idle);
  table.change(reads_position, Phase::sending);
  table.change(deaf_position, Phase::sending);
  table.note_progress(reads_position);
  CHECK(table.make_room("b") == for_an_unread_response);
  CHECK(deaf.closed);
  CHECK_FALSE(reads.closed);
  CHECK(table.evict() == EvictionCause::not_read);
  CHECK(reads.closed);
  CHECK_FALSE(idle.closed);
}

TEST_CASE("ConnectionTable: when all places are taken, the address that has most makes room") {
  ConnectionTable table({4, 4});
  FakeConnection scraper;
  std::array<FakeConnection, 3> greedy;
  static_cast<void>(add(table, scraper, "a"));
  for (FakeConnection& connection : greedy) {
    table.change(add(table, connection, "b"), Phase::idle);
  }
  CHECK(table.make_room("c") == for_idleness);
  CHECK(greedy[0].closed);
  CHECK_FALSE(scraper.closed);
}

TEST_CASE(
    "ConnectionTable: what was not read from yet is not closed, and bounds what is accepted") {
  ConnectionTable table({4, 4});
  FakeConnection first;
  FakeConnection second;
  const auto position = table.add(first, "a");
  CHECK_FALSE(table.is_behind());
  static_cast<void>(table.add(second, "b"));
  CHECK(table.is_behind());
  CHECK_FALSE(table.evict());
  table.change(position, Phase::reading);
  CHECK_FALSE(table.is_behind());
  CHECK(table.evict() == EvictionCause::no_request);
  CHECK(first.closed);
}

TEST_CASE("BodyBudget: what requests use together is bounded, and comes back with each") {
  BodyBudget budget(100);
  BodyBudget::Share first(budget, "");
  CHECK(first.resize(60));
  {
    BodyBudget::Share second(budget, "");
    CHECK(second.resize(40));
    CHECK_FALSE(second.resize(41));
  }
  CHECK(first.resize(100));
  CHECK(first.resize(50));
  BodyBudget::Share third(budget, "");
  CHECK(third.resize(50));
}

TEST_CASE("BodyBudget: no owner keeps another from sending one body") {
  BodyBudget budget(1600);
  BodyBudget::Share greedy(budget, "a");
  CHECK_FALSE(greedy.resize(801));
  CHECK(greedy.resize(800));
  BodyBudget::Share more(budget, "a");
  CHECK_FALSE(more.resize(1));
  BodyBudget::Share friend_of_it(budget, "b");
  CHECK(friend_of_it.resize(400));
  CHECK_FALSE(friend_of_it.resize(401));  // of what is left an owner that holds little has more
  BodyBudget::Share other(budget, "c");
  CHECK(other.resize(200));
  CHECK_FALSE(other.resize(201));
  CHECK(greedy.resize(0));
  CHECK(more.resize(600));
}

TEST_CASE("ConnectionTable: who left while it waits makes room first, who only waits last") {
  ConnectionTable table({4, 4});
  FakeConnection waits;
  FakeConnection left;
  FakeConnection reads;
  FakeConnection idles;
  const auto waiting = add(table, waits, "a");
  const auto half_closed = add(table, left, "a");
  const auto idle = add(table, idles, "a");
  static_cast<void>(add(table, reads, "a"));
  table.change(waiting, Phase::waiting);
  table.change(half_closed, Phase::half_closed);
  table.change(idle, Phase::idle);
  for (FakeConnection* next : {&left, &reads, &idles, &waits}) {
    CHECK_FALSE(next->closed);
    CHECK(table.evict());
    CHECK(next->closed);
  }
  CHECK_FALSE(table.evict());
}

TEST_CASE("ConnectionTable: a TLS handshake that goes on is closed after those without one") {
  ConnectionTable table({3, 3});
  FakeConnection scraper;
  FakeConnection silent;
  FakeConnection served;
  table.change(add(table, scraper, "a"), Phase::handshaking);
  static_cast<void>(add(table, silent, "a"));
  table.change(add(table, served, "a"), Phase::idle);
  CHECK(table.evict() == EvictionCause::no_request);
  CHECK(silent.closed);
  CHECK(table.evict() == EvictionCause::no_request);
  CHECK(scraper.closed);
  CHECK_FALSE(served.closed);
}

TEST_CASE("ConnectionTable: an address that is over its limit makes room among its own") {
  ConnectionTable table({10, 2});
  FakeConnection other;
  FakeConnection first;
  FakeConnection second;
  static_cast<void>(add(table, other, "b"));
  const auto position = add(table, first, "a");
  const auto last = add(table, second, "a");
  CHECK(table.make_room("a") == for_want_of_a_request);
  CHECK(first.closed);
  CHECK_FALSE(other.closed);
  CHECK_FALSE(second.closed);
  table.remove(position);
  FakeConnection third;
  table.change(add(table, third, "a"), Phase::answering);
  table.change(last, Phase::answering);
  CHECK(table.make_room("a") == no_place_for_address);
  CHECK(table.make_room("c") == free_room);
}

TEST_CASE("ConnectionTable: the connections of an address that has many are a crowd") {
  ConnectionTable table({100, 100});
  std::array<FakeConnection, 17> many;
  FakeConnection lone;
  const auto first = add(table, many[0], "a");
  for (std::size_t i = 1; i < 16; ++i) {
    static_cast<void>(add(table, many[i], "a"));
  }
  CHECK_FALSE(ConnectionTable::is_in_crowd(first));
  static_cast<void>(add(table, many[16], "a"));
  CHECK(ConnectionTable::is_in_crowd(first));
  CHECK_FALSE(ConnectionTable::is_in_crowd(add(table, lone, "b")));
}

TEST_CASE("ConnectionTable: a connection that is closing outlives the last of its address") {
  ConnectionTable table({2, 2});
  FakeConnection one;
  FakeConnection two;
  const auto closing = add(table, one, "a");
  const auto last = add(table, two, "a");
  table.change(closing, Phase::closing);
  table.remove(last);
  CHECK_FALSE(ConnectionTable::is_in_crowd(closing));
  table.remove(closing);
  CHECK(table.empty());
}

TEST_CASE("ConnectionTable: unix sockets have no address to count") {
  ConnectionTable table({3, 1});
  FakeConnection one;
  FakeConnection two;
  static_cast<void>(add(table, one, ""));
  static_cast<void>(add(table, two, ""));
  CHECK(table.make_room("") == free_room);
}

TEST_CASE(
    "ConnectionTable: a closing connection counts for no limit, and stays in the table until it is "
    "removed") {
  ConnectionTable table({1, 1});
  FakeConnection connection;
  const auto position = add(table, connection, "a");
  CHECK(table.make_room("a") == for_want_of_a_request);
  CHECK(table.size() == 0);
  CHECK_FALSE(table.empty());
  table.change(position, Phase::answering);
  CHECK(table.size() == 0);
  CHECK(table.make_room("a") == free_room);
  table.remove(position);
  CHECK(table.empty());
}

}  // namespace
}  // namespace reeve::http
