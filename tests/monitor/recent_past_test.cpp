#include "monitor/recent_past.h"

#include <algorithm>
#include <memory>

#include "events/event.h"
#include "monitor/snapshot.h"
#include "support/catch.h"

namespace reeve::monitor {
namespace {

using namespace std::chrono_literals;
using substrate::InstanceState;
using substrate::ManagerTime;
using substrate::Pid;

/// The beginning of a slot.
const base::SystemTime begin{std::chrono::seconds(1'700'000'100 / 900 * 900)};

substrate::InstanceDetail detail(InstanceState state, std::int64_t pid = 0,
                                 std::int64_t start = 0) {
  substrate::InstanceDetail detail;
  detail.name = {"web", "web"};
  detail.state = state;
  if (pid != 0) {
    detail.pid = Pid{pid};
  }
  if (start != 0) {
    detail.start_time = ManagerTime(std::chrono::seconds(start));
  }
  return detail;
}

ProcessSnapshot process(InstanceState state, std::int64_t pid = 0, std::int64_t start = 0) {
  ProcessSnapshot process;
  process.detail = detail(state, pid, start);
  return process;
}

double share_at(const UptimeDay::Shares& shares, std::size_t from_the_end) {
  return shares.up.at(UptimeDay::slots - 1 - from_the_end).value_or(-1);
}

TEST_CASE("UptimeDay: the share of each quarter of an hour, and nothing where it was not watched") {
  UptimeDay day;
  day.add(begin, begin + 15min, true);
  day.add(begin + 15min, begin + 24min, true);
  day.add(begin + 24min, begin + 30min, false);
  day.add(begin + 45min, begin + 46min, false);
  const auto shares = day.shares(begin + 46min);
  CHECK(shares.begin == begin + 45min - 95 * 15min);
  CHECK(share_at(shares, 3) == 1);
  CHECK(share_at(shares, 2) == Approx(0.6).margin(0.01));
  CHECK(share_at(shares, 1) == -1);
  CHECK(share_at(shares, 0) == 0);
  CHECK(share_at(shares, 4) == -1);
}

TEST_CASE("UptimeDay: what is older than a day is gone") {
  UptimeDay day;
  day.add(begin, begin + 48h, true);
  const auto shares = day.shares(begin + 48h);
  CHECK(share_at(shares, 0) == -1);  // it has just begun
  CHECK(std::count(shares.up.begin(), shares.up.end(), std::optional(1.0)) == 95);
  const auto later = day.shares(begin + 60h);
  CHECK(std::count(later.up.begin(), later.up.end(), std::optional(1.0)) == 47);
  const auto next_week = day.shares(begin + 200h);
  CHECK(std::count(next_week.up.begin(), next_week.up.end(), std::nullopt) == 96);
}

TEST_CASE("UptimeDay: a clock that is set back begins anew, and nothing is counted twice") {
  UptimeDay day;
  day.add(begin, begin + 30min, true);
  day.add(begin + 30min, begin + 20min, true);
  day.add(begin - 2h, begin - 2h + 15min, false);
  const auto shares = day.shares(begin - 2h + 15min);
  CHECK(share_at(shares, 1) == 0);
  CHECK(std::count(shares.up.begin(), shares.up.end(), std::nullopt) == 95);
}

TEST_CASE("RecentPast: the last 32 transitions, and how many there were") {
  RecentPast past;
  for (int i = 0; i < 40; ++i) {
    PastTransition each;
    each.at = begin + i * 1s;
    past.add(each);
  }
  CHECK(past.count == 40);
  REQUIRE(past.transitions.size() == 32);
  CHECK(past.transitions.front().at == begin + 8s);
  CHECK(past.transitions.back().at == begin + 39s);
}

TEST_CASE("RecentPast: with all that it keeps it has less than a kilobyte") {
  CHECK(sizeof(RecentPast) + RecentPast::max_transitions * sizeof(PastTransition) < 1000);
}

TEST_CASE("transition_between: another state, or another run in the same state") {
  CHECK_FALSE(transition_between(detail(InstanceState::running, 10),
                                 detail(InstanceState::running, 10), begin));
  const auto restarted = transition_between(detail(InstanceState::running, 10, 100),
                                            detail(InstanceState::running, 11, 105), begin);
  REQUIRE(restarted);
  CHECK(restarted->pid() == Pid{11});
  CHECK(restarted->start_time() == ManagerTime(105s));
  CHECK(restarted->ends_run);
  auto exited = detail(InstanceState::exited, 0, 100);
  exited.spawn_error = "Exited too quickly";
  const auto ended = transition_between(detail(InstanceState::running, 10, 100), exited, begin);
  REQUIRE(ended);
  CHECK(ended->from == InstanceState::running);
  CHECK(ended->to == InstanceState::exited);
  CHECK(ended->pid() == Pid{10});
  CHECK(ended->expected() == false);
  CHECK(ended->ends_run);
}

TEST_CASE("transition_between: a run that came and went between two polls has ended") {
  auto exited = detail(InstanceState::exited, 0, 100);
  exited.exit_status = 3;
  const auto first = transition_between(detail(InstanceState::stopped), exited, begin);
  REQUIRE(first);
  CHECK(first->ends_run);
  CHECK(first->start_time() == ManagerTime(100s));
  const auto again = transition_between(exited, detail(InstanceState::exited, 0, 107), begin);
  REQUIRE(again);
  CHECK(again->ends_run);
  CHECK_FALSE(transition_between(exited, exited, begin));
  const auto stopped = transition_between(exited, detail(InstanceState::stopped, 0, 100), begin);
  REQUIRE(stopped);
  CHECK_FALSE(stopped->ends_run);
}

TEST_CASE("PastTransition: numbers that do not fit are not known") {
  PastTransition transition;
  transition.set_run(Pid{std::int64_t{1} << 40}, ManagerTime(std::chrono::seconds(-1)));
  CHECK_FALSE(transition.pid());
  CHECK_FALSE(transition.start_time());
  CHECK_FALSE(transition.exit_status());
  CHECK_FALSE(transition.exit_signal());
  CHECK_FALSE(transition.expected());
}

events::StateChange heard_change(InstanceState from, InstanceState to,
                                 std::optional<Pid> pid = std::nullopt) {
  events::StateChange change;
  change.name = {"web", "web"};
  change.from = from;
  change.to = to;
  change.pid = pid;
  return change;
}

TEST_CASE("RecentPast: a crash and its restart by events, filled in as it becomes known") {
  ProcessSnapshot seen = process(InstanceState::running, 10, 100);
  extend_past(seen, nullptr, begin, true);
  add_transition(seen, heard_change(InstanceState::running, InstanceState::exited, Pid{10}),
                 begin + 1s);
  seen.detail = detail(InstanceState::exited);
  complete_past(seen);
  CHECK_FALSE(seen.past->transitions.back().exit_status());
  CHECK(seen.past->transitions.back().start_time() == ManagerTime(100s));
  seen.exit_status = -1;
  seen.exit_signal = 9;
  seen.last_exit_expected = false;
  complete_past(seen);
  add_transition(seen, heard_change(InstanceState::exited, InstanceState::starting), begin + 2s);
  seen.detail = detail(InstanceState::starting);
  add_transition(seen, heard_change(InstanceState::starting, InstanceState::running, Pid{11}),
                 begin + 3s);
  seen.detail = detail(InstanceState::running, 11, 102);
  complete_past(seen);
  const auto& all = seen.past->transitions;
  REQUIRE(all.size() == 3);
  CHECK(all[0].exit_status() == -1);
  CHECK(all[0].exit_signal() == 9);
  CHECK(all[0].expected() == false);
  CHECK(all[0].pid() == Pid{10});
  CHECK(all[1].pid() == Pid{11});
  CHECK(all[1].start_time() == ManagerTime(102s));
  CHECK(all[2].start_time() == ManagerTime(102s));
  CHECK_FALSE(all[2].exit_status());
  CHECK_FALSE(seen.past->lacks(seen));
}

TEST_CASE("RecentPast: nothing is copied while nothing changes") {
  ProcessSnapshot before = process(InstanceState::running, 10, 100);
  extend_past(before, nullptr, begin, true);
  ProcessSnapshot after = process(InstanceState::running, 10, 100);
  extend_past(after, &before, begin + 15s, true);
  complete_past(after);
  CHECK(after.past == before.past);
}

TEST_CASE("RecentPast: polls add transitions only where events do not tell them") {
  ProcessSnapshot before = process(InstanceState::running, 10, 100);
  extend_past(before, nullptr, begin, true);
  for (const bool polls_tell : {true, false}) {
    ProcessSnapshot after = process(InstanceState::fatal);
    extend_past(after, &before, begin + 15s, polls_tell);
    CHECK(after.past->transitions.empty() == !polls_tell);
  }
}

TEST_CASE("RecentPast: while supervisord cannot be read the process is not watched") {
  ProcessSnapshot seen = process(InstanceState::running, 10, 100);
  extend_past(seen, nullptr, begin, true);
  interrupt_past(seen, begin + 15min);
  CHECK(share_at(seen.past->day_until(begin + 59min, InstanceState::running), 3) == 1);
  CHECK(share_at(seen.past->day_until(begin + 59min, InstanceState::running), 1) == -1);
  ProcessSnapshot again = process(InstanceState::running, 10, 100);
  extend_past(again, &seen, begin + 60min, true);
  const auto shares = again.past->day_until(begin + 75min, InstanceState::running);
  CHECK(share_at(shares, 5) == 1);
  CHECK(share_at(shares, 3) == -1);
  CHECK(share_at(shares, 1) == 1);
  CHECK(share_at(shares, 0) == -1);
}

TEST_CASE("PastTransition: what supervisord does by itself") {
  const auto is_own = [](InstanceState from, InstanceState to) {
    PastTransition transition;
    transition.from = from;
    transition.to = to;
    return transition.is_of_supervisord();
  };
  CHECK(is_own(InstanceState::exited, InstanceState::starting));
  CHECK(is_own(InstanceState::backoff, InstanceState::starting));
  CHECK(is_own(InstanceState::running, InstanceState::exited));
  CHECK(is_own(InstanceState::backoff, InstanceState::fatal));
  CHECK_FALSE(is_own(InstanceState::stopped, InstanceState::starting));
  CHECK_FALSE(is_own(InstanceState::fatal, InstanceState::starting));
  CHECK_FALSE(is_own(InstanceState::running, InstanceState::stopping));
  CHECK_FALSE(is_own(InstanceState::stopping, InstanceState::stopped));
}

}  // namespace
}  // namespace reeve::monitor
