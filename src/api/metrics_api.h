#pragma once

// What the metrics listener answers: the metrics, health, readiness, a landing page. Read-only.
// handle() runs on the listener's transport thread and only hands out bytes: passwords of
// basic-auth users are checked on a thread of its own, and a user once seen passes at once.

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/options.h"
#include "http/message.h"
#include "metrics/exposition.h"
#include "reeve/base/clock.h"

namespace reeve::api {

/// AgentMetrics::observe_request. The names of handlers are fixed and few.
using RequestObserver =
    std::function<void(std::string_view handler, int status, std::chrono::nanoseconds duration)>;

struct MetricsSurroundings {
  std::function<std::vector<http::SharedBytes>(metrics::Encoding)> page;  ///< Exposition::page
  std::function<bool()> ready;  ///< the first poll ended, with any result
  RequestObserver observe;
  std::string version;
};

class MetricsApi {
 public:
  /// `clock` must outlive this.
  MetricsApi(MetricsSurroundings surroundings, const MetricsOptions& options,
             const base::Clock& clock);
  ~MetricsApi();  ///< ends the password thread
  MetricsApi(const MetricsApi&) = delete;
  MetricsApi& operator=(const MetricsApi&) = delete;

  [[nodiscard]] http::Response handle(const http::Request& request);
  /// For requests from now on.
  void configure(const MetricsOptions& options);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace reeve::api
