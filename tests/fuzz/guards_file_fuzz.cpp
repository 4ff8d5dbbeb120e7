// Any bytes as guards.json and as maintenance.json: they are read or refused as a whole, and what
// was read comes back as it was from what is written of it.

#include <cstdint>
#include <cstdlib>
#include <fstream>

#include "guards/action_history.h"
#include "guards/maintenance.h"
#include "support/manual_clock.h"
#include "support/temporary_folder.h"

namespace {

using namespace reeve;

void demand(bool condition) {
  if (!condition) {
    std::abort();
  }
}

const tests::ManualClock& manual() {
  static const tests::ManualClock clock;
  return clock;
}

void check_history(std::string_view text, const records::StateClock& clock) {
  auto first = guards::parse_history(text, clock);
  if (!first) {
    return;
  }
  const auto again = guards::parse_history(to_text(first->value, clock.written_at()), clock);
  demand(again && again->value == first->value);
  guards::prune(first->value, clock.now());
  for (const auto& [target, entry] : first->value.targets) {
    (void)guards::used_up(entry.actions, entry.budget, clock.now());
    (void)guards::in_row(entry, clock.now());
    (void)guards::cooling_until(first->value, target, {}, clock.now());
  }
}

void check_maintenance(std::string_view text, const records::StateClock& clock) {
  static const tests::TemporaryFolder folder;
  static const records::StateDir state = records::StateDir::open(folder.path() + "/state").value();
  std::ofstream(state.path("maintenance.json"), std::ios::binary) << text;
  const guards::Maintenance maintenance(state, clock, base::Log());
  const auto windows = maintenance.list();
  demand(!maintenance.unreadable() || windows.empty());
  for (const guards::MaintenanceWindow& window : windows) {
    demand(!window.scope.empty());
  }
  (void)maintenance.covering({"", {"web", "front"}});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const records::StateClock clock(manual(), "boot");
  check_history(text, clock);
  check_maintenance(text, clock);
  return 0;
}
