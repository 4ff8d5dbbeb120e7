// One suite for the fake coordinator and for the one on a real etcd.

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <set>

#include "coordination/etcd_coordinator.h"
#include "support/catch.h"
#include "support/eventually.h"
#include "support/fake_coordinator.h"
#include "support/manual_clock.h"
#include "support/real_etcd.h"

namespace reeve::coordination {
namespace {

using namespace std::chrono_literals;
using base::Deadline;
using base::ErrorKind;
using tests::eventually;

constexpr auto patience = 60s;

MemberInfo info_of(const std::string& name) {
  return {name, name + ":9180", "https://" + name + ":9181", "1.0", {{"rack", "a"}}};
}

/// An engine, and hosts that share it.
class Hosts {
 public:
  Hosts() = default;
  Hosts(const Hosts&) = delete;
  Hosts& operator=(const Hosts&) = delete;
  virtual ~Hosts() = default;
  virtual std::unique_ptr<Coordinator> join(const std::string& name,
                                            std::function<void()> observer) = 0;
  [[nodiscard]] virtual Deadline soon() const = 0;
  /// Lets time pass, where a test decides that.
  virtual void pass(base::Duration span) = 0;
};

class FakeHosts final : public Hosts {
 public:
  std::unique_ptr<Coordinator> join(const std::string& name,
                                    std::function<void()> observer) override {
    auto made = std::make_unique<tests::FakeCoordinator>(engine_, info_of(name));
    made->on_change(std::move(observer));
    return made;
  }
  [[nodiscard]] Deadline soon() const override { return Deadline::after(clock_, patience); }
  void pass(base::Duration span) override { clock_.advance(span); }

 private:
  tests::ManualClock clock_;
  tests::FakeEngine engine_{clock_};
};

class EtcdHosts final : public Hosts {
 public:
  std::unique_ptr<Coordinator> join(const std::string& name,
                                    std::function<void()> observer) override {
    Options options;
    options.etcd.endpoints = etcd_.endpoints();
    options.etcd.timeout = 30s;  // the machine is busy
    options.member = info_of(name);
    options.lease = 300s;
    auto made = std::make_unique<EtcdCoordinator>(options, clock_, base::Log());
    made->on_change(std::move(observer));
    made->start();
    return made;
  }
  [[nodiscard]] Deadline soon() const override { return Deadline::after(clock_, patience); }
  void pass(base::Duration) override {}

 private:
  base::SystemClock clock_;
  tests::RealEtcd etcd_;
};

struct Case {
  explicit Case(bool real) : hosts(make(real)) {}

