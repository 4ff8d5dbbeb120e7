#include "monitor/process_table.h"

#include <algorithm>

#include "monitor/details.h"
#include "monitor/snapshot.h"
#include "support/catch.h"

namespace reeve::monitor {
namespace {

using substrate::InstanceDetail;
using substrate::InstanceState;

/// A supervisord's life in polls, five seconds apart.
class Story {
 public:
  Story& poll(std::vector<InstanceDetail> instances) {
    PollResult poll;
    poll.listing.instances = std::move(instances);
    poll.asked = poll.at = now_;
    poll.same_daemon = same_daemon_;
    std::size_t rejected = 0;
    (void)table_.apply_listing(std::move(poll), rejected);
    now_ += std::chrono::seconds(5);
    same_daemon_ = true;
    return *this;
  }
  Story& passes(base::Duration span) {
    now_ += span;
    return *this;
  }
  Story& daemon_restarts() {
    same_daemon_ = false;
    return *this;
  }

  [[nodiscard]] const ProcessSnapshot& process(const std::string& name) {
    const auto* const found = table_.processes().find(*substrate::InstanceName::parse(name));
    REQUIRE(found);
    return *found;
  }
  [[nodiscard]] std::uint64_t starts() { return process("web").counters.starts; }
  [[nodiscard]] std::uint64_t restarts() { return process("web").counters.restarts; }
  [[nodiscard]] std::uint64_t entries(InstanceState state) {
    return process("web").counters.transitions[static_cast<std::size_t>(state)];
  }
  [[nodiscard]] std::vector<RemovedProcess> removed() { return table_.removed(); }

