#include <map>

#include "monitor/details.h"
#include "monitor/process_table.h"
#include "support/catch.h"

namespace reeve::monitor {
namespace {

using events::Exited;
using events::LogLine;
using events::Spawned;
using substrate::InstanceDetail;
using substrate::InstanceState;

constexpr events::RunEnd exit_3{3, std::nullopt};

/// One process, and the three sources as they tell of its crashes.
class Told {
 public:
  explicit Told(const char* process = "web") : process_(process) { (void)list(); }

  CounterMerge::ListingOutcome list(int pid = 10) {
    now_ += std::chrono::seconds(5);
    return counters.apply_listing({at(pid), now_, true});
  }
  void heard_crash() {
    heard(InstanceState::running, InstanceState::exited);
    heard(InstanceState::exited, InstanceState::starting);
    heard(InstanceState::starting, InstanceState::running);
  }
  void heard(InstanceState from, InstanceState to) {
    events::StateChange change;
    change.name = *substrate::InstanceName::parse(process_);
    change.from = from;
    change.to = to;
    change.expected = false;
    (void)counters.apply_event(change);
  }
  CounterMerge::LogOutcome read(std::vector<decltype(LogLine::what)> lines, bool gap = false) {
    events::TailResult step;
    for (auto& line : lines) {
      step.lines.push_back({{}, events::ManagerLogLevel::info, std::move(line)});
    }
    step.gap = gap;
    return counters.apply_log(step);
  }
  CounterMerge::LogOutcome read_crash(int pid = 11) {
    return read(
        {Exited{"web", exit_3, false}, Spawned{"web", {pid}}, events::EnteredRunning{"web"}});
  }
  void answer(int pid = 10, bool log_at_end = true) {
    (void)list(pid);
    counters.apply_survey(at(pid), log_at_end);
  }
  /// An anchor to which all come.
  void anchor(std::uint64_t number, int pid = 10) {
    counters.begin_anchor(number);
    answer(pid);
    counters.apply_mark(number);
  }

  [[nodiscard]] std::uint32_t restarts() {
    return history().update_published(counters.complete())[restarts_at];
  }
  ProcessHistory& history() {
    return counters.histories()[*substrate::InstanceName::parse(process_)];
  }

  CounterMerge counters;

 private:
  [[nodiscard]] const std::vector<InstanceDetail>& at(int pid) {
    listing_ = {running(process_, {pid, 100 + pid})};
    return listing_;
  }