  static std::unique_ptr<Hosts> make(bool real) {
    return real ? std::unique_ptr<Hosts>(std::make_unique<EtcdHosts>())
                : std::make_unique<FakeHosts>();
  }
  std::unique_ptr<Coordinator> join(const std::string& name) {
    auto made = hosts->join(name, [this] { ++changes; });
    const bool is_there = eventually(patience, [&] {
      const auto all = made->members(hosts->soon());
      return all && made->view()->current &&
             std::any_of(all->begin(), all->end(),
                         [&](const Member& each) { return each.info.name == name && each.alive; });
    });
    CHECK(is_there);
    return made;
  }
  [[nodiscard]] Holder holder(const std::string& host, const std::string& operation) const {
    return {host, "web:web", operation, base::SystemTime(1'700'000'000s), false};
  }
  ClaimResult claim(Coordinator& coordinator, const std::string& operation, bool budget = true) {
    return coordinator.claim(
        {.limit = "web", .holder = holder("one", operation), .takes_budget = budget, .waited = 2s},
        hosts->soon());
  }
  void set_limit(Coordinator& coordinator, const Limit& limit) {
    REQUIRE(coordinator.change(SetLimit{"web", limit}, hosts->soon()));
  }
  bool becomes(const std::function<bool()>& predicate) {
    return eventually(patience, [&] {
      hosts->pass(1s);
      return predicate();
    });
  }

  std::atomic<int> changes = 0;
  std::unique_ptr<Hosts> hosts;
};

/// Calls `test` with the fake, and with etcd where it is installed.
template <class Test>
void with_each(const Test& test) {
  for (const bool real : {false, true}) {
    if (real && !tests::RealEtcd::is_installed()) {
      tests::skip("etcd is not installed");
      return;
    }
    INFO((real ? "etcd" : "the fake"));
    Case one(real);
    test(one);
  }
}

TEST_CASE("Coordinator: so many slots as there are, each to one claim, free again when released") {
  with_each([](Case& test) {
    const auto one = test.join("one");
    CHECK(test.claim(*one, "1").outcome == ClaimOutcome::no_such_limit);
    test.set_limit(*one, {.at_once = 2, .budget = std::nullopt});
    const ClaimResult first = test.claim(*one, "1");
    const ClaimResult second = test.claim(*one, "2");
    REQUIRE(first.outcome == ClaimOutcome::won);
    REQUIRE(second.outcome == ClaimOutcome::won);
    CHECK(first.slot.lease != second.slot.lease);
    CHECK(first.slot.limit == "web");
    const ClaimResult third = test.claim(*one, "3");
    CHECK(third.outcome == ClaimOutcome::no_free_slot);
    REQUIRE(third.holders.size() == 2);
    CHECK(third.holders.front().host == "one");
    CHECK(third.holders.front().process == "web:web");
    one->release(first.slot, test.hosts->soon());
    CHECK(test.claim(*one, "3").outcome == ClaimOutcome::won);
    one->release(first.slot, test.hosts->soon());  // once more: nothing is left of it
    CHECK(test.claim(*one, "4").outcome == ClaimOutcome::no_free_slot);
  });
}

TEST_CASE("Coordinator: the same operation is never given two slots") {
  with_each([](Case& test) {
    const auto one = test.join("one");
    test.set_limit(*one, {.at_once = 2, .budget = std::nullopt});
    const ClaimResult first = test.claim(*one, "1");
    const ClaimResult again = test.claim(*one, "1");
    REQUIRE(again.outcome == ClaimOutcome::won);
    CHECK(again.slot == first.slot);
    CHECK(test.claim(*one, "2").outcome == ClaimOutcome::won);
  });
}

TEST_CASE("Coordinator: a claim that is found again gives back its budget entry, too") {
  with_each([](Case& test) {
    const auto one = test.join("one");
    test.set_limit(*one, {.at_once = 1, .budget = Budget{1, 1h}});
    REQUIRE(test.claim(*one, "1").outcome == ClaimOutcome::won);
    const ClaimResult again = test.claim(*one, "1");
    REQUIRE(again.outcome == ClaimOutcome::won);
    one->release(again.slot, test.hosts->soon());
    CHECK(test.claim(*one, "2").outcome == ClaimOutcome::won);
  });
}

TEST_CASE("Coordinator: a budget is used up, a person's action takes nothing of it") {
  with_each([](Case& test) {
    const auto one = test.join("one");
    test.set_limit(*one, {.at_once = 1, .budget = Budget{2, 1h}});
    for (const char* operation : {"1", "2"}) {
      ClaimResult won = test.claim(*one, operation);
      REQUIRE(won.outcome == ClaimOutcome::won);
      won.slot.budget_lease = 0;  // it acted
      one->release(won.slot, test.hosts->soon());
    }
    const ClaimResult third = test.claim(*one, "3");
    CHECK(third.outcome == ClaimOutcome::budget_used_up);
    REQUIRE(third.free_in);
    CHECK(*third.free_in <= 1h);
    CHECK(*third.free_in > 30min);
    const ClaimResult person = test.claim(*one, "4", false);
    CHECK(person.outcome == ClaimOutcome::won);
    // The slots come first: what waits for one is not refused for its budget.
    CHECK(test.claim(*one, "5").outcome == ClaimOutcome::no_free_slot);
    const auto counted = one->stats().claims;
    CHECK(counted.at({"web", ClaimOutcome::won}) == 3);
    CHECK(counted.at({"web", ClaimOutcome::budget_used_up}) == 1);
  });
}

TEST_CASE(
    "Coordinator: a failed action holds its slot until its time is over or a person releases it") {
  with_each([](Case& test) {
    const auto one = test.join("one");
    test.set_limit(*one, {.at_once = 1, .budget = std::nullopt});
    const ClaimResult first = test.claim(*one, "1");
    REQUIRE(first.outcome == ClaimOutcome::won);
    one->hold(first.slot, 1h, test.hosts->soon());
    one->release(first.slot, test.hosts->soon());  // too late: it has another lease by now
    const ClaimResult second = test.claim(*one, "2");
    CHECK(second.outcome == ClaimOutcome::no_free_slot);
    REQUIRE(second.holders.size() == 1);
    CHECK(second.holders.front().failed);
    CHECK(second.holders.front().operation == "1");
    const auto unknown = one->change(ReleaseHolder{"web", "nobody"}, test.hosts->soon());
    REQUIRE_FALSE(unknown);
    CHECK(unknown.error().kind == ErrorKind::not_found);
    REQUIRE(one->change(ReleaseHolder{"web", "one"}, test.hosts->soon()));
    const ClaimResult third = test.claim(*one, "3");
    REQUIRE(third.outcome == ClaimOutcome::won);
    one->hold(third.slot, 2s, test.hosts->soon());
    CHECK(test.becomes([&] { return test.claim(*one, "4").outcome == ClaimOutcome::won; }));
  });
}

TEST_CASE("Coordinator: a smaller limit counts the slots that are held") {
  with_each([](Case& test) {
    const auto one = test.join("one");
    test.set_limit(*one, {.at_once = 3, .budget = std::nullopt});
    std::vector<Slot> slots;
    for (const char* operation : {"1", "2", "3"}) {
      slots.push_back(test.claim(*one, operation).slot);
    }
    test.set_limit(*one, {.at_once = 2, .budget = std::nullopt});
    one->release(slots[0], test.hosts->soon());
    CHECK(test.claim(*one, "4").outcome == ClaimOutcome::no_free_slot);
    one->release(slots[1], test.hosts->soon());
    CHECK(test.claim(*one, "5").outcome == ClaimOutcome::won);
    CHECK(test.claim(*one, "6").outcome == ClaimOutcome::no_free_slot);
  });
}

TEST_CASE("Coordinator: members are there with what they report; one that is alive stays") {
  with_each([](Case& test) {
    const auto one = test.join("one");
    auto two = test.join("two");
    MemberReport report;
    report.groups["web"] = {{"RUNNING", 2}};
    report.problems = {{"web:web_01", "FATAL"}};
    two->report(report);
    const auto seen_of_two = [&]() -> std::optional<Member> {
      const auto all = one->members(test.hosts->soon());
      const auto found = std::find_if(all->begin(), all->end(),
                                      [](const Member& m) { return m.info.name == "two"; });
      return found == all->end() ? std::nullopt : std::optional(*found);
    };
    CHECK(test.becomes([&] { return seen_of_two()->report == report; }));
    CHECK(seen_of_two()->info == info_of("two"));
    const auto refused = one->change(ForgetMember{"two"}, test.hosts->soon());
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == ErrorKind::conflict);
    if (auto* const real = dynamic_cast<EtcdCoordinator*>(two.get())) {
      real->stop(test.hosts->soon());
    }
    two.reset();
    CHECK_FALSE(seen_of_two()->alive);
    CHECK_FALSE(seen_of_two()->report);
    REQUIRE(one->change(ForgetMember{"two"}, test.hosts->soon()));
    CHECK_FALSE(seen_of_two());
    const auto unknown = one->change(ForgetMember{"two"}, test.hosts->soon());
    REQUIRE_FALSE(unknown);
    CHECK(unknown.error().kind == ErrorKind::not_found);
  });
}

TEST_CASE("Coordinator: the view shows limits, holders, members and maintenance of all hosts") {
  with_each([](Case& test) {
    const auto one = test.join("one");
    const auto two = test.join("two");
    test.set_limit(*one, {.at_once = 2, .budget = Budget{5, 1h}});
    const ClaimResult won = test.claim(*one, "1");
    REQUIRE(one->change(
        SetMaintenance{{"web:*", "disks", "ann", "one", base::SystemTime(1'800'000'000s), 1h}},
        test.hosts->soon()));
    CHECK(test.becomes([&] {
      const auto view = two->view();
      const auto limit = view->limits.find("web");
      return view->read && view->current && limit != view->limits.end() &&
             limit->second.held.size() == 1 && limit->second.budget_used == 1 &&
             view->maintenance.size() == 1 && view->members.size() == 2;
    }));
    const auto view = two->view();
    CHECK(view->limits.at("web").limit.at_once == 2);
    CHECK(view->limits.at("web").has_free_slot());
    CHECK(view->limits.at("web").held.front().holder == test.holder("one", "1"));
    CHECK(view->maintenance.front().reason == "disks");
    CHECK(test.changes > 0);
    one->release(won.slot, test.hosts->soon());
    REQUIRE(two->change(ClearMaintenance{"web:*"}, test.hosts->soon()));
    CHECK_FALSE(two->change(ClearMaintenance{"web:*"}, test.hosts->soon()));
    REQUIRE(two->change(DeleteLimit{"web"}, test.hosts->soon()));
    CHECK_FALSE(two->change(DeleteLimit{"web"}, test.hosts->soon()));
    CHECK(test.becomes(
        [&] { return one->view()->limits.empty() && one->view()->maintenance.empty(); }));
  });
}

TEST_CASE("Coordinator: a maintenance of all hosts ends by itself") {
  with_each([](Case& test) {
    const auto one = test.join("one");
    REQUIRE(
        one->change(SetMaintenance{{"*", "", "ann", "one", base::SystemTime(1'800'000'000s), 2s}},
                    test.hosts->soon()));
    CHECK(test.becomes([&] { return one->view()->maintenance.empty(); }));
  });
}

TEST_CASE("Coordinator: a limit that is out of range or has no plain name is not set") {
  with_each([](Case& test) {
    const auto one = test.join("one");
    for (const SetLimit& bad : {SetLimit{"web", {.at_once = 0, .budget = std::nullopt}},
                                SetLimit{"a/b", {}}, SetLimit{"", {}}}) {
      const auto refused = one->change(bad, test.hosts->soon());
      REQUIRE_FALSE(refused);
      CHECK(refused.error().kind == ErrorKind::invalid_argument);
    }
  });
}

}  // namespace
}  // namespace reeve::coordination
