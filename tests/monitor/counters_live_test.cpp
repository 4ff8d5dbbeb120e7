// Fast crash loops under a real supervisord, with polls every five seconds: what the agent counted
// is what supervisord wrote into its own log.
#include <algorithm>
#include <csignal>
#include <fstream>
#include <thread>

#include "events/relay.h"
#include "monitor/monitor.h"
#include "monitor/process_history.h"
#include "reeve/supervisor/supervisor_substrate.h"
#include "supervisor/poll_source.h"
#include "support/catch.h"
#include "support/eventually.h"
#include "support/real_supervisord.h"
#include "support/temporary_folder.h"
#include "xmlrpc/client.h"

namespace reeve::monitor {
namespace {

using namespace std::chrono_literals;
using substrate::InstanceState;
using tests::eventually;

constexpr auto patience = 60s;
constexpr auto crashing_for = 10s;

struct Program {
  const char* name;
  const char* end;
  int exit_status;
  std::optional<int> signal;
};
constexpr std::array loops = {
    Program{"one", "exit 1", 1, std::nullopt},        Program{"two", "exit 2", 2, std::nullopt},
    Program{"three", "exit 33", 33, std::nullopt},    Program{"killed", "kill -9 $$", -1, SIGKILL},
    Program{"aborted", "kill -ABRT $$", -1, SIGABRT},
};

std::string configuration(const std::string& relay_socket) {
  std::string text = "[eventlistener:relay]\ncommand=" EVENTS_PROBE " relay " + relay_socket +
                     "\nevents=PROCESS_STATE,PROCESS_GROUP,SUPERVISOR_STATE_CHANGE,TICK_5,"
                     "REMOTE_COMMUNICATION\nbuffer_size=10000\npriority=-50\nstartsecs=0\n"
                     "stdout_logfile=none\n";
  for (const Program& loop : loops) {
    text += std::string("[program:") + loop.name + "]\ncommand=/bin/sh -c 'sleep 0.1; " + loop.end +
            "'\nautostart=false\nautorestart=true\nstartsecs=0\n";
  }
  return text +
         "[program:many]\ncommand=/bin/sleep 1000\nautostart=false\nstartsecs=0\n"
         "numprocs=300\nprocess_name=%(program_name)s_%(process_num)03d\n";
}

/// A supervisord, a relay of its events, and a monitor that is given the sources it asks for.
struct Watched {
  enum class By { events, log, both };

  explicit Watched(By by)
      : supervisord(configuration(folder.path() + "/agent.sock")),
        substrate(supervisor::connect_to(supervisord.over_socket())),
        monitor(
            {Member{.name = "",
                    .url = "unix",
                    .call_timeout = 5s,
                    .substrate = substrate,
                    .administration = substrate,
                    .poll_source = std::make_shared<supervisor::SupervisorPollSource>(*substrate),
                    .logs = by == By::events ? nullptr : substrate}},
            PollOptions{}, clock, base::Log()) {
    if (by != By::log) {
      server =
          *events::RelayServer::listen(folder.path() + "/agent.sock", monitor.inbox(), clock, {});
      reader = std::jthread([this](const std::stop_token& stop) { server->run(stop); });
    }
    monitor.start();
    wanted = by == By::log ? CounterSource::log : CounterSource::events;
    INFO("the monitor is joined by its sources");
    REQUIRE(eventually(patience, [&] { return seen().up && seen().counter_source == wanted; }));
  }

  [[nodiscard]] SupervisorSnapshot seen() const { return monitor.snapshot()->supervisors[0]; }
  [[nodiscard]] ProcessSnapshot process(const std::string& name) const {
    const SupervisorSnapshot now = seen();
    const ProcessSnapshot* const found = now.find({name, name});
    REQUIRE(found);
    return *found;
  }
  base::Deadline soon() { return base::Deadline::after(clock, patience); }
  /// How often supervisord's log file says so.
  [[nodiscard]] std::uint64_t logged(const std::string& text) const {
    std::ifstream file(supervisord.folder() + "/supervisord.log");
    std::uint64_t count = 0;
    for (std::string line; std::getline(file, line);) {
      count += line.find(text) == std::string::npos ? 0U : 1U;
    }
    return count;
  }