  std::string process_;
  base::SteadyTime now_{std::chrono::hours(1)};
  std::vector<InstanceDetail> listing_;
};

/// So many crashes of web.
std::map<substrate::InstanceName, TransitionCounts> crashes(std::uint32_t count) {
  TransitionCounts counts{};
  counts[restarts_at] = count;
  return {{*substrate::InstanceName::parse("web"), counts}};
}

TEST_CASE("CounterMerge: what a relay has kept counts once the stream is joined, once") {
  Told told;
  told.counters.apply_backlog(crashes(6));
  CHECK(told.restarts() == 0);
  SECTION("before the survey's answer") {
    told.counters.begin_anchor(1);
    told.counters.apply_mark(1);
    told.answer();
  }
  SECTION("after it") {
    told.anchor(1);
  }
  SECTION("when it is given up") {
    told.counters.begin_anchor(1);
    told.answer();
    (void)told.counters.abandon_mark();
    CHECK(told.restarts() == 0);
    told.counters.apply_mark(1);
  }
  CHECK(told.restarts() == 6);
  told.heard_crash();
  CHECK(told.restarts() == 7);
  told.anchor(2);
  CHECK(told.restarts() == 7);
}

TEST_CASE("CounterMerge: what polls saw of a backlog is not counted twice") {
  Told told;
  (void)told.list(11);
  (void)told.list(12);
  CHECK(told.restarts() == 2);
  told.counters.apply_backlog(crashes(6));
  told.anchor(1, 12);
  CHECK(told.restarts() == 6);
}

TEST_CASE("CounterMerge: what the stream tells between the backlog and its first mark counts") {
  Told told;
  told.heard_crash();
  told.anchor(1);
  CHECK(told.restarts() == 0);
  Told relayed;
  relayed.counters.apply_backlog(crashes(2));
  relayed.heard_crash();
  relayed.counters.begin_anchor(1);
  relayed.heard_crash();
  relayed.answer();
  relayed.counters.apply_mark(1);
  CHECK(relayed.restarts() == 4);
}

TEST_CASE("CounterMerge: what two sources tell of one crash is one crash") {
  Told told;
  told.anchor(1);
  told.heard_crash();
  CHECK(told.restarts() == 1);
  (void)told.read_crash();
  (void)told.list(11);
  CHECK(told.restarts() == 1);
}

TEST_CASE("CounterMerge: events before the stream's first mark are not counted") {
  Told told;
  told.heard_crash();
  CHECK(told.restarts() == 0);
  told.anchor(1);
  CHECK(told.counters.complete().events);
  CHECK(told.restarts() == 0);
}

TEST_CASE("CounterMerge: the mark may come before the survey's answer or after it") {
  Told told;
  told.anchor(1);
  told.heard_crash();
  (void)told.read_crash();
  told.counters.begin_anchor(2);
  SECTION("before") {
    told.counters.apply_mark(2);
    told.heard_crash();
    CHECK(told.restarts() == 2);
    told.answer(11);
  }
  SECTION("after") {
    told.answer(11);
    CHECK(told.counters.awaits_mark());
    CHECK(told.restarts() == 1);
    told.counters.apply_mark(2);
    told.heard_crash();
  }
  CHECK_FALSE(told.counters.awaits_mark());
  CHECK(told.restarts() == 2);
  (void)told.read_crash(12);
  CHECK(told.restarts() == 2);
  CHECK(told.counters.complete().events);
  CHECK(told.counters.complete().log);
}

TEST_CASE("CounterMerge: a gap in the stream leaves what it told, and the log goes on") {
  Told told;
  told.anchor(1);
  told.heard_crash();
  told.counters.events_lost();
  CHECK_FALSE(told.counters.complete().events);
  CHECK(told.counters.complete().log);
  CHECK(told.restarts() == 1);
  (void)told.read_crash(11);
  (void)told.read_crash(12);
  CHECK(told.restarts() == 2);
  told.anchor(2, 12);
  CHECK(told.counters.complete().events);
  told.heard_crash();
  CHECK(told.restarts() == 3);
}

TEST_CASE(
    "CounterMerge: a mark that does not come loses nothing, and joins the stream if it comes "
    "late") {
  Told told;
  told.anchor(1);
  told.heard_crash();
  told.counters.begin_anchor(2);
  told.answer(11);
  told.counters.abandon_mark();
  CHECK(told.restarts() == 1);
  CHECK_FALSE(told.counters.stream_joined());
  told.heard_crash();  // it may have come before the mark
  CHECK(told.restarts() == 1);
  told.counters.apply_mark(2);
  CHECK(told.counters.complete().events);
  told.heard_crash();
  CHECK(told.restarts() == 2);
}

TEST_CASE("CounterMerge: a survey that failed was no anchor, whether its mark came or not") {
  const bool mark_came = GENERATE(false, true);
  Told told;
  told.anchor(1);
  told.heard_crash();
  told.counters.begin_anchor(2);
  if (mark_came) {
    told.counters.apply_mark(2);
  }
  told.heard_crash();
  told.counters.drop_anchor();
  told.heard_crash();
  CHECK(told.restarts() == 3);
  CHECK(told.counters.complete().events);
}

TEST_CASE("CounterMerge: polls speak only while events and the log have gaps") {
  Told told;
  told.anchor(1);
  (void)told.list(11);
  CHECK(told.restarts() == 0);
  told.counters.events_lost();
  CHECK(told.restarts() == 0);
  (void)told.read({}, true);
  CHECK(told.restarts() == 1);
}

TEST_CASE("CounterMerge: a stream that is silent is not believed to have told everything") {
  Told told;
  told.anchor(1);
  told.counters.set_stream_live(false);
  CHECK_FALSE(told.counters.complete().events);
  told.counters.set_stream_live(true);
  CHECK(told.counters.complete().events);
}

TEST_CASE("CounterMerge: the log is joined by a survey that goes to its end") {
  Told told;
  told.counters.begin_anchor(1);
  told.answer(10, false);
  CHECK_FALSE(told.counters.complete().log);
  CHECK_FALSE(told.counters.exits_known());
  (void)told.read_crash();
  CHECK(told.restarts() == 0);
  told.counters.begin_anchor(2);
  told.answer();
  CHECK(told.counters.complete().log);
  CHECK(told.counters.exits_known());
  (void)told.read_crash(12);
  CHECK(told.restarts() == 1);
}

TEST_CASE("CounterMerge: a spawn error that names no process is a gap of the log") {
  Told told;
  told.anchor(1);
  CHECK(told.read({events::SpawnError{"can't find command 'x'", std::nullopt}}).gap);
  CHECK_FALSE(told.counters.complete().log);
}

TEST_CASE("CounterMerge: another daemon in the log is no gap, but wants an anchor") {
  Told told;
  told.anchor(1);
  const auto news = told.read({Exited{"web", exit_3, false},
                               events::ManagerStarted{substrate::Pid{1}}, Spawned{"web", {20}}});
  CHECK(news.daemon_started);
  CHECK_FALSE(news.gap);
  CHECK(told.counters.complete().log);
  told.counters.events_lost();
  CHECK(told.restarts() == 0);
}

TEST_CASE(
    "CounterMerge: a log that lacks starts that polls saw is not believed until it tells one") {
  Told told;
  told.anchor(1);
  CHECK_FALSE(told.counters.distrust_log_if_behind());
  (void)told.list(11);
  CHECK(told.counters.distrust_log_if_behind());
  CHECK_FALSE(told.counters.distrust_log_if_behind());
  told.anchor(2, 11);
  CHECK_FALSE(told.counters.complete().log);
  (void)told.read_crash(12);
  told.anchor(3, 12);
  CHECK(told.counters.complete().log);
}

TEST_CASE("CounterMerge: a line that waits for a list is not missing from the log") {
  CounterMerge counters;
  std::vector<InstanceDetail> listing = {running("a:x", {10, 100}), running("b:x", {20, 100})};
  const auto read = [&](int pid) {
    events::TailResult step;
    step.lines.push_back({{}, events::ManagerLogLevel::info, Exited{"x", exit_3, false}});
    step.lines.push_back({{}, events::ManagerLogLevel::info, Spawned{"x", {pid}}});
    (void)counters.apply_log(step);
  };
  const auto list = [&] { (void)counters.apply_listing({listing, base::SteadyTime(), true}); };
  list();
  counters.begin_anchor(1);
  counters.apply_survey(listing, true);
  listing[0] = running("a:x", {11, 105});
  list();
  read(11);
  CHECK_FALSE(counters.distrust_log_if_behind());
  list();
  CHECK_FALSE(counters.distrust_log_if_behind());
  CHECK(counters.complete().log);
}

TEST_CASE("CounterMerge: how the run ended that supervisord's death cut short is not known") {
  Told told;
  told.anchor(1);
  const auto finish = [&] { return told.history().last_exit(told.counters.complete()); };
  SECTION("that of the run before was in the log") {
    (void)told.read_crash();
    (void)told.list(11);
  }
  SECTION("that of the run before was seen by polls") {
    told.history().apply_poll(exited("web", {110, 112}, 3), true);
    told.history().apply_poll(died_before(running("web", {11, 115}), 112), true);
  }
  CHECK(finish().exit_status == 3);
  (void)told.read({events::ManagerStarted{substrate::Pid{1}}});
  CHECK_FALSE(finish().exit_status);
  (void)told.read({Spawned{"web", {20}}, events::EnteredRunning{"web"}});
  CHECK_FALSE(finish().exit_status);
}

TEST_CASE(
    "CounterMerge: an event that finds no room is a gap; processes that are listed take none") {
  constexpr int many = 10000;
  Told told;
  const auto hear = [&](const std::string& name) {
    events::StateChange change;
    change.name = {name, name};
    change.to = InstanceState::starting;
    return told.counters.apply_event(change);
  };
  SECTION("of processes that no list has shown") {
    told.anchor(1);
    for (int i = 0; i < many; ++i) {
      REQUIRE(hear(std::to_string(i)));
    }
    CHECK_FALSE(hear("one more"));
    CHECK_FALSE(told.counters.complete().events);
  }
  SECTION("listed") {
    std::vector<InstanceDetail> listing;
    for (int i = 0; i < many; ++i) {
      listing.push_back(never_started(std::to_string(100000 + i)));
    }
    (void)told.counters.apply_listing({listing, base::SteadyTime(std::chrono::hours(2)), true});
    told.counters.begin_anchor(1);
    told.counters.apply_survey(listing, true);
    told.counters.apply_mark(1);
    CHECK(hear("new"));
    CHECK(told.counters.histories().contains({"new", "new"}));
    CHECK(told.counters.complete().events);
  }
}

TEST_CASE(
    "CounterMerge: a stream that tells no start that polls saw long ago is not believed until it "
    "tells one") {
  Told told;
  told.anchor(1);
  CHECK_FALSE(told.list(11).stream_gap);
  CHECK(told.counters.complete().events);
  bool silent = false;
  for (int i = 0; i < 4; ++i) {
    silent = told.list(11).stream_gap || silent;
  }
  CHECK(silent);
  CHECK_FALSE(told.counters.complete().events);
  told.heard_crash();
  CHECK(told.counters.complete().events);
}

TEST_CASE("CounterMerge: a stream that tells of a start a little later than polls do is believed") {
  Told told;
  told.anchor(1);
  (void)told.list(11);
  told.heard_crash();
  for (int i = 0; i < 4; ++i) {
    CHECK_FALSE(told.list(11).stream_gap);
  }
  CHECK(told.counters.complete().events);
}

TEST_CASE(
    "CounterMerge: how a run ended is known from the log once it has told as many ends as events") {
  Told told;
  told.anchor(1);
  told.heard_crash();
  LastExit finish = told.history().last_exit(told.counters.complete());
  CHECK_FALSE(finish.exit_status);
  CHECK(finish.expected == false);
  (void)told.read_crash();
  finish = told.history().last_exit(told.counters.complete());
  CHECK(finish == LastExit{3, std::nullopt, false});
  told.heard_crash();
  finish = told.history().last_exit(told.counters.complete());
  CHECK_FALSE(finish.exit_status);
}

TEST_CASE("CounterMerge: a line whose name several processes have is tied by the pid of a spawn") {
  CounterMerge counters;
  std::vector<InstanceDetail> listing = {running("a:web", {10, 100}), running("b:web", {20, 100})};
  const auto list = [&] {
    return counters.apply_listing({listing, base::SteadyTime(), true}).log_gap;
  };
  CHECK_FALSE(list());
  counters.begin_anchor(1);
  counters.apply_survey(listing, true);
  events::TailResult step;
  step.lines.push_back({{}, events::ManagerLogLevel::info, Exited{"web", exit_3, false}});
  step.lines.push_back({{}, events::ManagerLogLevel::info, Spawned{"web", {21}}});
  CHECK(counters.apply_log(step).needs_listing);
  const auto restarts = [&](const char* name) {
    return counters.histories()[*substrate::InstanceName::parse(name)].update_published(
        counters.complete())[restarts_at];
  };
  CHECK(restarts("b:web") == 0);
  SECTION("the next list shows whose it is") {
    listing[1] = running("b:web", {21, 105});
    CHECK_FALSE(list());
    CHECK(counters.complete().log);
    CHECK(restarts("a:web") == 0);
    CHECK(restarts("b:web") == 1);
  }
  SECTION("what it does not show is a gap") {
    CHECK(list());
    CHECK_FALSE(counters.complete().log);
    CHECK(restarts("a:web") + restarts("b:web") == 0);
  }
}

TEST_CASE("CounterMerge: of very many removed processes those removed last are remembered") {
  CounterMerge counters;
  base::SteadyTime now{std::chrono::hours(1)};
  const auto list = [&](int first, int last) {
    std::vector<InstanceDetail> instances;
    for (int i = first; i < last; ++i) {
      instances.push_back(running("p" + std::to_string(100000 + i), {i + 1, 100}));
    }
    now += std::chrono::seconds(1);
    (void)counters.apply_listing({instances, now, true});
  };
  for (int round = 0; round < 6; ++round) {
    list(2000 * round, 2000 * (round + 1));
  }
  CHECK(counters.histories().size() == 12000);
  CHECK(counters.removed_dropped() == 0);
  list(12000, 12010);
  CHECK(counters.histories().size() == 10010);
  CHECK(counters.removed_dropped() == 2000);
  CHECK_FALSE(counters.histories().contains({"p100000", "p100000"}));
  CHECK_FALSE(counters.histories().contains({"p101999", "p101999"}));
  CHECK(counters.histories().contains({"p102000", "p102000"}));
}

}  // namespace
}  // namespace reeve::monitor
