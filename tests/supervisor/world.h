#pragma once

// A SupervisorSubstrate on a StubCaller, with a clock that moves by itself while it is waited
// for, so that no test waits.

#include <memory>

#include "reeve/supervisor/supervisor_substrate.h"
#include "supervisor/poll_source.h"
#include "supervisor/stub_caller.h"
#include "support/manual_clock.h"

namespace reeve::tests {

/// Every wait is over at once: the clock jumps to its end.
class LeapingClock final : public base::Clock {
 public:
  [[nodiscard]] base::SteadyTime steady_now() const override { return manual_.steady_now(); }
  [[nodiscard]] base::SystemTime system_now() const override { return manual_.system_now(); }
  bool wait_until(base::SteadyTime time, const std::stop_token& stop) const override {
    if (time > manual_.steady_now()) {
      manual_.advance(time - manual_.steady_now());
    }
    return !stop.stop_requested();
  }

 private:
  mutable ManualClock manual_;
};

struct World {
  LeapingClock clock;
  std::shared_ptr<StubCaller> caller = std::make_shared<StubCaller>();
  supervisor::SupervisorSubstrate supervisord{caller};
  supervisor::SupervisorPollSource poll_source{supervisord};
  substrate::InstanceName web{"web", "web"};

  [[nodiscard]] base::Deadline soon() const {
    return base::Deadline::after(clock, std::chrono::seconds(10));
  }
};

/// The info of a process web:web in this state, as supervisord sends it.
[[nodiscard]] inline StubCaller::Reply info(substrate::InstanceState state,
                                            const std::string& spawn_error = "") {
  const bool has_pid =
      state == substrate::InstanceState::running || state == substrate::InstanceState::starting ||
      state == substrate::InstanceState::stopping || state == substrate::InstanceState::unknown;
  return value(xmlrpc::Struct{{"name", "web"},
                              {"group", "web"},
                              {"start", 1700000000},
                              {"stop", 0},
                              {"now", 1700000100},
                              {"state", substrate::state_code(state)},
                              {"statename", std::string(to_string(state))},
                              {"spawnerr", spawn_error},
                              {"exitstatus", 0},
                              {"logfile", ""},
                              {"stdout_logfile", ""},
                              {"stderr_logfile", ""},
                              {"pid", has_pid ? 4711 : 0},
                              {"description", ""}});
}

}  // namespace reeve::tests