 private:
  ProcessTable table_;
  base::SteadyTime now_{std::chrono::hours(1)};
  bool same_daemon_ = true;
};

TEST_CASE("ProcessTable: what happened before the first poll is not counted") {
  Story story;
  story.poll({running("web", {10, 100})});
  CHECK(story.process("web").counters == ProcessCounters{});
}

TEST_CASE("ProcessTable: a process that goes on running counts nothing") {
  Story story;
  story.poll({running("web", {10, 100})}).poll({running("web", {10, 100})});
  CHECK(story.process("web").counters == ProcessCounters{});
}

TEST_CASE("ProcessTable: another pid or another start time is another run: a start and a restart") {
  Story story;
  story.poll({running("web", {10, 100})}).poll({running("web", {11, 103})});
  CHECK(story.starts() == 1);
  CHECK(story.restarts() == 1);
  SECTION("even if two runs share the second in which they were started") {
    story.poll({running("web", {12, 103})});
    CHECK(story.restarts() == 2);
  }
  SECTION("even if the system gave it the same pid again") {
    story.poll({running("web", {11, 108})});
    CHECK(story.restarts() == 2);
  }
  SECTION("two runs between two polls count as one") {
    story.poll({running("web", {14, 109})});
    CHECK(story.restarts() == 2);
  }
}

TEST_CASE("ProcessTable: a run that died and was started again within one second is a new run") {
  Story story;
  story.poll({exited("web", {100, 100}, 1)}).poll({running("web", {11, 100})});
  CHECK(story.restarts() == 1);
}

TEST_CASE("ProcessTable: each retry out of BACKOFF is a start and a restart, spawned or not") {
  Story story;
  story.poll({running("web", {10, 100})})
      .poll({ended("web", InstanceState::backoff, {103, 103})})
      .poll({ended("web", InstanceState::backoff, {108, 103})});
  CHECK(story.starts() == 2);
  CHECK(story.restarts() == 2);
}

TEST_CASE(
    "ProcessTable: a start after STOPPED, STOPPING or FATAL was asked for: it is no restart") {
  const auto before = GENERATE(stopped("web", {90, 100}, 0), never_started("web"),
                               active("web", InstanceState::stopping, {9, 90}),
                               ended("web", InstanceState::fatal, {90, 91}));
  Story story;
  story.poll({before}).poll({running("web", {10, 105})});
  CHECK(story.starts() == 1);
  CHECK(story.restarts() == 0);
}

TEST_CASE("ProcessTable: what a restart of the daemon started again are starts, not restarts") {
  Story story;
  story.poll({running("web", {10, 100})}).daemon_restarts().poll({running("web", {20, 110})});
  CHECK(story.starts() == 1);
  CHECK(story.restarts() == 0);
  story.poll({running("web", {21, 115})});
  CHECK(story.restarts() == 1);
}

TEST_CASE("ProcessTable: entries into each state are counted as far as polls show them") {
  Story story;
  story.poll({running("web", {10, 100})})
      .poll({active("web", InstanceState::stopping, {10, 100})})
      .poll({stopped("web", {100, 107}, 0)})
      .poll({active("web", InstanceState::starting, {11, 112})})
      .poll({running("web", {11, 112})})
      .poll({running("web", {12, 118})});
  CHECK(story.entries(InstanceState::stopping) == 1);
  CHECK(story.entries(InstanceState::stopped) == 1);
  CHECK(story.entries(InstanceState::starting) == 2);
  CHECK(story.entries(InstanceState::running) == 2);
  CHECK(story.entries(InstanceState::exited) == 0);
}

TEST_CASE("ProcessTable: entries into STARTING are the starts") {
  Story story;
  story.poll({never_started("web")})
      .poll({ended("web", InstanceState::backoff, {103, 103})})
      .poll({active("web", InstanceState::starting, {11, 108})})
      .poll({ended("web", InstanceState::fatal, {113, 113})});
  CHECK(story.starts() == 3);
  CHECK(story.entries(InstanceState::starting) == story.starts());
}

TEST_CASE("ProcessTable: the number of unexpected exits is not known from polls") {
  Story story;
  story.poll({running("web", {10, 100})}).poll({exited("web", {100, 103}, 1)});
  CHECK_FALSE(story.process("web").counters.unexpected_exits);
}

TEST_CASE("ProcessTable: an exit status is known from EXITED, and whether it was expected") {
  Story story;
  SECTION("expected") {
    story.poll({exited("web", {100, 103}, 0)});
    CHECK(story.process("web").exit_status == 0);
    CHECK(story.process("web").last_exit_expected == true);
  }
  SECTION("not expected") {
    story.poll({exited("web", {100, 103}, 3)});
    CHECK(story.process("web").exit_status == 3);
    CHECK(story.process("web").last_exit_expected == false);
  }
  SECTION("by a signal") {
    story.poll({exited("web", {100, 103}, -1)});
    CHECK(story.process("web").exit_status == -1);
    CHECK(story.process("web").last_exit_expected == false);
  }
}

TEST_CASE(
    "ProcessTable: after a requested stop the exit status is known, and expectation is no "
    "question") {
  Story story;
  story.poll({exited("web", {90, 91}, 3)}).poll({stopped("web", {100, 103}, 0)});
  CHECK(story.process("web").exit_status == 0);
  CHECK_FALSE(story.process("web").last_exit_expected);
}

TEST_CASE("ProcessTable: the end of a run is remembered while the next one goes on") {
  Story story;
  story.poll({exited("web", {100, 103}, 3)})
      .poll({died_before(active("web", InstanceState::starting, {11, 106}), 103)})
      .poll({died_before(running("web", {11, 106}), 103)});
  CHECK(story.process("web").exit_status == 3);
  CHECK(story.process("web").last_exit_expected == false);
}

TEST_CASE("ProcessTable: the end of an older run is forgotten when a newer one ended unseen") {
  Story story;
  story.poll({exited("web", {100, 103}, 3)});
  SECTION("and it runs again") {
    story.poll({died_before(running("web", {12, 109}), 108)});
  }
  SECTION("and it is in BACKOFF") {
    story.poll({ended("web", InstanceState::backoff, {105, 106})});
  }
  SECTION("and it was started and ended within the second of the older end") {
    story.poll({ended("web", InstanceState::backoff, {103, 103})});
  }
  SECTION("and it was stopped out of BACKOFF, where supervisord does not tell") {
    story.poll({ended("web", InstanceState::stopped, {105, 106})});
  }
  CHECK_FALSE(story.process("web").exit_status);
  CHECK_FALSE(story.process("web").last_exit_expected);
}

TEST_CASE(
    "ProcessTable: a start that failed without a process ends no run: the older end stays known") {
  Story story;
  story.poll({exited("web", {100, 103}, 3)}).poll({ended("web", InstanceState::fatal, {107, 103})});
  CHECK(story.process("web").exit_status == 3);
}

TEST_CASE("ProcessTable: an end that no poll has seen is not known") {
  Story story;
  story.poll({died_before(running("web", {10, 100}), 99)});
  CHECK_FALSE(story.process("web").exit_status);
}

TEST_CASE("ProcessTable: the counters of a removed process are kept one hour") {
  Story story;
  story.poll({running("web", {10, 100}), running("x", {9, 90})})
      .poll({running("web", {11, 103}), running("x", {9, 90})})
      .poll({running("x", {9, 90})});
  REQUIRE(story.removed().size() == 1);
  CHECK(story.removed()[0].name.text() == "web");
  CHECK(story.removed()[0].counters.restarts == 1);
  SECTION("and go on when it returns, where the start is no restart") {
    story.passes(std::chrono::minutes(59)).poll({running("web", {20, 4000})});
    CHECK(story.removed().size() == 1);  // x now
    CHECK(story.restarts() == 1);
    CHECK(story.starts() == 2);
  }
  SECTION("and begin at 0 after that") {
    story.passes(std::chrono::hours(1)).poll({running("web", {20, 4000}), running("x", {9, 90})});
    CHECK(story.removed().empty());
    CHECK(story.process("web").counters == ProcessCounters{});
  }
  SECTION("and are gone after that if it does not return") {
    story.passes(std::chrono::hours(1)).poll({running("x", {9, 90})});
    CHECK(story.removed().empty());
  }
}

TEST_CASE("ProcessTable: a process that came back and was never started counts no start") {
  Story story;
  story.poll({running("web", {10, 100})}).poll({}).poll({never_started("web")});
  CHECK(story.starts() == 0);
}

TEST_CASE("ProcessTable: processes of one name in different groups are different processes") {
  Story story;
  story.poll({running("a:web", {10, 100}), running("b:web", {11, 100})})
      .poll({running("a:web", {10, 100}), running("b:web", {12, 104})});
  CHECK(story.process("a:web").counters.restarts == 0);
  CHECK(story.process("b:web").counters.restarts == 1);
}

TEST_CASE(
    "ProcessTable: a second record of the same name is rejected, and so are records that were not "
    "whole") {
  PollResult poll;
  poll.listing.instances = {running("web", {10, 100}), running("web", {11, 100})};
  poll.listing.rejected = 2;
  poll.log_sizes = {{1, 2}, {3, 4}};
  ProcessTable table;
  std::size_t rejected = 0;
  (void)table.apply_listing(std::move(poll), rejected);
  CHECK(table.processes().size() == 1);
  CHECK(table.processes()[0].detail.pid == substrate::Pid{10});
  CHECK(table.processes()[0].stdout_log_bytes == 1U);
  CHECK(rejected == 3);
}

events::StateChange change(InstanceState from, InstanceState to, int pid = 0) {
  events::StateChange change;
  change.name = {"web", "web"};
  change.from = from;
  change.to = to;
  change.pid = pid > 0 ? std::optional(substrate::Pid{pid}) : std::nullopt;
  return change;
}

struct Listened {
  ProcessTable table;
  base::SteadyTime now{std::chrono::hours(1)};

