#pragma once

// The agent's own families (`reeve_…` and `process_…`). Those of requests and reloads are counted
// here, by prometheus-cpp, which stays out of this header; what a part counts itself (a listener,
// the controller) is read from that part's Stats when a page is rendered. Thread-safe; what is set
// is set before serving.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alerts/responder.h"
#include "base/build_info.h"
#include "control/stats.h"
#include "coordination/coordinator.h"
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
  /// The connections that a listener refused and closed; once for each listener.
  void add_listener(std::function<http::Stats()> stats);
  /// The reeve_action… families; absent without a controller.
  void set_controller(std::function<control::Stats()> stats);
  /// reeve_alert_decisions_total, reeve_alerts_pending; absent without a responder.
  void set_responder(std::function<alerts::Stats()> stats);
  /// reeve_guard_gave_up, reeve_guard_breaker_open, reeve_maintenance; absent without guards.
  void set_guards(std::function<guards::GuardStats()> stats);
  /// The reeve_coordination… and reeve_limit… families; absent without a coordinator.
  void set_coordinator(std::function<coordination::Stats()> stats);

  /// The families as exposition text, always in the same order.
  [[nodiscard]] std::string render() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The agent's own process, as in /proc/self.
struct OwnProcess {
  double cpu_seconds = 0;
  std::uint64_t resident_bytes = 0;
  std::uint64_t virtual_bytes = 0;
  double started_after_boot_seconds = 0;
};

/// From the text of /proc/self/stat; nothing if it does not read like one.
[[nodiscard]] std::optional<OwnProcess> parse_own_stat(std::string_view text);

[[nodiscard]] std::optional<OwnProcess> read_own_process();
[[nodiscard]] std::optional<std::uint64_t> count_open_fds();
[[nodiscard]] std::optional<std::uint64_t> max_fds();
[[nodiscard]] std::optional<std::chrono::sys_seconds> boot_time();

}  // namespace reeve::metrics
