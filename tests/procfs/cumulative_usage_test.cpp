#include "procfs/cumulative_usage.h"

#include "support/catch.h"

namespace reeve::procfs {
namespace {

/// A member with so much of its own, and so much absorbed from children.
MemberUsage member(std::int64_t pid, std::int64_t parent, std::uint64_t own,
                   std::uint64_t absorbed = 0) {
  return {.pid = {pid},
          .parent = {parent},
          .start = 1,
          .total = {own + absorbed, 0},
          .absorbed = {absorbed, 0}};
}

TEST_CASE("CumulativeUsage: a tree has what its members have") {
  CumulativeUsage usage;
  CHECK(usage.update({member(10, 1, 5, 2), member(11, 10, 3)}).first == 10);
}

TEST_CASE("CumulativeUsage: what a parent waited for is not counted twice, and not lost") {
  CumulativeUsage usage;
  CHECK(usage.update({member(10, 1, 5), member(11, 10, 30)}).first == 35);
  CHECK(usage.update({member(10, 1, 6, 31)}).first == 37);
  CHECK(usage.update({member(10, 1, 7, 40)}).first == 47);
}

TEST_CASE(
    "CumulativeUsage: children that came and went between two passes are in their parent's "
    "account") {
  CumulativeUsage usage;
  CHECK(usage.update({member(10, 1, 5)}).first == 5);
  CHECK(usage.update({member(10, 1, 5, 100)}).first == 105);
}

TEST_CASE("CumulativeUsage: what nobody waited for is carried on") {
  CumulativeUsage usage;
  CHECK(usage.update({member(10, 1, 5), member(11, 10, 30), member(12, 10, 7)}).first == 42);
  CHECK(usage.update({member(10, 1, 6), member(12, 10, 8)}).first == 44);
  CHECK(usage.update({member(10, 1, 6)}).first == 44);
  CHECK(usage.update({member(10, 1, 9)}).first == 47);
}

TEST_CASE("CumulativeUsage: an orphan that leaves the tree leaves what it had") {
  CumulativeUsage usage;
  CHECK(usage.update({member(10, 1, 1), member(11, 10, 2), member(12, 11, 40)}).first == 43);
  // 11 ended and was waited for; 12 lives on as a child of 1.
  CHECK(usage.update({member(10, 1, 1, 2)}).first == 43);
  CHECK(usage.update({member(10, 1, 4, 2)}).first == 46);
}

TEST_CASE("CumulativeUsage: a grandchild's time goes up through a parent that ended after it") {
  CumulativeUsage usage;
  CHECK(usage.update({member(10, 1, 1), member(11, 10, 2), member(12, 11, 40)}).first == 43);
  CHECK(usage.update({member(10, 1, 1, 45)}).first == 46);
}

TEST_CASE("CumulativeUsage: a pid that was given to another process is another member") {
  CumulativeUsage usage;
  MemberUsage first = member(11, 10, 30);
  MemberUsage second = member(11, 10, 2);
  second.start = 99;
  CHECK(usage.update({member(10, 1, 5), first}).first == 35);
  CHECK(usage.update({member(10, 1, 5, 30), second}).first == 37);
}

TEST_CASE("CumulativeUsage: the sum never falls, whatever the files say") {
  CumulativeUsage usage;
  CHECK(usage.update({member(10, 1, 50)}).first == 50);
  CHECK(usage.update({member(10, 1, 20)}).first == 50);
  CHECK(usage.update({member(10, 1, 60)}).first == 60);
}

TEST_CASE("CumulativeUsage: both counters of a pair are kept apart") {
  CumulativeUsage usage;
  const MemberUsage root{{10}, {1}, 1, {5, 50}, {0, 0}};
  const MemberUsage child{{11}, {10}, 1, {7, 70}, {0, 0}};
  CHECK(usage.update({root, child}) == CounterPair{12, 120});
  const MemberUsage later{{10}, {1}, 1, {12, 55}, {7, 5}};
  CHECK(usage.update({later}) == CounterPair{12, 120});
}

}  // namespace
}  // namespace reeve::procfs
