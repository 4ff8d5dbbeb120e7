#pragma once

// The agent as one object: builds the graph of parts once, runs it, stops it in reverse. The
// only place where concrete types of all parts meet. Driven by `serve` on the main thread;
// reload() also comes from a control worker.

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "alerts/responder.h"
#include "api/control_api.h"
#include "api/event_hub.h"
#include "api/metrics_api.h"
#include "app/event_sources.h"
#include "app/state.h"
#include "base/log.h"
#include "cli/settings.h"
#include "control/controller.h"
#include "http/server.h"
#include "metrics/agent_metrics.h"
#include "metrics/exposition.h"
#include "monitor/monitor.h"
#include "reeve/base/result.h"

namespace reeve::app {

/// Reads the settings again, from where they came first.
using Reread = std::function<tl::expected<cli::Settings, cli::SettingsError>()>;

/// What the agent is made from.
struct AgentParts {
  config::Config config;
  Reread reread;
  std::vector<monitor::Member> members;
  /// Reeve's own program under supervisord, where the environment names it.
  std::vector<substrate::InstanceName> own_programs;
  /// Standard input and output, if supervisord runs the agent as its listener.
  std::optional<events::Streams> event_streams;
  std::string server_url;        ///< SUPERVISOR_SERVER_URL
  std::unique_ptr<State> state;  ///< null: control is off
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
  /// Reads the configuration again and swaps it in; a bad file changes nothing. The text says
  /// what has changed but needs a restart; empty if nothing has.
  [[nodiscard]] base::Result<std::string> reload();
  /// Bounded: refuses new work, drains operations, ends the watching, closes the listeners.
  void stop(const base::Deadline& deadline);
  /// It ended because the conversation with supervisord, as its listener, could not go on.
  [[nodiscard]] bool lost_supervisord() const { return lost_supervisord_; }

 private:
  [[nodiscard]] base::Result<void> open_listeners();
  [[nodiscard]] base::Result<void> hear_events();
  [[nodiscard]] base::Result<void> apply(const config::Config& next);
  [[nodiscard]] api::MetricsSurroundings metrics_surroundings();
  [[nodiscard]] api::ControlSurroundings control_surroundings(std::vector<monitor::Member> members);
  [[nodiscard]] std::unique_ptr<alerts::Responder> make_responder();

  const base::Clock& clock_;
  std::shared_ptr<base::LogSink> log_sink_;
  base::Log log_;
  Reread reread_;
  /// Held over a whole reload: two must not interleave.
  std::mutex reloading_;
  config::Config config_;

  const std::unique_ptr<State> state_;
  metrics::AgentMetrics agent_metrics_;
  metrics::Exposition exposition_;
  monitor::Monitor fleet_;
  std::optional<events::Streams> event_streams_;  ///< until the reader has them
  const std::string server_url_;
  std::atomic<bool> lost_supervisord_ = false;
  EventSources event_sources_;
  api::EventHub events_;
  control::Controller controller_;
  std::unique_ptr<alerts::Responder> responder_;  ///< null unless control is enabled
  api::MetricsApi metrics_api_;
  api::ControlApi control_api_;
  std::unique_ptr<http::Server> metrics_server_;
  std::unique_ptr<http::Server> control_server_;  ///< null unless control is enabled
};

}  // namespace reeve::app
