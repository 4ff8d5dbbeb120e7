#pragma once

// Maintenance windows: where alerts must not act for a while, because people are at work there: a
// scope, an end, a reason. They bind alerts alone. Kept in the state directory, timed by
// StateClock. An unreadable file may have covered anything: the guards refuse until it is reset.
// Thread-safe; its one lock is StateFile's.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "guards/command.h"
#include "records/state_clock.h"
#include "records/state_dir.h"
#include "reeve/base/clock.h"
#include "reeve/base/result.h"

namespace reeve::guards {

struct MaintenanceWindow {
  /// `*`, `group:*` or `group:name`, with `SUPERVISOR/` before it where there are several.
  std::string scope;
  base::SystemTime until;
  std::string reason;
  std::string actor;
  friend bool operator==(const MaintenanceWindow&, const MaintenanceWindow&) = default;
};

class Maintenance {
 public:
  /// Reads the windows in `state`; `clock` and `state` must outlive this.
  Maintenance(const records::StateDir& state, const records::StateClock& clock,
              const base::Log& log);
  ~Maintenance();
  Maintenance(const Maintenance&) = delete;
  Maintenance& operator=(const Maintenance&) = delete;

  /// From now for `ttl`; replaces a window of the same scope. On the disk when it returns.
  /// invalid_argument: not a scope, `ttl` out of range, too many windows; conflict: the file is
  /// unreadable; others: it could not be written, and nothing has changed.
  [[nodiscard]] base::Result<MaintenanceWindow> set(const std::string& scope, base::Duration ttl,
                                                    const std::string& reason,
                                                    std::string_view actor);
  /// not_found: there is no window of that scope; others as above.
  [[nodiscard]] base::Result<void> clear(const std::string& scope);
  /// The windows that have not ended, by scope.
  [[nodiscard]] std::vector<MaintenanceWindow> list() const;
  /// The window that covers this process longest.
  [[nodiscard]] std::optional<MaintenanceWindow> covering(const Target& target) const;

  /// Why the file cannot be read; nothing if it can.
  [[nodiscard]] std::optional<std::string> unreadable() const;
  /// Begins without windows where the file is unreadable; else does nothing.
  [[nodiscard]] base::Result<void> forget_unreadable();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace reeve::guards
