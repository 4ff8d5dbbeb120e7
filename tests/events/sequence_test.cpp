#include "events/sequence.h"

#include <random>
#include <vector>

#include "support/catch.h"

namespace reeve::events {
namespace {

using Verdict = Sequence::Verdict;
using Step = Sequence::Step;

TEST_CASE("events in order are fresh; the first is, wherever it stands") {
  Sequence sequence;
  CHECK(sequence.note({107, 92}) == Step{Verdict::fresh, 0});
  CHECK(sequence.note({108, 93}) == Step{Verdict::fresh, 0});
  CHECK(sequence.note({140, 94}) == Step{Verdict::fresh, 0});  // serials of other pools' events
}

TEST_CASE("a jump is as many events lost") {
  Sequence sequence;
  CHECK(sequence.note({1, 1}) == Step{Verdict::fresh, 0});
  CHECK(sequence.note({9, 5}) == Step{Verdict::fresh, 3});
}

TEST_CASE("an event that comes again is a repeat") {
  Sequence sequence;
  CHECK(sequence.note({10, 3}) == Step{Verdict::fresh, 0});
  CHECK(sequence.note({11, 4}) == Step{Verdict::fresh, 0});
  CHECK(sequence.note({11, 4}) == Step{Verdict::repeat, 0});
  CHECK(sequence.note({10, 3}) == Step{Verdict::repeat, 0});
  CHECK(sequence.note({12, 5}) == Step{Verdict::fresh, 0});
}

TEST_CASE("another pool's older event that is sent over is new here") {
  Sequence sequence;
  CHECK(sequence.note({50, 3}) == Step{Verdict::fresh, 0});
  CHECK(sequence.note({20, 4}) == Step{Verdict::fresh, 0});
  CHECK(sequence.note({51, 5}) == Step{Verdict::fresh, 0});
}

TEST_CASE("a lower number in a younger event: the pool was made again") {
  Sequence sequence;
  CHECK(sequence.note({29, 29}) == Step{Verdict::fresh, 0});
  SECTION("from its first event on") {
    CHECK(sequence.note({34, 0}) == Step{Verdict::restarted, 0});
    CHECK(sequence.note({35, 1}) == Step{Verdict::fresh, 0});
    CHECK(sequence.note({34, 0}) == Step{Verdict::repeat, 0});
  }
  SECTION("from a later one on, since its buffer overflowed at the start") {
    CHECK(sequence.note({50, 16}) == Step{Verdict::restarted, 16});
  }
}

TEST_CASE("an event that was thought lost and comes late is no repeat") {
  Sequence sequence;
  CHECK(sequence.note({1, 1}) == Step{Verdict::fresh, 0});
  CHECK(sequence.note({4, 4}) == Step{Verdict::fresh, 2});
  CHECK(sequence.note({3, 3}) == Step{Verdict::fresh, 0});
  CHECK(sequence.note({3, 3}) == Step{Verdict::repeat, 0});
}

TEST_CASE("a jump over many events is no effort") {
  Sequence sequence;
  CHECK(sequence.note({0, 0}) == Step{Verdict::fresh, 0});
  const std::uint64_t far = ~std::uint64_t{0} - 1;
  CHECK(sequence.note({far, far}) == Step{Verdict::fresh, far - 1});
}

/// A daemon that numbers events, loses some, repeats some, swaps neighbours, and makes its pool
/// again; against it a model that knows the truth.
TEST_CASE(
    "whatever is lost, repeated or made again, nothing is counted twice and all loss is seen") {
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
      CHECK(sequence.note({serial, 0}).verdict == Verdict::restarted);
      sent.push_back({serial++, pool_serial++});
      unseen_loss = 0;
    } else if (chance < 10 && !first) {
      serial += 1 + random() % 2;
      ++pool_serial;
      ++unseen_loss;
    } else if (chance < 25 && !sent.empty()) {
      CHECK(sequence.note(sent[random() % sent.size()]).verdict == Verdict::repeat);
    } else {
      const Serials event{serial, pool_serial++};
      serial += 1 + random() % 3;
      const auto noted = sequence.note(event);
      CHECK(noted == Step{Verdict::fresh, unseen_loss});
      sent.push_back(event);
      unseen_loss = 0;
      first = false;
    }
  }
}

}  // namespace
}  // namespace reeve::events
