#pragma once

// The agent as one object: builds the graph of parts once, starts it, stops it in reverse order.
// The only place that names the concrete types of all parts. Driven by `serve` on the main thread;
// control workers also call reload().

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "alerts/responder.h"
#include "api/control_api.h"
#include "api/event_hub.h"
#include "api/metrics_api.h"
#include "app/event_sources.h"
#include "app/own_processes.h"
#include "base/guarded.h"
#include "base/log.h"
#include "config/settings.h"
#include "control/audit.h"
#include "control/controller.h"
#include "control/journal.h"
#include "coordination/etcd_coordinator.h"
#include "guards/guards.h"
#include "guards/maintenance.h"
#include "http/server.h"
#include "metrics/agent_metrics.h"
#include "metrics/exposition.h"
#include "monitor/monitor.h"
#include "promql/client.h"
#include "records/state_dir.h"
#include "reeve/base/result.h"

namespace reeve::app {

/// The state directory and what is stored in it. Opened before the agent is made; everything in it
/// is thread-safe.
struct State {
  records::StateDir directory;
  std::unique_ptr<control::Journal> journal;
  std::unique_ptr<control::Audit> audit;
  std::unique_ptr<guards::Maintenance> maintenance;
  std::unique_ptr<guards::Guards> guards;
};

/// Null unless control is enabled: otherwise nothing is stored. An error says what to do. `clock`
/// must outlive it.
[[nodiscard]] base::Result<std::unique_ptr<State>> open_state(const config::Config& config,
                                                              const base::Clock& clock,
                                                              const base::Log& log);

/// Loads the settings again, from the same sources as at the start.
using Reread = std::function<tl::expected<config::Settings, config::SettingsError>()>;

/// What the agent is made from.
struct AgentParts {
  config::Config config;
  Reread reread;
  std::vector<monitor::Member> members;
  /// Reeve's own program, if supervisord runs it.
  std::vector<substrate::InstanceName> own_programs;
  /// Standard input and output, if supervisord runs the agent as its listener.
  std::optional<events::Streams> event_streams;
  std::string server_url;                             ///< SUPERVISOR_SERVER_URL
  std::unique_ptr<State> state;                       ///< null: control is off
  std::optional<coordination::Options> coordination;  ///< nothing: no cluster
  std::string config_file;                            ///< empty: none
  const base::Clock* clock = nullptr;
  std::shared_ptr<base::LogSink> log_sink;
};

class Agent {
 public:
  explicit Agent(AgentParts parts);
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  /// Opens the listeners and starts all threads. An error names the listener.
  [[nodiscard]] base::Result<void> start();
  /// Loads the configuration again and applies it; an invalid one changes nothing. The result names
  /// the changed settings that need a restart; empty if there are none.
  [[nodiscard]] base::Result<std::string> reload();
  /// Refuses new operations, drains running ones until the deadline, stops the monitor and closes
  /// the listeners.
  void stop(const base::Deadline& deadline);
  /// An error ended supervisord's event stream on standard input.
  [[nodiscard]] bool event_stream_failed() const { return event_stream_failed_; }

 private:
  [[nodiscard]] base::Result<void> open_listeners();
  [[nodiscard]] base::Result<void> start_event_sources();
  void start_control();
  void start_coordination();
  [[nodiscard]] base::Result<void> apply(const config::Config& next);
  /// Of all listeners, or of none.
  [[nodiscard]] base::Result<void> apply_certificates(const config::Config& next);
  [[nodiscard]] std::vector<http::Server*> servers() const;
  /// Certificates and the web configuration are read again when their files change.
  void watch_files();
  [[nodiscard]] std::vector<std::string> watched_files();
  void reread_files();
  [[nodiscard]] api::MetricsApiDeps metrics_api_deps();
  [[nodiscard]] api::ControlApiDeps control_api_deps(std::vector<monitor::Member> members);
  [[nodiscard]] std::unique_ptr<alerts::Responder> make_responder();
  [[nodiscard]] std::optional<std::string> targets_document() const;
  /// What the other members see of this one.
  void report_to_cluster(const monitor::Snapshot& snapshot);

  /// The text of `/fleet/targets`: rendered again once the coordinator has published another view.
  struct Targets {
    std::shared_ptr<const coordination::View> view;
    std::shared_ptr<const std::string> text;
  };

  const base::Clock& clock_;
  std::shared_ptr<base::LogSink> log_sink_;
  base::Log log_;
  Reread reread_;
  /// Held during a whole reload: two must not interleave.
  std::mutex reload_mutex_;
  config::Config config_;   ///< of the start
  config::Config applied_;  ///< of the last reload; under reload_mutex_

  const std::unique_ptr<State> state_;
  const std::optional<coordination::Options> cluster_;
  const std::string config_file_;
  base::Guarded<std::string> config_revision_;
  std::unique_ptr<coordination::EtcdCoordinator> coordinator_;  ///< null: no cluster
  mutable base::Guarded<Targets> targets_;
  metrics::AgentMetrics agent_metrics_;
  metrics::Exposition exposition_;
  monitor::Monitor monitor_;
  std::optional<events::Streams> event_streams_;  ///< moved to the reader by start()
  const std::string server_url_;
  std::atomic<bool> event_stream_failed_ = false;
  EventSources event_sources_;
  api::EventHub events_;
  promql::Client promql_;
  OwnProcesses own_processes_;
  control::Controller controller_;
  std::unique_ptr<alerts::Responder> responder_;  ///< null unless control is enabled
  api::MetricsApi metrics_api_;
  api::ControlApi control_api_;
  std::vector<std::unique_ptr<http::Server>> metrics_servers_;  ///< one for each address
  std::unique_ptr<http::Server> control_server_;                ///< null unless control is enabled
  std::jthread file_watch_;
};

}  // namespace reeve::app
