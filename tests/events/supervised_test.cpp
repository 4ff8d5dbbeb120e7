// With a real supervisord, which runs a listener made of the parts under test.

#include <algorithm>
#include <csignal>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>

#include "events/inbox.h"
#include "events/main_log.h"
#include "events/relay.h"
#include "events/relay_end.h"
#include "reeve/supervisor/supervisor_substrate.h"
#include "supervisor/poll_source.h"
#include "support/catch.h"
#include "support/eventually.h"
#include "support/real_supervisord.h"

namespace reeve::events {
namespace {

using namespace std::chrono_literals;
using substrate::InstanceName;
using substrate::InstanceState;

constexpr auto program_patience = 60s;

const std::string crashing = R"(
[program:crash]
command=/bin/sh -c 'sleep 0.05; exit 3'
autostart=false
autorestart=true
startsecs=0
[program:killed]
command=/bin/sh -c 'sleep 0.05; kill -9 $$'
autostart=false
autorestart=true
startsecs=0
)";

std::string listener(const std::string& arguments) {
  return "\n[eventlistener:probe]\ncommand=" EVENTS_PROBE " " + arguments +
         "\nevents=PROCESS_STATE,PROCESS_GROUP,SUPERVISOR_STATE_CHANGE,"
         "REMOTE_COMMUNICATION,TICK_5\n"
         "buffer_size=10000\npriority=-50\nstartsecs=0\nautorestart=true\nstdout_logfile=none\n";
}

std::string fresh_file(const tests::TemporaryFolder& folder) {
  return folder.path() + "/events";
}

struct Supervised {
  explicit Supervised(const std::string& programs) : daemon(programs) {}

  tests::RealSupervisord daemon;
  base::SystemClock clock;
  std::shared_ptr<supervisor::SupervisorSubstrate> substrate =
      supervisor::connect_to(daemon.over_socket());

  base::Deadline soon() { return base::Deadline::after(clock, program_patience); }

  void start(const std::string& name) { REQUIRE(substrate->start_instance({name, name}, soon())); }
  void stop(const std::string& name) {
    // Between two runs there is nothing to stop.
    REQUIRE(tests::eventually(program_patience, [&] {
      (void)substrate->stop_instance({name, name}, substrate::StopMode::graceful, soon());
      const auto now = substrate->get_instance({name, name}, soon());
      return now && now->state == InstanceState::stopped;
    }));
  }
  void kill(const std::string& name) {
    const auto detail = substrate->get_instance({name, name}, soon());
    if (detail && detail->pid) {
      ::kill(static_cast<pid_t>(detail->pid->value), SIGKILL);
    }
  }
  /// How often supervisord's log file says so.
  std::size_t logged(const std::string& text) const {
    std::ifstream file(daemon.folder() + "/supervisord.log");
    std::size_t count = 0;
    for (std::string line; std::getline(file, line);) {
      count += line.find(text) == std::string::npos ? 0U : 1U;
    }
    return count;
  }
  bool is_logged_by_now(const std::string& text, std::size_t times) {
    return tests::eventually(program_patience, [&] {
      // An idle supervisord takes a second to notice a death; a call wakes it up.
      return substrate->connect(soon()) && logged(text) >= times;
    });
  }
};

std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    lines.push_back(line);
  }
  return lines;
}

std::size_t count(const std::vector<std::string>& lines, const std::string& what) {
  return static_cast<std::size_t>(
      std::count_if(lines.begin(), lines.end(),
                    [&](const std::string& line) { return line.find(what) != std::string::npos; }));
}

TEST_CASE("EventReader: a listener gets every start and every exit of a fast crash loop") {
  const tests::TemporaryFolder folder;
  const std::string file = fresh_file(folder);
  Supervised supervised(crashing + listener("read " + file));
  supervised.start("crash");
  supervised.start("killed");
  REQUIRE(supervised.is_logged_by_now("exited: crash (exit status 3", 10));
  supervised.stop("crash");
  supervised.stop("killed");
  REQUIRE(tests::eventually(program_patience, [&] {
    const auto lines = lines_of(file);
    return count(lines, "STOPPED crash:crash") + count(lines, "STOPPED killed:killed") == 2;
  }));
  const auto lines = lines_of(file);
  for (const std::string name : {"crash", "killed"}) {
    CHECK(count(lines, "STARTING " + name + ":" + name) ==
          supervised.logged("spawned: '" + name + "'"));
    CHECK(count(lines, "EXITED " + name + ":" + name) == supervised.logged("exited: " + name));
  }
  CHECK(count(lines, "gap") == 0);
}

