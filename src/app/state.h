#pragma once

// What of the agent outlives it: the state directory, and those who keep files in it. Opened
// before anything else is made; everything in it is thread-safe.

#include <memory>

#include "base/log.h"
#include "config/config.h"
#include "control/audit.h"
#include "control/journal.h"
#include "guards/guards.h"
#include "guards/maintenance.h"
#include "records/state_dir.h"
#include "reeve/base/clock.h"
#include "reeve/base/result.h"

namespace reeve::app {

struct State {
  records::StateDir directory;
  std::unique_ptr<control::Journal> journal;
  std::unique_ptr<control::Audit> audit;
  std::unique_ptr<guards::Maintenance> maintenance;
  std::unique_ptr<guards::Guards> guards;
};

/// Null unless control is enabled: then nothing is kept. An error says what to do. `clock` must
/// outlive it.
[[nodiscard]] base::Result<std::unique_ptr<State>> open_state(const config::Config& config,
                                                              const base::Clock& clock,
                                                              const base::Log& log);

}  // namespace reeve::app
