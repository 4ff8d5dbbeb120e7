#include "monitor/counting.h"

#include "fleet/details.h"
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

  Counting::ListNews list(int pid = 10) {
    now_ += std::chrono::seconds(5);
    return counting.list({at(pid), now_, true});
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
    (void)counting.hear(change);
  }
  Counting::LogNews read(std::vector<decltype(LogLine::what)> lines, bool gap = false) {
    events::LogTail::Step step;
    for (auto& line : lines) {
      step.lines.push_back({{}, events::ManagerLogLevel::info, std::move(line)});
    }
    step.gap = gap;
    return counting.read(step);
  }
  Counting::LogNews read_crash(int pid = 11) {
    return read(
        {Exited{"web", exit_3, false}, Spawned{"web", {pid}}, events::EnteredRunning{"web"}});
  }
  void answer(int pid = 10, bool log_at_end = true) {
    (void)list(pid);
    counting.surveyed(at(pid), log_at_end);
  }
  /// An anchor to which all come.
  void anchor(std::uint64_t number, int pid = 10) {
    counting.begin_anchor(number);
    answer(pid);
    counting.marked(number);
  }

  [[nodiscard]] std::uint32_t restarts() {
    return account().show(counting.complete())[restarts_at];
  }
  Account& account() { return counting.accounts()[*substrate::InstanceName::parse(process_)]; }

  Counting counting;

 private:
  [[nodiscard]] const std::vector<InstanceDetail>& at(int pid) {
    listing_ = {running(process_, {pid, 100 + pid})};
    return listing_;
  }

  std::string process_;
  base::SteadyTime now_{std::chrono::hours(1)};
  std::vector<InstanceDetail> listing_;
};

TEST_CASE("what two sources tell of one crash is one crash") {
  Told told;
  told.anchor(1);
  told.heard_crash();
  CHECK(told.restarts() == 1);
  (void)told.read_crash();
  (void)told.list(11);
  CHECK(told.restarts() == 1);
}

TEST_CASE("events before the stream's first mark are not counted") {
  Told told;
  told.heard_crash();
  CHECK(told.restarts() == 0);
  told.anchor(1);
  CHECK(told.counting.complete().events);
  CHECK(told.restarts() == 0);
}

TEST_CASE("the mark may come before the survey's answer or after it") {
  Told told;
  told.anchor(1);
  told.heard_crash();
  (void)told.read_crash();
  told.counting.begin_anchor(2);
  SECTION("before") {
    told.counting.marked(2);
    told.heard_crash();
    CHECK(told.restarts() == 2);
    told.answer(11);
  }
  SECTION("after") {
    told.answer(11);
    CHECK(told.counting.awaits_mark());
    CHECK(told.restarts() == 1);
    told.counting.marked(2);
    told.heard_crash();
  }
  CHECK_FALSE(told.counting.awaits_mark());
  CHECK(told.restarts() == 2);
  (void)told.read_crash(12);
  CHECK(told.restarts() == 2);
  CHECK(told.counting.complete().events);
  CHECK(told.counting.complete().log);
}

TEST_CASE("a gap in the stream leaves what it told, and the log goes on") {
  Told told;
  told.anchor(1);
  told.heard_crash();
  told.counting.events_lost();
  CHECK_FALSE(told.counting.complete().events);
  CHECK(told.counting.complete().log);
  CHECK(told.restarts() == 1);
  (void)told.read_crash(11);
  (void)told.read_crash(12);
  CHECK(told.restarts() == 2);
  told.anchor(2, 12);
  CHECK(told.counting.complete().events);
  told.heard_crash();
  CHECK(told.restarts() == 3);
}

TEST_CASE("a mark that does not come loses nothing, and joins the stream if it comes late") {
  Told told;
  told.anchor(1);
  told.heard_crash();
  told.counting.begin_anchor(2);
  told.answer(11);
  told.counting.give_mark_up();
  CHECK(told.restarts() == 1);
  CHECK_FALSE(told.counting.stream_joined());
  told.heard_crash();  // it may have come before the mark
  CHECK(told.restarts() == 1);
  told.counting.marked(2);
  CHECK(told.counting.complete().events);
  told.heard_crash();
  CHECK(told.restarts() == 2);
}

