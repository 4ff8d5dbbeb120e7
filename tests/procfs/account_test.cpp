#include "procfs/account.h"

#include "support/catch.h"

namespace reeve::procfs {
namespace {

/// A member with so much of its own, and so much absorbed from children.
Share share(std::int64_t pid, std::int64_t parent, std::uint64_t own, std::uint64_t absorbed = 0) {
  return {{pid}, {parent}, 1, {own + absorbed, 0}, {absorbed, 0}};
}

TEST_CASE("a tree has what its members have") {
  Account account;
  CHECK(account.update({share(10, 1, 5, 2), share(11, 10, 3)}).first == 10);
}

TEST_CASE("what a parent waited for is not counted twice, and not lost") {
  Account account;
  CHECK(account.update({share(10, 1, 5), share(11, 10, 30)}).first == 35);
  CHECK(account.update({share(10, 1, 6, 31)}).first == 37);
  CHECK(account.update({share(10, 1, 7, 40)}).first == 47);
}

TEST_CASE("children that came and went between two passes are in their parent's account") {
  Account account;
  CHECK(account.update({share(10, 1, 5)}).first == 5);
  CHECK(account.update({share(10, 1, 5, 100)}).first == 105);
}

TEST_CASE("what nobody waited for is carried on") {
  Account account;
  CHECK(account.update({share(10, 1, 5), share(11, 10, 30), share(12, 10, 7)}).first == 42);
  CHECK(account.update({share(10, 1, 6), share(12, 10, 8)}).first == 44);
  CHECK(account.update({share(10, 1, 6)}).first == 44);
  CHECK(account.update({share(10, 1, 9)}).first == 47);
}

TEST_CASE("an orphan that leaves the tree leaves what it had") {
  Account account;
  CHECK(account.update({share(10, 1, 1), share(11, 10, 2), share(12, 11, 40)}).first == 43);
  // 11 ended and was waited for; 12 lives on as a child of 1.
  CHECK(account.update({share(10, 1, 1, 2)}).first == 43);
  CHECK(account.update({share(10, 1, 4, 2)}).first == 46);
}

TEST_CASE("a grandchild's time goes up through a parent that ended after it") {
  Account account;
  CHECK(account.update({share(10, 1, 1), share(11, 10, 2), share(12, 11, 40)}).first == 43);
  CHECK(account.update({share(10, 1, 1, 45)}).first == 46);
}

TEST_CASE("a pid that was given to another process is another member") {
  Account account;
  Share first = share(11, 10, 30);
  Share second = share(11, 10, 2);
  second.start = 99;
  CHECK(account.update({share(10, 1, 5), first}).first == 35);
  CHECK(account.update({share(10, 1, 5, 30), second}).first == 37);
}

TEST_CASE("the sum never falls, whatever the files say") {
  Account account;
  CHECK(account.update({share(10, 1, 50)}).first == 50);
  CHECK(account.update({share(10, 1, 20)}).first == 50);
  CHECK(account.update({share(10, 1, 60)}).first == 60);
}

TEST_CASE("both counters of a pair are kept apart") {
  Account account;
  const Share root{{10}, {1}, 1, {5, 50}, {0, 0}};
  const Share child{{11}, {10}, 1, {7, 70}, {0, 0}};
  CHECK(account.update({root, child}) == Pair{12, 120});
  const Share later{{10}, {1}, 1, {12, 55}, {7, 5}};
  CHECK(account.update({later}) == Pair{12, 120});
}

}  // namespace
}  // namespace reeve::procfs
