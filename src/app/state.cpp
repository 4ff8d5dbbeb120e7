#include "app/state.h"

#include <random>
#include <utility>

namespace reeve::app {
namespace {

guards::Guards::Random jitter() {
  return [engine = std::mt19937(std::random_device()())]() mutable {
    return std::uniform_real_distribution<double>(0, 1)(engine);
  };
}

}  // namespace

base::Result<std::unique_ptr<State>> open_state(const config::Config& config,
                                                const base::Clock& clock, const base::Log& log) {
  if (!config.control_enabled) {
    return nullptr;
  }
  auto directory = records::StateDir::open(config.state_dir);
  if (!directory) {
    return base::failure(std::move(directory.error()));
  }
  auto state = std::make_unique<State>(State{*std::move(directory), {}, {}, {}, {}});
  auto journal = control::Journal::open(state->directory, log);
  if (!journal) {
    return base::failure(std::move(journal.error()));
  }
  state->journal = *std::move(journal);
  auto audit = control::Audit::open(state->directory, log);
  if (!audit) {
    return base::failure(std::move(audit.error()));
  }
  state->audit = *std::move(audit);
  const guards::GuardClock guard_clock(clock, guards::boot_id());
  state->maintenance = std::make_unique<guards::Maintenance>(state->directory, guard_clock, log);
  state->guards = std::make_unique<guards::Guards>(config.guards, state->directory,
                                                   *state->maintenance, guard_clock, log, jitter());
  return state;
}

}  // namespace reeve::app
