#include "app/serve.h"

#include <chrono>
#include <csignal>
#include <ostream>
#include <utility>

#include <malloc.h>

#include "app/agent.h"
#include "app/bad_settings.h"
#include "app/notify.h"
#include "app/open_files.h"
#include "app/signals.h"
#include "cli/settings.h"

namespace reeve::app {
namespace {

/// Operations under way may take a program's whole stopwaitsecs; the unit waits a little longer.
constexpr std::chrono::seconds shutdown_patience{25};

/// Of several supervisords nobody knows which one a listener belongs to until it speaks.
std::vector<monitor::Member> members(const config::Config& config,
                                     const cli::Surroundings& surroundings, bool as_listener) {
  const std::size_t files = kept_files(raise_open_files(), config.supervisors.size());
  std::vector<monitor::Member> members;
  for (const supervisor::Options& options : config.supervisors) {
    const cli::Peer peer = surroundings.connect(options);
    const base::Endpoint& endpoint = options.endpoint;
    const bool same_host =
        base::ListenAddress{endpoint.host, endpoint.port, endpoint.socket_path}.is_local();
    members.push_back({.name = options.name,
                       .url = endpoint.url(),
                       .call_timeout = options.timeout,
                       .same_host = same_host,
                       .substrate = peer.substrate,
                       .administration = peer.administration,
                       .poll_source = peer.poll_source,
                       .logs = peer.logs,
                       .kept_files = files});
  }
  if (members.size() == 1) {
    members.front().expects_events = as_listener || !config.events.socket.empty();
  }
  return members;
}

/// supervisord tells its children who they are.
std::vector<substrate::InstanceName> own_programs(const cli::Surroundings& surroundings) {
  const auto group = surroundings.variable("SUPERVISOR_GROUP_NAME");
  const auto name = surroundings.variable("SUPERVISOR_PROCESS_NAME");
  if (!group || !name) {
    return {};
  }
  return {{*group, *name}};
}

int fail(const base::Error& error, std::ostream& console) {
  console << "reeve: " << error.message << '\n';
  return 1;
}

void run_until_stopped(Agent& agent) {
  notify_manager("READY=1");
  while (wait_for_signal() == SIGHUP) {
    // The agent logs the outcome and shows it in its metrics; nobody waits for it here.
    [[maybe_unused]] const auto outcome = agent.reload();
  }
  notify_manager("STOPPING=1");
  restore_signals();
}

}  // namespace

int serve(const cli::CommonOptions& options, const cli::Surroundings& surroundings) {
  // The few threads here gain nothing from an arena each, and memory freed by one serves all.
  // NOLINTBEGIN(concurrency-mt-unsafe): there is no other thread yet
  ::mallopt(M_ARENA_MAX, 1);
  // Pages and listings come and go whole: let them go back to the kernel, not to the heap.
  ::mallopt(M_MMAP_THRESHOLD, 128 * 1024);
  // NOLINTEND(concurrency-mt-unsafe)
  const auto reread = [&] { return cli::settle(options, cli::Purpose::agent, surroundings); };
  auto settings = reread();
  if (!settings) {
    return refuse(settings.error(), *surroundings.console.err);
  }
  cli::Settings found = *settings;
  cli::try_usual_sockets(found, surroundings);
  std::optional<events::Streams> streams;
  if (is_listener(found.config.events.stream, surroundings)) {
    auto taken = events::take_standard_streams();
    if (!taken) {
      return fail(taken.error(), *surroundings.console.err);
    }
    streams = std::move(*taken);
  }
  const auto log_sink = base::make_stderr_sink(found.config.log);
  auto state = open_state(found.config, *surroundings.clock, base::Log(log_sink));
  if (!state) {
    return fail(state.error(), *surroundings.console.err);
  }
  Agent agent({.config = std::move(settings->config),
               .reread = reread,
               .members = members(found.config, surroundings, streams.has_value()),
               .own_programs = own_programs(surroundings),
               .event_streams = std::move(streams),
               .server_url = surroundings.variable("SUPERVISOR_SERVER_URL").value_or(""),
               .state = *std::move(state),
               .clock = surroundings.clock,
               .log_sink = log_sink});
  if (const auto started = agent.start(); !started) {
    return fail(started.error(), *surroundings.console.err);
  }
  run_until_stopped(agent);
  agent.stop(base::Deadline::after(*surroundings.clock, shutdown_patience));
  return agent.lost_supervisord() ? 1 : 0;
}

}  // namespace reeve::app
