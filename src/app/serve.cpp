#include "app/serve.h"

#include <chrono>
#include <csignal>
#include <iostream>
#include <utility>

#include <malloc.h>

#include "app/agent.h"
#include "app/cluster_member.h"
#include "app/process.h"
#include "reeve/supervisor/supervisor_substrate.h"
#include "supervisor/poll_source.h"

namespace reeve::app {
namespace {

/// Running operations may take a program's whole stopwaitsecs; the unit's TimeoutStopSec is longer.
constexpr std::chrono::seconds shutdown_timeout{25};

/// Only a single supervisord is known to send events: of several, the listener's is known when its
/// first event arrives.
std::vector<monitor::Member> make_members(const config::Config& config, bool as_listener) {
  const std::size_t files =
      files_per_supervisor(raise_open_file_limit(), config.supervisors.size());
  std::vector<monitor::Member> members;
  for (const supervisor::Options& options : config.supervisors) {
    const auto substrate = supervisor::connect_to(options);
    const base::Endpoint& endpoint = options.endpoint;
    const bool same_host =
        base::ListenAddress{endpoint.host, endpoint.port, endpoint.socket_path}.is_local();
    members.push_back(
        {.name = options.name,
         .url = endpoint.url(),
         .call_timeout = options.timeout,
         .same_host = same_host,
         .substrate = substrate,
         .administration = substrate,
         .poll_source = std::make_shared<supervisor::SupervisorPollSource>(*substrate),
         .logs = substrate,
         .kept_files = files});
  }
  if (members.size() == 1) {
    members.front().expects_events = as_listener || !config.events.socket.empty();
  }
  return members;
}

/// supervisord passes group and name to its children as environment variables.
std::vector<substrate::InstanceName> own_programs() {
  const auto group = environment_variable("SUPERVISOR_GROUP_NAME");
  const auto name = environment_variable("SUPERVISOR_PROCESS_NAME");
  if (!group || !name) {
    return {};
  }
  return {{*group, *name}};
}

int report_error(const base::Error& error) {
  std::cerr << "reeve: " << error.message << '\n';
  return 1;
}

/// One arena, since the few threads gain nothing from more and freed memory serves all of them; and
/// pages and listings in mappings of their own, which the kernel gets back at once.
void limit_heap() {
  // NOLINTBEGIN(concurrency-mt-unsafe): there is no other thread yet
  ::mallopt(M_ARENA_MAX, 1);
  ::mallopt(M_MMAP_THRESHOLD, 128 * 1024);
  // NOLINTEND(concurrency-mt-unsafe)
}

auto is_unreachable(const base::Clock& clock) {
  return [&clock](const supervisor::Options& options) {
    const auto pid =
        supervisor::connect_to(options)->connect(base::Deadline::after(clock, options.timeout));
    return !pid && pid.error().kind == base::ErrorKind::unreachable;
  };
}

void run_until_stopped(Agent& agent) {
  notify_systemd("READY=1");
  while (wait_for_signal() == SIGHUP) {
    // The agent logs the outcome and counts it in its metrics.
    [[maybe_unused]] const auto outcome = agent.reload();
  }
  notify_systemd("STOPPING=1");
  restore_signals();
}

using Streams = std::optional<events::Streams>;

/// None where supervisord did not start Reeve as a listener.
base::Result<Streams> take_streams(const config::Config& config) {
  return is_listener(config.events.stream) ? events::take_standard_streams().map([](auto taken) {
    return Streams(std::move(taken));
  })
                                           : base::Result<Streams>(Streams());
}

base::Result<std::optional<coordination::Options>> coordination_of(const config::Config& config) {
  using Options = std::optional<coordination::Options>;
  return config.coordination
             ? member_options(config).map([](auto options) { return Options(std::move(options)); })
             : base::Result<Options>(Options());
}

}  // namespace

int report_settings_error(const config::SettingsError& error) {
  for (const config::ConfigError& each : error.errors) {
    std::cerr << "reeve: " << config::to_string(each) << '\n';
  }
  return error.usage ? 2 : exit_bad_configuration;
}

int serve(const ServiceContext& context) {
  limit_heap();
  protect_memory();
  const auto reread = [&] {
    return config::load_settings(context.options, config::Purpose::agent, context.sources);
  };
  auto settings = reread();
  if (!settings) {
    return report_settings_error(settings.error());
  }
  config::Settings resolved = *settings;
  if (const auto notice =
          config::try_usual_sockets(resolved, context.sources, is_unreachable(*context.clock))) {
    std::cerr << "reeve: " << *notice << '\n';
  }
  auto streams = take_streams(resolved.config);
  if (!streams) {
    return report_error(streams.error());
  }
  auto members = make_members(resolved.config, streams->has_value());
  const auto log_sink = base::make_stderr_sink(resolved.config.log);
  auto state = open_state(resolved.config, *context.clock, base::Log(log_sink));
  if (!state) {
    return report_error(state.error());
  }
  auto coordination = coordination_of(settings->config);
  if (!coordination) {
    return report_error(coordination.error());
  }
  Agent agent({.config = std::move(settings->config),
               .reread = reread,
               .members = std::move(members),
               .own_programs = own_programs(),
               .event_streams = *std::move(streams),
               .server_url = context.sources.variable("SUPERVISOR_SERVER_URL").value_or(""),
               .state = *std::move(state),
               .coordination = *std::move(coordination),
               .config_file = settings->config_file,
               .clock = context.clock,
               .log_sink = log_sink});
  if (const auto started = agent.start(); !started) {
    return report_error(started.error());
  }
  run_until_stopped(agent);
  agent.stop(base::Deadline::after(*context.clock, shutdown_timeout));
  return agent.event_stream_failed() ? 1 : 0;
}

}  // namespace reeve::app
