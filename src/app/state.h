#pragma once

// What of the agent outlives it: the state directory, and those who keep files in it. Opened
// before anything else is made; everything in it is thread-safe.

#include <memory>

#include "reeve/base/clock.h"
#include "reeve/base/log.h"
#include "reeve/base/result.h"
#include "reeve/config/config.h"
#include "reeve/control/audit.h"
#include "reeve/control/guards.h"
#include "reeve/control/journal.h"
#include "reeve/control/maintenance.h"
#include "reeve/control/state_dir.h"

namespace reeve::app {

struct State {
  control::StateDir directory;
  std::unique_ptr<control::Journal> journal;
  std::unique_ptr<control::Audit> audit;
  std::unique_ptr<control::Maintenance> maintenance;
  std::unique_ptr<control::Guards> guards;
};

/// Null unless control is enabled: then nothing is kept. An error says what to do. `clock` must
/// outlive it.
[[nodiscard]] base::Result<std::unique_ptr<State>> open_state(const config::Config& config,
                                                              const base::Clock& clock,
                                                              const base::Log& log);

}  // namespace reeve::app
