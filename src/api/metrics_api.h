#pragma once

// The handler of the metrics listener: the metrics, health, readiness, a landing page. Read-only.
// handle() runs on the listener's transport thread and only hands out bytes: passwords of
// basic-auth users are checked on PasswordChecker's thread, and logins that were right are known.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/http_helpers.h"
#include "api/options.h"
#include "http/message.h"
#include "metrics/exposition.h"
#include "reeve/base/clock.h"

namespace reeve::api {

struct MetricsApiDeps {
  std::function<std::vector<http::SharedBytes>(metrics::Encoding)> page;  ///< Exposition::page
  std::function<bool()> ready;  ///< whether the first poll has ended, with any result
  RequestObserver observe;
  std::string version;
  std::function<bool()> healthy = [] { return true; };  ///< false: what is published is outdated
  /// The members of the cluster as Prometheus' targets; nothing while they were never read. Empty:
  /// there is no cluster.
  std::function<std::optional<std::string>()> targets = {};
};

class MetricsApi {
 public:
  /// `clock` must outlive this.
  MetricsApi(MetricsApiDeps deps, const MetricsOptions& options, const base::Clock& clock);
  ~MetricsApi();  ///< ends the password thread
  MetricsApi(const MetricsApi&) = delete;
  MetricsApi& operator=(const MetricsApi&) = delete;

  [[nodiscard]] http::Response handle(const http::Request& request);
  /// Applies to requests from now on.
  void configure(const MetricsOptions& options);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace reeve::api
