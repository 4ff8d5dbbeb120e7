#include "app/state.h"

#include <utility>

namespace reeve::app {

base::Result<std::unique_ptr<State>> open_state(const config::Config& config,
                                                const base::Log& log) {
  if (!config.control_enabled) {
    return nullptr;
  }
  auto directory = control::StateDir::open(config.state_dir);
  if (!directory) {
    return base::failure(std::move(directory.error()));
  }
  auto state = std::make_unique<State>(State{*std::move(directory), nullptr, nullptr});
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
  return state;
}

}  // namespace reeve::app
