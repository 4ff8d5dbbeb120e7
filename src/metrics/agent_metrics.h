#pragma once

// The agent's own families (`reeve_…` and `process_…`), kept by prometheus-cpp, which stays out
// of this header. Counters that a part keeps itself (a listener's, the controller's) are read
// from that part's Stats when a page is rendered. Thread-safe.

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "alerts/stats.h"
#include "base/build_info.h"
#include "control/stats.h"
#include "guards/guards.h"
#include "http/stats.h"

namespace reeve::metrics {

class AgentMetrics {
 public:
  explicit AgentMetrics(const base::BuildInfo& build);
  ~AgentMetrics();
  AgentMetrics(const AgentMetrics&) = delete;
  AgentMetrics& operator=(const AgentMetrics&) = delete;

  /// reeve_http_requests_total and reeve_http_request_duration_seconds.
  void observe_request(std::string_view handler, int status, std::chrono::nanoseconds duration);
  /// reeve_config_last_reload_successful and …_success_timestamp_seconds.
  void observe_reload(bool successful, std::chrono::system_clock::time_point at);
  /// A listener whose Stats become reeve_http_rejected_connections_total. Set before serving.
  void add_listener(std::function<http::Stats()> stats);
  /// The controller, whose Stats become the reeve_action… families; none without one. Set
  /// before serving.
  void set_controller(std::function<control::Stats()> stats);

  /// Who answers alerts, whose Stats become reeve_alert_decisions_total; none without one. Set
  /// before serving.
  void set_responder(std::function<alerts::Stats()> stats);
  /// The guards, for reeve_guard_gave_up, reeve_guard_breaker_open and reeve_maintenance; none
  /// without them. Set before serving.
  void set_guards(std::function<guards::GuardStats()> stats);

  /// The families as exposition text, in an order that stays.
  [[nodiscard]] std::string render() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace reeve::metrics