TEST_CASE("a survey that failed was no anchor, whether its mark came or not") {
  const bool mark_came = GENERATE(false, true);
  Told told;
  told.anchor(1);
  told.heard_crash();
  told.counting.begin_anchor(2);
  if (mark_came) {
    told.counting.marked(2);
  }
  told.heard_crash();
  told.counting.drop_anchor();
  told.heard_crash();
  CHECK(told.restarts() == 3);
  CHECK(told.counting.complete().events);
}

TEST_CASE("polls speak only while events and the log have gaps") {
  Told told;
  told.anchor(1);
  (void)told.list(11);
  CHECK(told.restarts() == 0);
  told.counting.events_lost();
  CHECK(told.restarts() == 0);
  (void)told.read({}, true);
  CHECK(told.restarts() == 1);
}

TEST_CASE("a stream that is silent is not believed to have told everything") {
  Told told;
  told.anchor(1);
  told.counting.stream_lives(false);
  CHECK_FALSE(told.counting.complete().events);
  told.counting.stream_lives(true);
  CHECK(told.counting.complete().events);
}

TEST_CASE("the log is joined by a survey that goes to its end") {
  Told told;
  told.counting.begin_anchor(1);
  told.answer(10, false);
  CHECK_FALSE(told.counting.complete().log);
  CHECK_FALSE(told.counting.exits_known());
  (void)told.read_crash();
  CHECK(told.restarts() == 0);
  told.counting.begin_anchor(2);
  told.answer();
  CHECK(told.counting.complete().log);
  CHECK(told.counting.exits_known());
  (void)told.read_crash(12);
  CHECK(told.restarts() == 1);
}

TEST_CASE("a spawn error that names no process is a gap of the log") {
  Told told;
  told.anchor(1);
  CHECK(told.read({events::SpawnError{"can't find command 'x'", std::nullopt}}).gap);
  CHECK_FALSE(told.counting.complete().log);
}

TEST_CASE("another daemon in the log is no gap, but wants an anchor") {
  Told told;
  told.anchor(1);
  const auto news = told.read({Exited{"web", exit_3, false},
                               events::ManagerStarted{substrate::Pid{1}}, Spawned{"web", {20}}});
  CHECK(news.wants_anchor);
  CHECK_FALSE(news.gap);
  CHECK(told.counting.complete().log);
  told.counting.events_lost();
  CHECK(told.restarts() == 0);
}

TEST_CASE("a log that lacks starts that polls saw is not believed until it tells one") {
  Told told;
  told.anchor(1);
  CHECK_FALSE(told.counting.log_is_silent());
  (void)told.list(11);
  CHECK(told.counting.log_is_silent());
  CHECK_FALSE(told.counting.log_is_silent());
  told.anchor(2, 11);
  CHECK_FALSE(told.counting.complete().log);
  (void)told.read_crash(12);
  told.anchor(3, 12);
  CHECK(told.counting.complete().log);
}

TEST_CASE("a line that waits for a list is not missing from the log") {
  Counting counting;
  std::vector<InstanceDetail> listing = {running("a:x", {10, 100}), running("b:x", {20, 100})};
  const auto read = [&](int pid) {
    events::LogTail::Step step;
    step.lines.push_back({{}, events::ManagerLogLevel::info, Exited{"x", exit_3, false}});
    step.lines.push_back({{}, events::ManagerLogLevel::info, Spawned{"x", {pid}}});
    (void)counting.read(step);
  };
  const auto list = [&] { (void)counting.list({listing, base::SteadyTime(), true}); };
  list();
  counting.begin_anchor(1);
  counting.surveyed(listing, true);
  listing[0] = running("a:x", {11, 105});
  list();
  read(11);
  CHECK_FALSE(counting.log_is_silent());
  list();
  CHECK_FALSE(counting.log_is_silent());
  CHECK(counting.complete().log);
}

TEST_CASE("how the run ended that supervisord's death cut short is not known") {
  Told told;
  told.anchor(1);
  const auto finish = [&] { return told.account().last_finish(told.counting.complete()); };
  SECTION("that of the run before was in the log") {
    (void)told.read_crash();
    (void)told.list(11);
  }
  SECTION("that of the run before was seen by polls") {
    told.account().compare(exited("web", {110, 112}, 3), true);
    told.account().compare(died_before(running("web", {11, 115}), 112), true);
  }
  CHECK(finish().exit_status == 3);
  (void)told.read({events::ManagerStarted{substrate::Pid{1}}});
  CHECK_FALSE(finish().exit_status);
  (void)told.read({Spawned{"web", {20}}, events::EnteredRunning{"web"}});
  CHECK_FALSE(finish().exit_status);
}

