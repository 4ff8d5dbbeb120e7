#include "control/repeat_filter.h"

#include "support/catch.h"

namespace reeve::control {
namespace {

using base::SteadyTime;
using base::SystemTime;
using namespace std::chrono_literals;

AuditEntry refused(const std::string& fingerprint, const std::string& actor = "alertmanager") {
  AuditEntry entry;
  entry.at = SystemTime(1'700'000'000s);
  entry.actor = actor;
  entry.decision = "no_target";
  entry.fingerprint = fingerprint;
  return entry;
}

struct Filtered {
  RepeatFilter filter;
  SteadyTime now{1h};

  bool admit(const AuditEntry& entry) { return filter.admit(entry, now).has_value(); }
  std::vector<AuditEntry> due() { return filter.take_due(now, SystemTime(1'800'000'000s)); }
};

TEST_CASE("RepeatFilter: the first of a kind is written, the same again is counted") {
  Filtered all;
  CHECK(all.admit(refused("a")));
  CHECK_FALSE(all.admit(refused("a")));
  CHECK(all.admit(refused("b")));
  CHECK(all.admit(refused("a", "other")));
  AuditEntry elsewhere = refused("a");
  elsewhere.target = guards::Target{"", {"web", "front"}};
  CHECK(all.admit(elsewhere));
}

TEST_CASE("RepeatFilter: the spans in which repeats are counted double, and end without repeats") {
  Filtered all;
  (void)all.admit(refused("a"));
  for (const base::Duration span :
       {base::Duration(1min), base::Duration(2min), base::Duration(4min)}) {
    CHECK_FALSE(all.admit(refused("a")));
    all.now += span - 1s;
    CHECK(all.due().empty());
    all.now += 1s;
    const auto due = all.due();
    REQUIRE(due.size() == 1);
    CHECK(due.front().count == 1);
  }
  all.now += 8min;
  CHECK(all.due().empty());
  CHECK(all.admit(refused("a")));
}

TEST_CASE("RepeatFilter: beyond an actor's allowance different entries are one, by decision") {
  Filtered all;
  int written = 0;
  for (int number = 0; number < 30'000; ++number) {
    written += all.admit(refused(std::to_string(number))) ? 1 : 0;
  }
  CHECK(written == 1000);
  CHECK(all.admit(refused("x", "other")));
  all.now += 1min;
  const auto due = all.due();
  REQUIRE(due.size() == 1);
  CHECK(due.front().count == 29'000);
  CHECK(due.front().decision == "no_target");
  CHECK(due.front().actor == "alertmanager");
  CHECK(due.front().fingerprint.empty());
}

TEST_CASE("RepeatFilter: an allowance grows again by two a second") {
  Filtered all;
  for (int number = 0; number < 1000; ++number) {
    (void)all.admit(refused(std::to_string(number)));
  }
  CHECK_FALSE(all.admit(refused("x")));
  all.now += 1s;
  CHECK(all.admit(refused("y")));
  CHECK(all.admit(refused("z")));
  CHECK_FALSE(all.admit(refused("w")));
}

TEST_CASE("RepeatFilter: repeats of so many kinds as are remembered leave room for other actors") {
  Filtered all;
  for (int minute = 0; minute < 20; ++minute) {
    for (int number = 0; number < 4000; ++number) {
      (void)all.admit(refused(std::to_string(number)));
    }
    (void)all.due();
    all.now += 1min;
  }
  CHECK(all.admit(refused("x", "other")));
}

}  // namespace
}  // namespace reeve::control
