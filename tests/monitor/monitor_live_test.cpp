// The monitor before a real supervisord: what only a real one does.
#include <algorithm>

#include "monitor/monitor.h"
#include "reeve/base/deadline.h"
#include "reeve/supervisor/supervisor_substrate.h"
#include "supervisor/poll_source.h"
#include "support/catch.h"
#include "support/eventually.h"
#include "support/real_supervisord.h"
#include "xmlrpc/client.h"

namespace reeve::monitor {
namespace {

using namespace std::chrono_literals;
using substrate::InstanceState;
using tests::eventually;

constexpr auto live_patience = 60s;

constexpr std::string_view programs = R"(
[program:steady]
command=/bin/sh -c "echo hello; exec sleep 100000"
startsecs=0
[program:crashing]
command=/bin/sh -c "sleep 0.3; exit 7"
startsecs=0
autorestart=true
[program:once]
command=/bin/sh -c "exit 3"
startsecs=0
autorestart=false
[program:resting]
command=/bin/sleep 100000
autostart=false
)";

struct WatchedDaemon {
  tests::RealSupervisord supervisord{programs};
  base::SystemClock clock;
  std::shared_ptr<xmlrpc::Client> client =
      std::make_shared<xmlrpc::Client>(supervisord.rpc_over_socket());
  std::shared_ptr<supervisor::SupervisorSubstrate> substrate =
      std::make_shared<supervisor::SupervisorSubstrate>(client);
  Monitor monitor{{Member{"", "unix", 300ms, true, substrate, substrate,
                          std::make_shared<supervisor::SupervisorPollSource>(*substrate)}},
                  PollOptions{100ms, 10s},
                  clock,
                  base::Log()};

  WatchedDaemon() { monitor.start(); }

  /// True once the supervisord and one of its processes look like that.
  bool eventually_is(
      const char* name,
      const std::function<bool(const SupervisorSnapshot&, const ProcessSnapshot&)>& predicate) {
    return eventually(live_patience, [&] {
      const auto snapshot = monitor.snapshot();
      const SupervisorSnapshot& seen = snapshot->supervisors[0];
      const ProcessSnapshot* const process = seen.find(*substrate::InstanceName::parse(name));
      return process != nullptr && predicate(seen, *process);
    });
  }
};

TEST_CASE(
    "Monitor: a real supervisord is up, with the ends of its runs and the sizes of its logs") {
  WatchedDaemon watched;
  CHECK(watched.eventually_is("steady", [](const auto& seen, const auto& process) {
    return seen.up && seen.description && process.detail.state == InstanceState::running &&
           process.stdout_log_bytes == 6U && process.stderr_log_bytes == 0U;
  }));
  CHECK(watched.eventually_is("once", [](const auto&, const auto& process) {
    return process.detail.state == InstanceState::exited && process.exit_status == 3 &&
           process.last_exit_expected == false;
  }));
  CHECK(watched.eventually_is("crashing", [](const auto&, const auto& process) {
    return process.counters.restarts >= 2 && process.counters.starts >= process.counters.restarts;
  }));
  CHECK(watched.monitor.snapshot()->supervisors[0].restarts == 0);
}

TEST_CASE(
    "Monitor: what a real supervisord's programs use is measured, and nothing while it is frozen") {
  WatchedDaemon watched;
  const auto usages = [&] { return watched.monitor.snapshot()->supervisors[0].usages; };
  REQUIRE(eventually(live_patience, [&] { return usages() && !usages()->empty(); }));
  CHECK(watched.eventually_is("steady", [&](const auto& seen, const auto& process) {
    return seen.usages && std::any_of(seen.usages->begin(), seen.usages->end(), [&](auto& usage) {
             return usage.name == process.detail.name && usage.pid == process.detail.pid &&
                    usage.tree.processes == 1 && usage.tree.open_fds > 0U;
           });
  }));
  watched.supervisord.freeze();
  CHECK(eventually(live_patience, [&] { return !usages(); }));
}

TEST_CASE("Monitor: a frozen supervisord is down, and back with its counters when it thaws") {
  WatchedDaemon watched;
  REQUIRE(watched.eventually_is("steady", [](const auto& seen, const auto&) { return seen.up; }));
  watched.supervisord.freeze();
  CHECK(watched.eventually_is("steady", [](const auto& seen, const auto&) { return !seen.up; }));
  watched.supervisord.thaw();
  CHECK(watched.eventually_is("steady", [](const auto& seen, const auto& process) {
    return seen.up && seen.restarts == 0 && process.counters.restarts == 0;
  }));
}

TEST_CASE("Monitor: a restart by RPC keeps the pid and is seen all the same") {
  WatchedDaemon watched;
  REQUIRE(watched.eventually_is("steady", [](const auto& seen, const auto&) { return seen.up; }));
  REQUIRE(watched.client->call({"supervisor.restart", {}},
                               base::Deadline::after(watched.clock, live_patience)));
  CHECK(watched.eventually_is("steady", [&](const auto& seen, const auto& process) {
    return seen.up && seen.restarts == 1 && seen.pid == substrate::Pid{watched.supervisord.pid()} &&
           process.counters.starts == 1 && process.counters.restarts == 0;
  }));
}

}  // namespace
}  // namespace reeve::monitor
