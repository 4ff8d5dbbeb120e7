#include "events/inbox.h"

#include <random>
#include <vector>

#include "support/catch.h"

namespace reeve::events {
namespace {

using Kind = SequenceResult::Kind;

using Seen = std::vector<std::variant<std::uint64_t, Gap>>;

const ReceiptTime noon{base::SteadyTime(std::chrono::seconds(5)),
                       base::SystemTime(std::chrono::seconds(1'700'000'000))};

void put(PoolStream& stream, const Serials& serials, const std::string& type = "TICK_5",
         const std::string& payload = "when:1795329025") {
  EventHeader header;
  header.server = "s";
  header.pool = "p";
  header.type = type;
  header.serials = serials;
  header.length = payload.size();
  stream.put(header, payload, noon);
}

struct Collected {
  Inbox inbox{[this] { ++notified; }};
  PoolStream stream{EventSource{"unix:///s", ""}, inbox};
  int notified = 0;

  std::vector<std::variant<std::uint64_t, Gap>> take() {
    std::vector<std::variant<std::uint64_t, Gap>> seen;
    for (const Arrival& arrival : inbox.take()) {
      if (const Event* const event = std::get_if<Event>(&arrival.what)) {
        seen.emplace_back(event->serials.pool_serial);
      } else {
        seen.emplace_back(std::get<Gap>(arrival.what));
      }
    }
    return seen;
  }
};

TEST_CASE("PoolStream: events are taken in the order and with the times of their arrival") {
  Collected collected;
  put(collected.stream, {1, 0});
  put(collected.stream, {2, 1});
  CHECK(collected.notified == 2);
  const auto arrivals = collected.inbox.take();
  REQUIRE(arrivals.size() == 2);
  CHECK(arrivals[0].at == noon);
  CHECK(arrivals[0].source->server_url == "unix:///s");
  CHECK(std::get<Event>(arrivals[1].what).serials == Serials{2, 1});
  CHECK(collected.inbox.take().empty());
}

TEST_CASE("PoolStream: a gap stands where the events are missing, a repeat nowhere") {
  Collected collected;
  put(collected.stream, {1, 0});
  put(collected.stream, {9, 5});
  put(collected.stream, {1, 0});
  put(collected.stream, {20, 0});
  CHECK(collected.take() == Seen{std::uint64_t{0}, Gap{Gap::Cause::lost, 4}, std::uint64_t{5},
                                 Gap{Gap::Cause::pool_restarted, 0}, std::uint64_t{0}});
}

TEST_CASE(
    "PoolStream: an event that cannot be read is a gap, and keeps its place in the numbering") {
  Collected collected;
  put(collected.stream, {1, 0});
  put(collected.stream, {2, 1}, "PROCESS_STATE_EXITED", "processname:x");
  put(collected.stream, {3, 2});
  CHECK(collected.take() ==
        Seen{std::uint64_t{0}, Gap{Gap::Cause::unreadable, 1}, std::uint64_t{2}});
}

TEST_CASE("Inbox: a full queue drops events and counts them, and never blocks") {
  int notified = 0;
  Inbox inbox([&] { ++notified; }, 2);
  PoolStream stream(EventSource{}, inbox);
  for (std::uint64_t i = 0; i < 5; ++i) {
    put(stream, {i, i});
  }
  const auto arrivals = inbox.take();
  REQUIRE(arrivals.size() == 3);
  CHECK(std::get<Gap>(arrivals[2].what) == Gap{Gap::Cause::overflow, 3});
  CHECK(notified == 5);
  SECTION("and once they are taken there is room again") {
    put(stream, {5, 5});
    CHECK(std::get<Event>(inbox.take().at(0).what).serials.serial == 5);
  }
}

TEST_CASE("Sequence: events in order are fresh, and the first is, whatever its serial") {
  Sequence sequence;
  CHECK(sequence.add({107, 92}) == SequenceResult{Kind::fresh, 0});
  CHECK(sequence.add({108, 93}) == SequenceResult{Kind::fresh, 0});
  CHECK(sequence.add({140, 94}) ==
        SequenceResult{Kind::fresh, 0});  // serials of other pools' events
}

TEST_CASE("Sequence: a jump is as many events lost") {
  Sequence sequence;
  CHECK(sequence.add({1, 1}) == SequenceResult{Kind::fresh, 0});
  CHECK(sequence.add({9, 5}) == SequenceResult{Kind::fresh, 3});
}

TEST_CASE("Sequence: an event that comes again is a repeat") {
  Sequence sequence;
  CHECK(sequence.add({10, 3}) == SequenceResult{Kind::fresh, 0});
  CHECK(sequence.add({11, 4}) == SequenceResult{Kind::fresh, 0});
  CHECK(sequence.add({11, 4}) == SequenceResult{Kind::repeat, 0});
  CHECK(sequence.add({10, 3}) == SequenceResult{Kind::repeat, 0});
  CHECK(sequence.add({12, 5}) == SequenceResult{Kind::fresh, 0});
}

TEST_CASE("Sequence: another pool's older event that is sent over is new here") {
  Sequence sequence;
  CHECK(sequence.add({50, 3}) == SequenceResult{Kind::fresh, 0});
  CHECK(sequence.add({20, 4}) == SequenceResult{Kind::fresh, 0});
  CHECK(sequence.add({51, 5}) == SequenceResult{Kind::fresh, 0});
}

TEST_CASE("Sequence: a lower pool serial in a later event: the pool was created again") {
  Sequence sequence;
  CHECK(sequence.add({29, 29}) == SequenceResult{Kind::fresh, 0});
  SECTION("from its first event on") {
    CHECK(sequence.add({34, 0}) == SequenceResult{Kind::restarted, 0});
    CHECK(sequence.add({35, 1}) == SequenceResult{Kind::fresh, 0});
    CHECK(sequence.add({34, 0}) == SequenceResult{Kind::repeat, 0});
  }
  SECTION("from a later one on, since its buffer overflowed at the start") {
    CHECK(sequence.add({50, 16}) == SequenceResult{Kind::restarted, 16});
  }
}

TEST_CASE("Sequence: an event counted as lost that comes late is no repeat") {
  Sequence sequence;
  CHECK(sequence.add({1, 1}) == SequenceResult{Kind::fresh, 0});
  CHECK(sequence.add({4, 4}) == SequenceResult{Kind::fresh, 2});
  CHECK(sequence.add({3, 3}) == SequenceResult{Kind::fresh, 0});
  CHECK(sequence.add({3, 3}) == SequenceResult{Kind::repeat, 0});
}

TEST_CASE("Sequence: a jump over many events takes no time") {
  Sequence sequence;
  CHECK(sequence.add({0, 0}) == SequenceResult{Kind::fresh, 0});
  const std::uint64_t far = ~std::uint64_t{0} - 1;
  CHECK(sequence.add({far, far}) == SequenceResult{Kind::fresh, far - 1});
}

/// A daemon that numbers events, loses some, repeats some, swaps neighbours, and makes its pool
/// again; against it a model that knows the truth.
TEST_CASE(
    "Sequence: whatever is lost, repeated or made again, nothing is counted twice and all loss is "
    "seen") {
  const auto seed = GENERATE(range(1U, 200U));
  CAPTURE(seed);
  std::minstd_rand random(seed);
  Sequence sequence;
  std::uint64_t serial = random() % 50;
  std::uint64_t pool_serial = 0;
  std::vector<Serials> sent;  // since the pool was made
  std::size_t unseen_loss = 0;
  bool first = true;
  for (int step = 0; step < 500; ++step) {
    const auto chance = random() % 100;
    if (chance < 2 && !first) {
      serial += 1 + random() % 20;
      pool_serial = 0;
      sent.clear();
      CHECK(sequence.add({serial, 0}).kind == Kind::restarted);
      sent.push_back({serial++, pool_serial++});
      unseen_loss = 0;
    } else if (chance < 10 && !first) {
      serial += 1 + random() % 2;
      ++pool_serial;
      ++unseen_loss;
    } else if (chance < 25 && !sent.empty()) {
      CHECK(sequence.add(sent[random() % sent.size()]).kind == Kind::repeat);
    } else {
      const Serials event{serial, pool_serial++};
      serial += 1 + random() % 3;
      const auto noted = sequence.add(event);
      CHECK(noted == SequenceResult{Kind::fresh, unseen_loss});
      sent.push_back(event);
      unseen_loss = 0;
      first = false;
    }
  }
}

}  // namespace
}  // namespace reeve::events