TEST_CASE("an event that finds no room is a gap; processes that are listed take none") {
  constexpr int many = 10000;
  Told told;
  const auto hear = [&](const std::string& name) {
    events::StateChange change;
    change.name = {name, name};
    change.to = InstanceState::starting;
    return told.counting.hear(change);
  };
  SECTION("of processes that no list has shown") {
    told.anchor(1);
    for (int i = 0; i < many; ++i) {
      REQUIRE(hear(std::to_string(i)));
    }
    CHECK_FALSE(hear("one more"));
    CHECK_FALSE(told.counting.complete().events);
  }
  SECTION("listed") {
    std::vector<InstanceDetail> listing;
    for (int i = 0; i < many; ++i) {
      listing.push_back(never_started(std::to_string(100000 + i)));
    }
    (void)told.counting.list({listing, base::SteadyTime(std::chrono::hours(2)), true});
    told.counting.begin_anchor(1);
    told.counting.surveyed(listing, true);
    told.counting.marked(1);
    CHECK(hear("new"));
    CHECK(told.counting.accounts().contains({"new", "new"}));
    CHECK(told.counting.complete().events);
  }
}

TEST_CASE(
    "a stream that tells no start that polls saw long ago is not believed until it tells one") {
  Told told;
  told.anchor(1);
  CHECK_FALSE(told.list(11).stream_gap);
  CHECK(told.counting.complete().events);
  bool silent = false;
  for (int i = 0; i < 4; ++i) {
    silent = told.list(11).stream_gap || silent;
  }
  CHECK(silent);
  CHECK_FALSE(told.counting.complete().events);
  told.heard_crash();
  CHECK(told.counting.complete().events);
}

TEST_CASE("a stream that tells of a start a little later than polls do is believed") {
  Told told;
  told.anchor(1);
  (void)told.list(11);
  told.heard_crash();
  for (int i = 0; i < 4; ++i) {
    CHECK_FALSE(told.list(11).stream_gap);
  }
  CHECK(told.counting.complete().events);
}

TEST_CASE("how a run ended is known from the log once it has told as many ends as events") {
  Told told;
  told.anchor(1);
  told.heard_crash();
  Finish finish = told.account().last_finish(told.counting.complete());
  CHECK_FALSE(finish.exit_status);
  CHECK(finish.expected == false);
  (void)told.read_crash();
  finish = told.account().last_finish(told.counting.complete());
  CHECK(finish == Finish{3, std::nullopt, false});
  told.heard_crash();
  finish = told.account().last_finish(told.counting.complete());
  CHECK_FALSE(finish.exit_status);
}

TEST_CASE("a line whose name several processes have is tied by the pid of a spawn") {
  Counting counting;
  std::vector<InstanceDetail> listing = {running("a:web", {10, 100}), running("b:web", {20, 100})};
  const auto list = [&] { return counting.list({listing, base::SteadyTime(), true}).log_gap; };
  CHECK_FALSE(list());
  counting.begin_anchor(1);
  counting.surveyed(listing, true);
  events::LogTail::Step step;
  step.lines.push_back({{}, events::ManagerLogLevel::info, Exited{"web", exit_3, false}});
  step.lines.push_back({{}, events::ManagerLogLevel::info, Spawned{"web", {21}}});
  CHECK(counting.read(step).wants_list);
  const auto restarts = [&](const char* name) {
    return counting.accounts()[*substrate::InstanceName::parse(name)].show(
        counting.complete())[restarts_at];
  };
  CHECK(restarts("b:web") == 0);
  SECTION("the next list shows whose it is") {
    listing[1] = running("b:web", {21, 105});
    CHECK_FALSE(list());
    CHECK(counting.complete().log);
    CHECK(restarts("a:web") == 0);
    CHECK(restarts("b:web") == 1);
  }
  SECTION("what it does not show is a gap") {
    CHECK(list());
    CHECK_FALSE(counting.complete().log);
    CHECK(restarts("a:web") + restarts("b:web") == 0);
  }
}

}  // namespace
}  // namespace reeve::monitor