TEST_CASE("EventReader: a listener that is killed again and again misses nothing") {
  const tests::TemporaryFolder folder;
  const std::string file = fresh_file(folder);
  Supervised supervised(crashing + listener("read " + file));
  supervised.start("crash");
  for (std::size_t i = 1; i <= 3; ++i) {
    REQUIRE(supervised.is_logged_by_now("exited: crash", 4 * i));
    supervised.kill("probe");
  }
  supervised.stop("crash");
  REQUIRE(tests::eventually(program_patience,
                            [&] { return count(lines_of(file), "STOPPED crash:crash") >= 1; }));
  // What was sent as it died is sent again: here to another process, which cannot know.
  std::map<std::uint64_t, std::string> by_serial;
  for (const std::string& line : lines_of(file)) {
    std::istringstream words(line);
    std::uint64_t serial = 0;
    if (words >> serial) {
      by_serial[serial] = line;
    }
  }
  REQUIRE_FALSE(by_serial.empty());
  CHECK(by_serial.size() == by_serial.rbegin()->first - by_serial.begin()->first + 1);
  const auto starts = std::count_if(by_serial.begin(), by_serial.end(), [](const auto& each) {
    return each.second.find("STARTING crash:crash") != std::string::npos;
  });
  CHECK(static_cast<std::size_t>(starts) == supervised.logged("spawned: 'crash'"));
}

TEST_CASE(
    "EventReader: a survey's mark comes after the events that its listing has, and before the "
    "others") {
  const tests::TemporaryFolder folder;
  const std::string file = fresh_file(folder);
  Supervised supervised(crashing + listener("read " + file));
  REQUIRE(tests::eventually(program_patience, [&] { return count(lines_of(file), "TICK") > 0; }));
  supervised.start("crash");
  supervisor::SupervisorPollSource poll_source(*supervised.substrate);
  const std::size_t surveys = 20;
  std::vector<std::size_t> listed;  // the runs that the listing and the log know of
  for (std::size_t i = 0; i < surveys; ++i) {
    REQUIRE(supervised.is_logged_by_now("exited: crash", 2 * i));
    const auto survey = poll_source.poll(
        {.mark = "mark", .log = substrate::LogRange{substrate::LogRange::From::start, 0, 65536}},
        supervised.soon());
    REQUIRE(survey);
    std::istringstream log(survey->log.value());
    std::size_t spawned = 0;
    for (std::string line; std::getline(log, line);) {
      spawned += line.find("spawned: 'crash'") == std::string::npos ? 0U : 1U;
    }
    listed.push_back(spawned);
  }
  REQUIRE(tests::eventually(
      program_patience, [&] { return count(lines_of(file), "REMOTE_COMMUNICATION") == surveys; }));
  std::vector<std::size_t> heard;
  std::size_t starts = 0;
  for (const std::string& line : lines_of(file)) {
    starts += line.find("STARTING crash:crash") == std::string::npos ? 0U : 1U;
    if (line.find("REMOTE_COMMUNICATION") != std::string::npos) {
      heard.push_back(starts);
    }
  }
  CHECK(heard == listed);
}

/// The agent's end of a relay, and what came.
class CountingAgent : public RelayEnd {
 public:
  using RelayEnd::RelayEnd;

  [[nodiscard]] std::size_t entries(const InstanceName& name, InstanceState state) {
    note();
    return entries_[{name, state}];
  }
  [[nodiscard]] const std::vector<Gap>& gaps() {
    note();
    return gaps_;
  }
  [[nodiscard]] const EventSource& source() const { return source_; }
  /// Events heard and events known to be lost, of all that the pool was given.
  [[nodiscard]] bool knows_of_all() {
    note();
    return first_ && heard_ + lost_ == last_ - *first_ + 1;
  }

 private:
  void note() {
    for (const Arrival& arrival : take()) {
      source_ = *arrival.source;
      if (const Gap* const gap = std::get_if<Gap>(&arrival.what)) {
        gaps_.push_back(*gap);
        lost_ += gap->events;
        continue;
      }
      const Event& event = std::get<Event>(arrival.what);
      ++heard_;
      last_ = event.serials.pool_serial;
      first_ = first_.value_or(last_);
      if (const auto* const change = std::get_if<StateChange>(&event.what)) {
        ++entries_[{change->name, change->to}];
      }
    }
  }

  std::map<std::pair<InstanceName, InstanceState>, std::size_t> entries_;
  std::vector<Gap> gaps_;
  EventSource source_;
  std::uint64_t heard_ = 0;
  std::uint64_t lost_ = 0;
  std::optional<std::uint64_t> first_;
  std::uint64_t last_ = 0;
};

/// A supervisord with these programs and a relay to an agent.
struct Relayed {
  explicit Relayed(const std::string& programs)
      : agent(folder.path() + "/agent.sock"),
        supervised(listener("relay " + folder.path() + "/agent.sock") + programs) {
    agent.start();
  }

  tests::TemporaryFolder folder;
  CountingAgent agent;
  Supervised supervised;
};

const InstanceName crash{"crash", "crash"};

