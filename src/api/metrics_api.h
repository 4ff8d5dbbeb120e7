#pragma once

// The handler of the metrics listener: the metrics, health, readiness, a landing page. Read-only.
// handle() runs on the listener's transport thread and only hands out bytes: passwords of
// basic-auth users are checked on PasswordChecker's thread, and verified logins are cached.

#include <functional>
#include <memory>
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
