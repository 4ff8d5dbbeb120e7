#pragma once

// One request being measured: told once with what it ended, at once or later.

#include <atomic>
#include <string_view>
#include <utility>

#include "api/metrics_api.h"
#include "reeve/base/clock.h"

namespace reeve::api {

class Observation {
 public:
  /// `handler` must be a literal; `clock` must outlive this.
  Observation(std::string_view handler, const base::Clock& clock, RequestObserver observe)
      : handler_(handler),
        clock_(clock),
        observe_(std::move(observe)),
        begun_(clock.steady_now()) {}

  /// The first end counts.
  void end(int status) {
    if (!ended_.exchange(true)) {
      observe_(handler_, status, clock_.steady_now() - begun_);
    }
  }

 private:
  std::string_view handler_;
  const base::Clock& clock_;
  RequestObserver observe_;
  base::SteadyTime begun_;
  std::atomic<bool> ended_ = false;
};

}  // namespace reeve::api
