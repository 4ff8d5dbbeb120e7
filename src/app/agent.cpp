#include "app/agent.h"

#include <functional>
#include <random>
#include <tuple>
#include <utility>
#include <vector>

#include <malloc.h>

#include "app/process.h"
#include "base/build_info.h"
#include "base/text.h"

namespace reeve::app {
namespace {

/// The keys of changed settings that a reload cannot apply.
std::string needs_restart(const config::Config& before, const config::Config& after) {
  const std::pair<std::string_view, bool> settings[] = {
      {"supervisor", before.supervisors != after.supervisors},
      {"events", before.events != after.events},
      {"metrics.listen", before.metrics_listener.address != after.metrics_listener.address},
      {"metrics.web_config_file (TLS on or off)",
       before.metrics_listener.tls.has_value() != after.metrics_listener.tls.has_value()},
      {"state_dir", before.state_dir != after.state_dir},
      {"control.enabled", before.control_enabled != after.control_enabled},
      {"control.listen", before.control_listener.address != after.control_listener.address},
      {"control.tls (on or off)",
       before.control_listener.tls.has_value() != after.control_listener.tls.has_value()},
  };
  std::vector<std::string_view> names;
  for (const auto& [name, differs] : settings) {
    if (differs) {
      names.push_back(name);
    }
  }
  return base::join(names, ", ");
}

/// The control section, and the timeout of a full listing.
guards::Options control_options(const config::Config& config) {
  guards::Options options = config.control;
  options.listing_timeout = config.poll.timeout;
  return options;
}

guards::Guards::Random jitter() {
  return [engine = std::mt19937(std::random_device()())]() mutable {
    return std::uniform_real_distribution<double>(0, 1)(engine);
  };
}

}  // namespace

base::Result<std::unique_ptr<State>> open_state(const config::Config& config,
                                                const base::Clock& clock, const base::Log& log) {
  if (!config.control_enabled) {
    return nullptr;
  }
  auto directory = records::StateDir::open(config.state_dir);
  if (!directory) {
    return base::failure(std::move(directory.error()));
  }
  auto state = std::make_unique<State>(State{*std::move(directory), {}, {}, {}, {}});
  auto journal = control::Journal::open(state->directory, log);
  if (!journal) {
    return base::failure(std::move(journal.error()));
  }
  state->journal = *std::move(journal);
  auto audit = control::Audit::open(state->directory, log);
  if (!audit) {
    return base::failure(std::move(audit.error()));
  }
  state->audit = *std::move(audit);
  const records::StateClock guard_clock(clock, records::boot_id());
  state->maintenance = std::make_unique<guards::Maintenance>(state->directory, guard_clock, log);
  state->guards = std::make_unique<guards::Guards>(config.guards, state->directory,
                                                   *state->maintenance, guard_clock, log, jitter());
  return state;
}

Agent::Agent(AgentParts parts)
    : clock_(*parts.clock),
      log_sink_(std::move(parts.log_sink)),
      log_(log_sink_),
      reread_(std::move(parts.reread)),
      config_(std::move(parts.config)),
      state_(std::move(parts.state)),
      agent_metrics_(base::build_info()),
      exposition_(config_.metrics, agent_metrics_),
      monitor_(parts.members, config_.poll, clock_, log_),
      event_streams_(std::move(parts.event_streams)),
      server_url_(std::move(parts.server_url)),
      event_sources_(monitor_.inbox(), clock_, log_),
      events_(clock_),
      controller_({.members = parts.members,
                   .snapshot = [this] { return monitor_.snapshot(); },
                   .nudge = [this](std::string_view supervisor) { monitor_.nudge(supervisor); },
                   .own_programs = std::move(parts.own_programs),
                   .journal = state_ ? state_->journal.get() : nullptr,
                   .audit = state_ ? state_->audit.get() : nullptr,
                   .maintenance = state_ ? state_->maintenance.get() : nullptr,
                   .guards = state_ ? state_->guards.get() : nullptr},
                  control_options(config_), clock_, log_),
      responder_(make_responder()),
      metrics_api_(metrics_api_deps(), config_.metrics_api, clock_),
      control_api_(control_api_deps(parts.members), config_.control_api, clock_, log_) {
  monitor_.on_publish([this](const std::shared_ptr<const monitor::Snapshot>& snapshot) {
    exposition_.publish(snapshot);
    events_.publish(snapshot);
    // Decoding a listing takes ten times its size: return it to the kernel.
    ::malloc_trim(0);
  });
  if (state_) {
    state_->audit->on_record(
        [this](const std::vector<control::AuditEntry>& entries) { events_.publish(entries); });
  }
  controller_.on_change(
      [this](const control::Operation& operation) { events_.publish(operation); });
  exposition_.publish(monitor_.snapshot());
  agent_metrics_.observe_reload(true, clock_.system_now());
}

api::MetricsApiDeps Agent::metrics_api_deps() {
  return {
      .page = [this](metrics::Encoding encoding) { return exposition_.page(encoding); },
      .ready = [this] { return monitor_.snapshot()->complete; },
      .observe =
          [this](std::string_view handler, int status, std::chrono::nanoseconds duration) {
            agent_metrics_.observe_request(handler, status, duration);
          },
      .version = std::string(base::build_info().version),
  };
}

api::ControlApiDeps Agent::control_api_deps(std::vector<monitor::Member> members) {
  return {
      .snapshot = [this] { return monitor_.snapshot(); },
      .controller = &controller_,
      .reload = [this] { return reload(); },
      .observe = metrics_api_deps().observe,
      .listen_host = config_.control_listener.address.host,
      .members = std::move(members),
      .events = &events_,
      .guards = state_ ? state_->guards.get() : nullptr,
      .maintenance = state_ ? state_->maintenance.get() : nullptr,
      .audit = state_ ? state_->audit.get() : nullptr,
      .responder = responder_.get(),
  };
}

std::unique_ptr<alerts::Responder> Agent::make_responder() {
  if (!state_) {
    return nullptr;
  }
  const alerts::ResponderDeps deps{[this] { return monitor_.snapshot(); }, &controller_,
                                   state_->guards.get(), state_->audit.get(), &state_->directory};
  return std::make_unique<alerts::Responder>(deps, config_.alerts, clock_, log_,
                                             state_->journal->restored());
}

base::Result<void> Agent::open_listeners() {
  const auto open = [this](const http::ListenerOptions& options, auto& api) {
    return http::Server::open(
        options, [&api](const http::Request& request) { return api.handle(request); },
        log_.with("listener", options.name));
  };
  auto metrics_server = open(config_.metrics_listener, metrics_api_);
  if (!metrics_server) {
    return base::failure(std::move(metrics_server.error()));
  }
  metrics_server_ = std::move(*metrics_server);
  if (!config_.control_enabled) {
    return {};
  }
  auto control_server = open(config_.control_listener, control_api_);
  if (!control_server) {
    return base::failure(std::move(control_server.error()));
  }
  control_server_ = std::move(*control_server);
  return {};
}

base::Result<void> Agent::start_event_sources() {
  if (event_streams_) {
    const auto on_end = [this](const base::Result<void>& ended) {
      event_stream_failed_ = !ended.has_value();
      log_.info("the event stream on standard input has ended, exiting",
                {{"reason", ended ? "stdin closed by supervisord" : ended.error().message}});
      request_shutdown();
    };
    event_sources_.read(std::move(*event_streams_), {server_url_, ""}, on_end);
  }
  return config_.events.socket.empty() ? base::Result<void>()
                                       : event_sources_.listen(config_.events.socket);
}

base::Result<void> Agent::start() {
  if (auto opened = open_listeners(); !opened) {
    return opened;
  }
  if (auto started = start_event_sources(); !started) {
    return started;
  }
  for (http::Server* server : {metrics_server_.get(), control_server_.get()}) {
    if (server != nullptr) {
      agent_metrics_.add_listener([server] { return server->stats(); });
    }
  }
  monitor_.start();
  if (control_server_) {
    agent_metrics_.set_controller([this] { return controller_.stats(); });
    agent_metrics_.set_responder([this] { return responder_->stats(); });
    agent_metrics_.set_guards([this] { return state_->guards->stats(); });
    controller_.restore();
    controller_.start();
    control_server_->start();
  }
  metrics_server_->start();
  const base::BuildInfo build = base::build_info();
  log_.info("reeve is running",
            {{"version", std::string(build.version)},
             {"revision", std::string(build.revision)},
             {"metrics", config_.metrics_listener.address.text()},
             {"control", control_server_ ? config_.control_listener.address.text() : "off"}});
  return {};
}

base::Result<std::string> Agent::reload() {
  const std::scoped_lock lock(reload_mutex_);
  const auto settings = reread_();
  base::Result<void> applied;
  if (settings) {
    applied = apply(settings->config);
  } else {
    applied = base::failure(base::ErrorKind::invalid_argument,
                            base::join(settings.error().errors, "; ", config::to_string));
  }
  agent_metrics_.observe_reload(applied.has_value(), clock_.system_now());
  if (!applied) {
    log_.error("the configuration was not reloaded and is unchanged",
               {{"error", applied.error().message}});
    return base::failure(std::move(applied.error()));
  }
  // config_ stays the one of the start, so that the next reload names these settings again.
  const std::string pending = needs_restart(config_, settings->config);
  log_.info("the configuration is reloaded", {{"needs_restart", pending}});
  return pending;
}

base::Result<void> Agent::apply(const config::Config& next) {
  std::vector<std::function<void()>> use_certificates;
  for (const auto& [server, running, wanted] :
       {std::tuple(metrics_server_.get(), &config_.metrics_listener, &next.metrics_listener),
        std::tuple(control_server_.get(), &config_.control_listener, &next.control_listener)}) {
    if (server == nullptr || !running->tls || !wanted->tls) {
      continue;  // turning TLS on or off needs a restart
    }
    auto prepared = server->prepare_tls(*wanted->tls);
    if (!prepared) {
      return base::failure(std::move(prepared.error()));
    }
    use_certificates.push_back(*std::move(prepared));
  }
  // From here on nothing can fail.
  for (const auto& use_certificate : use_certificates) {
    use_certificate();
  }
  log_sink_->configure(next.log);
  monitor_.configure(next.poll);
  exposition_.configure(next.metrics);
  controller_.configure(control_options(next));
  if (state_) {
    state_->guards->configure(next.guards);
    responder_->configure(next.alerts);
  }
  metrics_api_.configure(next.metrics_api);
  control_api_.configure(next.control_api);
  return {};
}

void Agent::stop(const base::Deadline& deadline) {
  controller_.stop(deadline);
  event_sources_.stop();
  monitor_.stop();
  if (control_server_) {
    control_server_->stop(deadline);
  }
  metrics_server_->stop(deadline);
  log_.info("reeve has stopped");
}

}  // namespace reeve::app
