#include "monitor/earlier_exits.h"

#include "monitor/details.h"
#include "support/catch.h"

namespace reeve::monitor {
namespace {

using events::LogLine;
using namespace std::chrono_literals;
using substrate::InstanceDetail;
using substrate::InstanceState;

/// A line of a supervisord whose zone is two hours ahead.
LogLine line(std::chrono::milliseconds at, decltype(LogLine::what) what) {
  LogLine line;
  line.at = decltype(LogLine::at)(at + 2h);
  line.what = std::move(what);
  return line;
}

LogLine exit_line(int at, int status) {
  return line(std::chrono::seconds(at) + 300ms, events::Exited{"web", {status, {}}, false});
}

LogLine spawn_line(int at, int pid) {
  return line(std::chrono::seconds(at), events::Spawned{"web", substrate::Pid{pid}});
}

/// The exit that is shown for the first of these processes.
std::optional<LastExit> shown(const std::vector<LogLine>& lines,
                              const std::vector<InstanceDetail>& instances) {
  EarlierExits earlier;
  earlier.add(lines);
  ProcessHistories histories;
  earlier.apply(instances, histories);
  return histories[instances[0].name].log.last_exit();
}

InstanceDetail fatal(int stop) {
  return ended("web", InstanceState::fatal, {.start = stop - 1, .stop = stop});
}

TEST_CASE("EarlierExits: a process that does not run has the exit of the time at which it ended") {
  CHECK(shown({exit_line(1000, 3)}, {fatal(1000)}) ==
        LastExit{.exit_status = 3, .exit_signal = {}, .expected = false});
  CHECK(shown({exit_line(990, 1), spawn_line(991, 7), exit_line(1000, 3)}, {fatal(1000)})
            ->exit_status == 3);
  CHECK_FALSE(shown({exit_line(990, 1)}, {fatal(1000)}));
  CHECK_FALSE(shown({exit_line(1000, 1), spawn_line(1000, 7)}, {fatal(1000)}));
  CHECK_FALSE(shown({}, {fatal(1000)}));
}

TEST_CASE("EarlierExits: a signal, which no poll tells") {
  const auto killed = shown({line(1000s, events::Exited{"web", {{}, 9}, false})}, {fatal(1000)});
  CHECK(killed == LastExit{.exit_status = -1, .exit_signal = 9, .expected = false});
  const auto stopped = shown({line(1000s, events::Stopped{"web", {{}, 15}})},
                             {ended("web", InstanceState::stopped, {.start = 990, .stop = 1000})});
  CHECK(stopped == LastExit{.exit_status = -1, .exit_signal = 15, .expected = {}});
}

TEST_CASE("EarlierExits: a process that runs has the exit before its own run") {
  const std::vector<LogLine> lines = {exit_line(990, 1), spawn_line(991, 7)};
  CHECK(shown(lines, {running("web", {.pid = 7, .start = 991})})->exit_status == 1);
  CHECK_FALSE(shown(lines, {running("web", {.pid = 8, .start = 995})}));
  CHECK_FALSE(shown({exit_line(990, 1)}, {running("web", {.pid = 7, .start = 991})}));
}

TEST_CASE("EarlierExits: of several processes with one name it is the one that it fits") {
  InstanceDetail other = fatal(500);
  other.name = {"other", "web"};
  CHECK(shown({exit_line(500, 3)}, {other, fatal(1000)})->exit_status == 3);
  CHECK_FALSE(shown({exit_line(1000, 3)}, {other, fatal(1000)}));
  InstanceDetail same = fatal(1000);
  same.name = {"other", "web"};
  CHECK_FALSE(shown({exit_line(1000, 3)}, {same, fatal(1000)}));
}

TEST_CASE("EarlierExits: runs of another daemon are not those of this one") {
  CHECK_FALSE(shown({exit_line(1000, 3), line(1001s, events::ManagerStarted{{1}})}, {fatal(1000)}));
}

TEST_CASE("EarlierExits: an exit that the followed log has told stays") {
  EarlierExits earlier;
  earlier.add({exit_line(1000, 3)});
  ProcessHistories histories;
  TransitionCounts counts{};
  const InstanceDetail web = fatal(1000);
  histories[web.name].log.apply(events::Exited{"web", {4, {}}, false}, counts);
  earlier.apply(std::vector{web}, histories);
  CHECK(histories[web.name].log.last_exit()->exit_status == 4);
}

}  // namespace
}  // namespace reeve::monitor
