#include "app/agent.h"

#include <algorithm>
#include <array>
#include <functional>
#include <random>
#include <tuple>
#include <utility>
#include <vector>

#include <malloc.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/cluster_member.h"
#include "app/process.h"
#include "base/build_info.h"
#include "base/text.h"
#include "json/json.h"

namespace reeve::app {
namespace {

/// A page of ten thousand processes takes a tenth of a second.
constexpr std::chrono::seconds publisher_patience{5};

/// The keys of changed settings that a reload cannot apply.
std::string needs_restart(const config::Config& before, const config::Config& after) {
  const std::pair<std::string_view, bool> settings[] = {
      {"supervisor", before.supervisors != after.supervisors},
      {"events", before.events != after.events},
      {"metrics.listen", before.metrics_listener.address != after.metrics_listener.address ||
                             before.further_metrics_addresses != after.further_metrics_addresses},
      {"metrics.web_config_file (TLS on or off)",
       before.metrics_listener.tls.has_value() != after.metrics_listener.tls.has_value()},
      {"state_dir", before.state_dir != after.state_dir},
      {"coordination", before.coordination != after.coordination},
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

void log_warnings(const base::Log& log, const std::vector<config::ConfigError>& warnings) {
  for (const config::ConfigError& each : warnings) {
    log.warning("the configuration is probably not what was meant",
                {{"warning", config::to_string(each)}});
  }
}

/// One for each address, or for each socket of systemd's. Further ones are metrics_2 and so on in
/// statistics and log.
base::Result<std::vector<http::ListenerOptions>> metrics_listeners(const config::Config& config) {
  std::vector<http::ListenerOptions> listeners;
  const auto add = [&](const base::ListenAddress& address, int socket) {
    http::ListenerOptions options = config.metrics_listener;
    options.address = address;
    options.inherited_socket = socket;
    options.name += listeners.empty() ? "" : "_" + std::to_string(listeners.size() + 1);
    listeners.push_back(std::move(options));
  };
  if (!config.systemd_socket) {
    add(config.metrics_listener.address, -1);
    for (const base::ListenAddress& address : config.further_metrics_addresses) {
      add(address, -1);
    }
    return listeners;
  }
  for (const int socket : sockets_of_systemd()) {
    add({}, socket);
  }
  return listeners.empty()
             ? base::Result<std::vector<http::ListenerOptions>>(base::failure(
                   base::ErrorKind::invalid_argument,
                   "--web.systemd-socket: systemd has passed no socket: is there a .socket unit?"))
             : listeners;
}

std::string metrics_addresses(const config::Config& config) {
  if (config.systemd_socket) {
    return "systemd";
  }
  std::string text = config.metrics_listener.address.text();
  for (const base::ListenAddress& address : config.further_metrics_addresses) {
    text += ", " + address.text();
  }
  return text;
}

/// What changes when a file is written or replaced; all zero if it is gone.
using Signature = std::array<std::int64_t, 5>;

std::vector<Signature> signatures_of(const std::vector<std::string>& files) {
  std::vector<Signature> signatures;
  for (const std::string& path : files) {
    struct stat status {};
    signatures.push_back(::stat(path.c_str(), &status) != 0
                             ? Signature{}
                             : Signature{static_cast<std::int64_t>(status.st_ino), status.st_size,
                                         status.st_mtim.tv_sec, status.st_mtim.tv_nsec,
                                         status.st_ctim.tv_nsec});
  }
  return signatures;
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
  auto audit = control::Audit::open(state->directory, clock, log);
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
      applied_(config_),
      state_(std::move(parts.state)),
      cluster_(std::move(parts.coordination)),
      config_file_(std::move(parts.config_file)),
      config_revision_(configuration_revision(config_file_)),
      coordinator_(cluster_
                       ? std::make_unique<coordination::EtcdCoordinator>(*cluster_, clock_, log_)
                       : nullptr),
      agent_metrics_(base::build_info()),
      exposition_(config_.metrics, agent_metrics_),
      monitor_(parts.members, config_.poll, clock_, log_),
      event_streams_(std::move(parts.event_streams)),
      server_url_(std::move(parts.server_url)),
      event_sources_(monitor_.inbox(), clock_, log_),
      events_(clock_),
      own_processes_(clock_),
      controller_({.members = parts.members,
                   .snapshot = [this] { return monitor_.snapshot(); },
                   .nudge = [this](std::string_view supervisor) { monitor_.nudge(supervisor); },
                   .own_programs = std::move(parts.own_programs),
                   .is_own_process =
                       [this](const auto& supervisor, const auto& process) {
                         return own_processes_.contains(supervisor, process);
                       },
                   .journal = state_ ? state_->journal.get() : nullptr,
                   .audit = state_ ? state_->audit.get() : nullptr,
                   .maintenance = state_ ? state_->maintenance.get() : nullptr,
                   .guards = state_ ? state_->guards.get() : nullptr,
                   .coordinator = coordinator_.get(),
                   .limit_of =
                       [this](const guards::Target& target) {
                         return responder_ ? responder_->limit_of(target) : std::string();
                       },
                   .member_name = cluster_ ? cluster_->member.name : "",
                   .has_result =
                       [this](const promql::Query& query, const base::Deadline& deadline) {
                         return promql_.has_result(query, deadline);
                       }},
                  control_options(config_), clock_, log_),
      responder_(make_responder()),
      metrics_api_(metrics_api_deps(), config_.metrics_api, clock_),
      control_api_(control_api_deps(parts.members), config_.control_api, clock_, log_) {
  monitor_.on_publish([this](const std::shared_ptr<const monitor::Snapshot>& snapshot) {
    exposition_.publish(snapshot);
    events_.publish(snapshot);
    control_api_.publish(*snapshot);
    report_to_cluster(*snapshot);
    // Decoding a listing takes ten times its size: return it to the kernel.
    ::malloc_trim(0);
  });
  if (state_) {
    state_->audit->on_record([this](const std::vector<control::AuditEntry>& entries) {
      events_.publish(entries);
      control_api_.observe(entries);
    });
  }
  events_.find_operations(
      [this](base::SystemTime since) { return controller_.unfinished_at(since); });
  controller_.on_change(
      [this](const control::Operation& operation) { events_.publish(operation); });
  controller_.set_permission_lookup([this](const guards::Command& command) {
    return command.source == guards::Source::alert && responder_
               ? responder_->permission_of(command)
               : control_api_.permission_of(command);
  });
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
      .healthy = [this] { return !monitor_.publisher_hangs(); },
      .targets = coordinator_ ? [this] { return targets_document(); }
                              : std::function<std::optional<std::string>()>(),
  };
}

std::optional<std::string> Agent::targets_document() const {
  const auto view = coordinator_->view();
  if (!view->read) {
    return std::nullopt;
  }
  Targets targets = targets_.copy();
  if (targets.view != view) {
    targets = {view, std::make_shared<const std::string>(
                         json::targets_text(view->members, cluster_->cluster))};
    targets_.with([&](Targets& last) { last = targets; });
  }
  return *targets.text;
}

void Agent::report_to_cluster(const monitor::Snapshot& snapshot) {
  if (!coordinator_) {
    return;
  }
  const auto guards = state_ ? state_->guards->list() : std::vector<guards::GuardState>();
  const auto standing = std::count_if(guards.begin(), guards.end(), [](const auto& guard) {
    return guard.gave_up || guard.cooldown_until.has_value();
  });
  coordinator_->report(
      report_of(snapshot, static_cast<std::size_t>(standing), config_revision_.copy()));
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
      .coordinator = coordinator_.get(),
      .member_name = cluster_ ? cluster_->member.name : "",
      .healthy = [this] { return !monitor_.publisher_hangs(); },
  };
}

std::unique_ptr<alerts::Responder> Agent::make_responder() {
  if (!state_) {
    return nullptr;
  }
  const alerts::ResponderDeps deps{[this] { return monitor_.snapshot(); },
                                   &controller_,
                                   state_->guards.get(),
                                   state_->audit.get(),
                                   &state_->directory,
                                   coordinator_.get(),
                                   cluster_ ? cluster_->member.name : ""};
  return std::make_unique<alerts::Responder>(deps, config_.alerts, clock_, log_,
                                             state_->journal->restored());
}

base::Result<void> Agent::open_listeners() {
  const auto open = [this](const http::ListenerOptions& options, auto& api,
                           const http::HeadCheck& check_head) {
    return http::Server::open(
        options, [&api](const http::Request& request) { return api.handle(request); },
        log_.with("listener", options.name), check_head);
  };
  auto listeners = metrics_listeners(config_);
  if (!listeners) {
    return base::failure(std::move(listeners.error()));
  }
  for (const http::ListenerOptions& options : *listeners) {
    auto metrics_server = open(options, metrics_api_, nullptr);
    if (!metrics_server) {
      return base::failure(std::move(metrics_server.error()));
    }
    metrics_servers_.push_back(std::move(*metrics_server));
  }
  if (!config_.control_enabled) {
    return {};
  }
  auto control_server =
      open(config_.control_listener, control_api_,
           [this](const http::Request& request) { return control_api_.check_head(request); });
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
  for (http::Server* server : servers()) {
    agent_metrics_.add_listener([server] { return server->stats(); });
  }
  monitor_.start();
  if (control_server_) {
    start_control();
  }
  if (coordinator_) {
    start_coordination();
  } else if (state_) {
    state_->maintenance->set_shared({});  // of an earlier configuration
  }
  for (http::Server* server : servers()) {
    server->start();
  }
  watch_files();
  log_warnings(log_, config_.warnings);
  const base::BuildInfo build = base::build_info();
  log_.info("reeve is running",
            {{"version", std::string(build.version)},
             {"revision", std::string(build.revision)},
             {"metrics", metrics_addresses(config_)},
             {"control", control_server_ ? config_.control_listener.address.text() : "off"}});
  return {};
}

void Agent::start_control() {
  agent_metrics_.set_controller([this] { return controller_.stats(); });
  agent_metrics_.set_responder([this] { return responder_->stats(); });
  agent_metrics_.set_guards([this] { return state_->guards->stats(); });
  state_->audit->start();
  controller_.restore();
  controller_.start();
  responder_->start();
}

void Agent::start_coordination() {
  agent_metrics_.set_coordinator([this] { return coordinator_->stats(); });
  coordinator_->on_change([this] {
    if (responder_ && coordinator_->view()->read) {
      state_->maintenance->set_shared(coordinator_->view()->maintenance);
      responder_->on_shared_change();
    }
  });
  coordinator_->start();
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
  log_warnings(log_, settings->config.warnings);
  const std::string pending = needs_restart(config_, settings->config);
  std::vector<base::LogField> fields;
  if (!pending.empty()) {
    fields.push_back({"needs_restart", pending});
  }
  log_.info("the configuration is reloaded", std::move(fields));
  return pending;
}

std::vector<http::Server*> Agent::servers() const {
  std::vector<http::Server*> all;
  for (const auto& server : metrics_servers_) {
    all.push_back(server.get());
  }
  if (control_server_) {
    all.push_back(control_server_.get());
  }
  return all;
}

base::Result<void> Agent::apply_certificates(const config::Config& next) {
  std::vector<std::function<void()>> use_certificates;
  for (http::Server* server : servers()) {
    const bool is_control = server == control_server_.get();
    const auto& running = is_control ? config_.control_listener.tls : config_.metrics_listener.tls;
    const auto& wanted = is_control ? next.control_listener.tls : next.metrics_listener.tls;
    if (!running || !wanted) {
      continue;  // turning TLS on or off needs a restart
    }
    auto prepared = server->prepare_tls(*wanted);
    if (!prepared) {
      return base::failure(std::move(prepared.error()));
    }
    use_certificates.push_back(*std::move(prepared));
  }
  for (const auto& use_certificate : use_certificates) {
    use_certificate();
  }
  return {};
}

base::Result<void> Agent::apply(const config::Config& next) {
  if (monitor_.publisher_hangs()) {
    return base::failure(base::ErrorKind::internal,
                         "a page of metrics is not rendered to its end: restart reeve");
  }
  if (auto applied = apply_certificates(next); !applied) {
    return applied;
  }
  // From here on nothing can fail.
  config_revision_.with([&](std::string& now) { now = configuration_revision(config_file_); });
  applied_ = next;
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

void Agent::watch_files() {
  static constexpr std::chrono::seconds pause{5};
  file_watch_ = std::jthread([this](const std::stop_token& stop) {
    auto before = signatures_of(watched_files());
    while (clock_.wait_until(clock_.steady_now() + pause, stop)) {
      base::run_logged(log_, "reading changed files", [&] {
        const auto now = signatures_of(watched_files());
        if (std::exchange(before, now) != now) {
          reread_files();
        }
      });
    }
  });
}

std::vector<std::string> Agent::watched_files() {
  const std::scoped_lock lock(reload_mutex_);
  std::vector<std::string> files = {applied_.web_config_file};
  for (const auto* tls : {&applied_.metrics_listener.tls, &applied_.control_listener.tls}) {
    if (*tls) {
      files.insert(files.end(), {(*tls)->cert_file, (*tls)->key_file, (*tls)->client_ca_file});
    }
  }
  std::erase_if(files, [](const std::string& path) { return path.empty(); });
  return files;
}

void Agent::reread_files() {
  const std::scoped_lock lock(reload_mutex_);
  config::Config next = applied_;
  std::vector<config::ConfigError> errors;
  if (!next.web_config_file.empty()) {
    errors = config::reread_web_config(next);
  }
  const auto applied = errors.empty() ? apply_certificates(next)
                                      : base::failure(base::ErrorKind::invalid_argument,
                                                      base::join(errors, "; ", config::to_string));
  if (!applied) {
    log_.error("changed certificates or web configuration are not used",
               {{"error", applied.error().message}});
    return;
  }
  metrics_api_.configure(next.metrics_api);
  applied_ = std::move(next);
  log_.info("changed certificates or web configuration are read again");
}

void Agent::stop(const base::Deadline& deadline) {
  file_watch_ = std::jthread();  // stopped and joined
  if (responder_) {
    responder_->stop();  // before the controller accepts no more: what waits goes on waiting
  }
  controller_.stop(deadline);
  if (coordinator_) {
    coordinator_->stop(deadline);
  }
  event_sources_.stop();
  if (!monitor_.stop(publisher_patience)) {
    log_.error("a page of metrics is not rendered to its end: reeve ends without it");
    ::_exit(1);
  }
  if (control_server_) {
    control_server_->stop(deadline);
  }
  for (const auto& server : metrics_servers_) {
    server->stop(deadline);
  }
  log_.info("reeve has stopped");
}

}  // namespace reeve::app