  const tests::TemporaryFolder folder;
  base::SystemClock clock;
  tests::RealSupervisord supervisord;
  std::shared_ptr<supervisor::SupervisorSubstrate> substrate;
  CounterSource wanted = CounterSource::polls;
  Monitor monitor;
  std::unique_ptr<events::RelayServer> server;
  std::jthread reader;
};

void crash_for_a_while(Watched& watched) {
  for (const Program& loop : loops) {
    REQUIRE(watched.substrate->start_instance({loop.name, loop.name}, watched.soon()));
  }
  (void)watched.clock.wait_until(watched.clock.steady_now() + crashing_for, {});
  REQUIRE(eventually(patience, [&] {
    return std::all_of(std::begin(loops), std::end(loops), [&](const Program& loop) {
      return watched.logged(std::string("spawned: '") + loop.name + "'") > 10;
    });
  }));
}

void stop_all(Watched& watched) {
  for (const Program& loop : loops) {
    // It may be between two runs, where it cannot be stopped.
    REQUIRE(eventually(patience, [&] {
      (void)watched.substrate->stop_instance({loop.name, loop.name}, substrate::StopMode::graceful,
                                             watched.soon());
      const auto now = watched.substrate->get_instance({loop.name, loop.name}, watched.soon());
      return now && now->state == InstanceState::stopped;
    }));
  }
}

TEST_CASE("Monitor: every spawn and every exit of fast crash loops is counted") {
  const auto by = GENERATE(Watched::By::events, Watched::By::log, Watched::By::both);
  CAPTURE(static_cast<int>(by));
  Watched watched(by);
  crash_for_a_while(watched);
  if (by != Watched::By::events) {
    for (const Program& loop : loops) {
      CHECK(eventually(patience, [&] {
        const ProcessSnapshot now = watched.process(loop.name);
        return now.exit_status == loop.exit_status && now.exit_signal == loop.signal &&
               now.last_exit_expected == false;
      }));
    }
  }
  stop_all(watched);
  for (const Program& loop : loops) {
    const std::string name = loop.name;
    const std::uint64_t starts = watched.logged("spawned: '" + name + "'");
    const std::uint64_t exits = watched.logged("exited: " + name + " (");
    CAPTURE(name, starts, exits);
    CHECK(starts > 10);
    const auto entries = [&](InstanceState state) {
      return watched.process(name).counters.transitions[static_cast<std::size_t>(state)];
    };
    CHECK(eventually(patience, [&] { return entries(InstanceState::stopped) == 1; }));
    const ProcessCounters now = watched.process(name).counters;
    CHECK(now.starts == starts);
    CHECK(now.restarts == starts - 1);
    CHECK(now.unexpected_exits == exits);
    CHECK(entries(InstanceState::exited) == exits);
  }
  CHECK(watched.seen().counter_source == watched.wanted);
  CHECK(watched.seen().counter_gaps == std::array<std::uint64_t, 3>{});
}

TEST_CASE("Monitor: a burst of 300 starts is counted whole") {
  const auto by = GENERATE(Watched::By::events, Watched::By::log);
  CAPTURE(static_cast<int>(by));
  Watched watched(by);
  xmlrpc::Client client(watched.supervisord.rpc_over_socket());
  REQUIRE(
      client.call({"supervisor.startProcessGroup", {std::string("many"), true}}, watched.soon()));
  const auto counted = [&](std::size_t at) {
    std::uint64_t sum = 0;
    for (const ProcessSnapshot& each : watched.seen().processes) {
      sum += each.detail.name.group == "many" ? each.counters.transitions[at] : 0;
    }
    return sum;
  };
  CHECK(eventually(patience, [&] { return counted(entries_at(InstanceState::running)) == 300; }));
  CHECK(counted(entries_at(InstanceState::starting)) == 300);
  CHECK(watched.seen().counter_source == watched.wanted);
  // While it starts so many, supervisord may answer no poll in time.
  CHECK(watched.seen().counter_gaps[static_cast<std::size_t>(CounterSource::events)] == 0);
  CHECK(watched.seen().counter_gaps[static_cast<std::size_t>(CounterSource::log)] == 0);
}

}  // namespace
}  // namespace reeve::monitor