TEST_CASE("Relay: through a relay nothing is lost or counted twice, though the agent restarts") {
  Relayed relayed(crashing);
  CountingAgent& agent = relayed.agent;
  Supervised& supervised = relayed.supervised;
  supervised.start("crash");
  for (std::size_t i = 1; i <= 4; ++i) {
    REQUIRE(supervised.is_logged_by_now("exited: crash", 4 * i));
    agent.stop();
    REQUIRE(supervised.is_logged_by_now("exited: crash", 4 * i + 2));
    agent.start();
  }
  REQUIRE(tests::eventually(program_patience,
                            [&] { return agent.entries(crash, InstanceState::exited) > 0; }));
  supervised.stop("crash");
  REQUIRE(tests::eventually(program_patience,
                            [&] { return agent.entries(crash, InstanceState::stopped) == 1; }));
  CHECK(agent.entries(crash, InstanceState::starting) == supervised.logged("spawned: 'crash'"));
  CHECK(agent.entries(crash, InstanceState::exited) == supervised.logged("exited: crash"));
  CHECK(agent.gaps().empty());
  CHECK(agent.source().server_url == "unix://" + supervised.daemon.folder() + "/s.sock");
  CHECK(agent.source().daemon.starts_with(std::to_string(supervised.daemon.pid()) + "."));
}

TEST_CASE("Relay: events lost with a relay are counted as lost") {
  Relayed relayed(crashing);
  CountingAgent& agent = relayed.agent;
  Supervised& supervised = relayed.supervised;
  supervised.start("crash");
  for (std::size_t i = 1; i <= 3; ++i) {
    REQUIRE(supervised.is_logged_by_now("exited: crash", 4 * i));
    supervised.kill("probe");
  }
  supervised.stop("crash");
  REQUIRE(tests::eventually(program_patience,
                            [&] { return agent.entries(crash, InstanceState::stopped) == 1; }));
  CHECK(agent.knows_of_all());
}

TEST_CASE("EventReader: a burst of starts is received whole, whatever supervisord's identifier") {
  Relayed relayed(
      "[program:many]\ncommand=/bin/sleep 600\nstartsecs=0\nnumprocs=100\n"
      "process_name=naïve-%(process_num)03d\n");
  CountingAgent& agent = relayed.agent;
  REQUIRE(tests::eventually(program_patience, [&] {
    std::size_t running = 0;
    for (int i = 0; i < 100; ++i) {
      const std::string number = std::to_string(1000 + i).substr(1);
      running += agent.entries({"many", "naïve-" + number}, InstanceState::running);
    }
    return running == 100;
  }));
  CHECK(agent.gaps().empty());
}

TEST_CASE(
    "EventReader: a restart of supervisord by RPC is a gap, and its events are not taken for "
    "repeats") {
  Relayed relayed("[program:web]\ncommand=/bin/sleep 600\nstartsecs=0\n");
  CountingAgent& agent = relayed.agent;
  const InstanceName web{"web", "web"};
  REQUIRE(tests::eventually(program_patience,
                            [&] { return agent.entries(web, InstanceState::running) == 1; }));
  ::kill(relayed.supervised.daemon.pid(), SIGHUP);
  REQUIRE(tests::eventually(program_patience,
                            [&] { return agent.entries(web, InstanceState::running) == 2; }));
  REQUIRE(agent.gaps().size() == 1);
  CHECK(agent.gaps().front().cause == Gap::Cause::pool_restarted);
}

TEST_CASE("LogTail: supervisord's log alone tells every start, and how every run ended") {
  Supervised supervised(crashing);
  LogTail tail;
  std::size_t spawned = 0;
  std::map<std::string, std::vector<RunEnd>> ends;
  bool gap = false;
  const auto follow = [&] {
    for (bool again = true; again;) {
      const auto text = supervised.substrate->read_manager_log(tail.next(), supervised.soon());
      REQUIRE(text);
      const auto step = tail.feed(*text);
      gap = gap || step.gap;
      for (const LogLine& line : step.lines) {
        spawned += std::holds_alternative<Spawned>(line.what) ? 1U : 0U;
        if (const Exited* const exited = std::get_if<Exited>(&line.what)) {
          ends[exited->name].push_back(exited->end);
        }
      }
      again = step.again;
    }
  };
  follow();
  REQUIRE(tail.following());
  supervised.start("crash");
  supervised.start("killed");
  REQUIRE(tests::eventually(program_patience, [&] {
    follow();
    return ends["crash"].size() >= 8 && ends["killed"].size() >= 8;
  }));
  supervised.stop("crash");
  supervised.stop("killed");
  follow();
  CHECK(spawned == supervised.logged("spawned: "));
  CHECK(ends["crash"] == std::vector<RunEnd>(supervised.logged("exited: crash"), {3, {}}));
  CHECK(ends["killed"] == std::vector<RunEnd>(supervised.logged("exited: killed"), {{}, SIGKILL}));
  CHECK_FALSE(gap);
  CHECK(tail.trusted());
}

}  // namespace
}  // namespace reeve::events