  Listened() { list(running("web", {10, 100}), now); }
  void list(const InstanceDetail& detail, base::SteadyTime asked) {
    PollResult poll;
    poll.listing.instances = {detail};
    poll.asked = asked;
    poll.at = now;
    std::size_t rejected = 0;
    (void)table.apply_listing(std::move(poll), rejected);
  }
  PollRequests hear(const events::StateChange& what) {
    now += std::chrono::seconds(1);
    return table.apply_event(what, now);
  }
  const InstanceDetail& web() { return table.processes()[0].detail; }
};

TEST_CASE("ProcessTable: an event changes a record at once, and what it does not tell is absent") {
  Listened listened;
  CHECK(listened.hear(change(InstanceState::running, InstanceState::exited, 10)).log);
  CHECK(listened.web().state == InstanceState::exited);
  CHECK_FALSE(listened.web().pid);
  CHECK_FALSE(listened.web().stop_time);
  (void)listened.hear(change(InstanceState::exited, InstanceState::starting));
  CHECK_FALSE(listened.web().pid);
  CHECK_FALSE(listened.web().start_time);
  (void)listened.hear(change(InstanceState::starting, InstanceState::running, 11));
  CHECK(listened.web().pid == substrate::Pid{11});
  CHECK(listened.table.changed_by_event().size() == 1);
}

TEST_CASE("ProcessTable: each event is a transition of the past, at its time by the wall clock") {
  Listened listened;
  const base::Duration offset = std::chrono::hours(24 * 365);
  listened.table.set_clock_offset(offset);
  (void)listened.hear(change(InstanceState::running, InstanceState::exited, 10));
  (void)listened.hear(change(InstanceState::exited, InstanceState::starting));
  (void)listened.hear(change(InstanceState::starting, InstanceState::running, 11));
  const base::SteadyTime read = listened.now + std::chrono::seconds(1);
  listened.table.apply_process(running("web", {11, 105}), {.asked = read, .at = read});
  const auto past = listened.table.processes()[0].past;
  REQUIRE(past);
  REQUIRE(past->transitions.size() == 3);
  CHECK(past->transitions[0].start_time() == manager_time(100));
  CHECK(past->transitions[2].start_time() == manager_time(105));
  CHECK(past->transitions[2].at.time_since_epoch() == (listened.now + offset).time_since_epoch());
}

TEST_CASE("ProcessTable: a transition that a poll has told is not told again by its event") {
  Listened listened;
  InstanceDetail exited = running("web", {10, 100});
  exited.state = InstanceState::exited;
  exited.pid.reset();
  listened.list(exited, listened.now);
  CHECK(listened.table.processes()[0].past->transitions.size() == 1);
  (void)listened.hear(change(InstanceState::running, InstanceState::exited, 10));
  CHECK(listened.table.processes()[0].past->transitions.size() == 1);
}

TEST_CASE("ProcessTable: how long a process has run is known also between two polls") {
  using namespace std::chrono_literals;
  Listened listened;
  InstanceDetail web = running("web", {10, 100});
  web.now = manager_time(150);
  listened.list(web, listened.now);
  const auto uptime_in = [&](base::Duration span) {
    return listened.table.processes()[0].detail_at(listened.now + span).uptime().value();
  };
  CHECK(uptime_in(0s) == 50s);
  CHECK(uptime_in(59'999ms) == 50s + 59s);
  CHECK(uptime_in(1min) == 50s + 1min);
  listened.now += 1min;
  listened.table.apply_process(web, {.asked = listened.now - 1s, .at = listened.now});
  CHECK(uptime_in(1s) == 51s);
}

TEST_CASE("ProcessTable: a look at what an event touched tells the rest") {
  Listened listened;
  (void)listened.hear(change(InstanceState::exited, InstanceState::starting));
  const ReadTime read{.asked = listened.now + std::chrono::seconds(1),
                      .at = listened.now + std::chrono::seconds(2)};
  listened.table.apply_process(running("web", {11, 105}), read);
  CHECK(listened.web().start_time == manager_time(105));
  CHECK(listened.table.changed_by_event().empty());
}

TEST_CASE(
    "ProcessTable: a look or a list that was asked for before the last event changes no record") {
  Listened listened;
  const base::SteadyTime asked = listened.now;
  (void)listened.hear(change(InstanceState::running, InstanceState::stopping, 10));
  SECTION("a look") {
    listened.table.apply_process(running("web", {10, 100}), {asked, asked});
  }
  SECTION("a list") {
    listened.list(running("web", {10, 100}), asked);
  }
  CHECK(listened.web().state == InstanceState::stopping);
  CHECK(listened.table.changed_by_event().size() == 1);
}

TEST_CASE(
    "ProcessTable: what an event touched and the next list lacks is not looked for any more") {
  Listened listened;
  (void)listened.hear(change(InstanceState::stopping, InstanceState::stopped));
  SECTION("if the list was asked for later") {
    listened.list(never_started("other"), listened.now + std::chrono::seconds(1));
    CHECK(listened.table.changed_by_event().empty());
  }
  SECTION("not if the event came while it was made") {
    listened.list(never_started("other"), listened.now);
    CHECK(listened.table.changed_by_event().size() == 1);
  }
}

/// A survey that brings `line`.
PollResult survey_with(decltype(events::LogLine::what) line, bool goes_on) {
  PollResult poll;
  poll.listing.instances = {running("web", {10, 100})};
  poll.survey.emplace();
  poll.survey->text.lines.push_back({{}, events::ManagerLogLevel::info, std::move(line)});
  poll.survey->text.again = goes_on;
  poll.survey->at_end = !goes_on;
  return poll;
}

TEST_CASE(
    "ProcessTable: what the log in a survey would want is what the survey did, unless its text "
    "goes on") {
  Listened listened;
  const bool goes_on = GENERATE(false, true);
  std::size_t rejected = 0;
  listened.table.counters().begin_anchor(1);
  const PollRequests requests = listened.table.apply_listing(
      survey_with(events::SpawnError{"cannot", std::nullopt}, goes_on), rejected);
  CHECK(requests.log_gaps == 1);
  CHECK(requests.anchor == goes_on);
  listened.table.counters().begin_anchor(2);
  CHECK_FALSE(
      listened.table.apply_listing(survey_with(events::Spawned{"web", {10}}, false), rejected)
          .poll);
}

TEST_CASE("ProcessTable: an event of a process that is not known requests a poll") {
  Listened listened;
  events::StateChange started = change(InstanceState::stopped, InstanceState::starting);
  started.name = {"new", "new"};
  CHECK(listened.hear(started).poll);
  CHECK(listened.table.processes().size() == 1);
}

TEST_CASE("ProcessTable: a run that goes on proves that the daemon did not restart") {
  std::vector<ProcessSnapshot> known(2);
  known[0].detail = running("a", {1, 100});
  known[1].detail = never_started("b");
  const ProcessList before(std::move(known));
  const auto survived = [&](std::vector<InstanceDetail> instances) {
    return some_run_survived(before, {std::move(instances), 0});
  };
  CHECK(survived({running("a", {1, 100})}));
  CHECK(survived({active("a", InstanceState::stopping, {1, 100})}));
  CHECK_FALSE(survived({running("a", {2, 105})}));
  CHECK_FALSE(survived({never_started("b")}));
  CHECK_FALSE(survived({}));
}

ProcessSnapshot record_of(const char* name) {
  ProcessSnapshot snapshot;
  snapshot.detail.name = *substrate::InstanceName::parse(name);
  return snapshot;
}

TEST_CASE("Snapshot: a process is found by group and name, and only by both") {
  SupervisorSnapshot supervisor;
  supervisor.processes = std::vector{record_of("a:x"), record_of("b:a"), record_of("b:x")};
  REQUIRE(supervisor.find({"b", "x"}));
  CHECK(supervisor.find({"b", "x"}) == &supervisor.processes[2]);
  CHECK_FALSE(supervisor.find({"x", "x"}));
  CHECK_FALSE(supervisor.find({"c", "x"}));
  CHECK_FALSE(SupervisorSnapshot{}.find({"b", "x"}));
}

TEST_CASE("Snapshot: copies of a snapshot share one list of processes") {
  SupervisorSnapshot supervisor;
  supervisor.processes = std::vector{record_of("a:x")};
  const SupervisorSnapshot copy = supervisor;
  CHECK(copy.processes.begin() == supervisor.processes.begin());
  CHECK(copy == supervisor);
}

TEST_CASE("Snapshot: a supervisord is found by its name, the single one by an empty name") {
  Snapshot snapshot;
  snapshot.supervisors.resize(2);
  snapshot.supervisors[1].name = "web";
  CHECK(snapshot.find("") == &snapshot.supervisors[0]);
  CHECK(snapshot.find("web") == &snapshot.supervisors[1]);
  CHECK_FALSE(snapshot.find("db"));
}

}  // namespace
}  // namespace reeve::monitor
