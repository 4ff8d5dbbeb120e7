#pragma once

// Where alerts are not to act for a while, because people are at work: a scope, until when, and
// why. It binds alerts alone. Kept in the state directory, timed by GuardClock. A file that cannot
// be read may have covered anything: the guards refuse until it is reset. Thread-safe.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "guards/command.h"
#include "guards/guard_clock.h"
#include "records/state_dir.h"
#include "reeve/base/clock.h"
#include "reeve/base/result.h"
#include "substrate/selector.h"

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
  /// What `state` holds; `clock` and `state` must outlive this.
  Maintenance(const records::StateDir& state, const GuardClock& clock, const base::Log& log);
  ~Maintenance();
  Maintenance(const Maintenance&) = delete;
  Maintenance& operator=(const Maintenance&) = delete;

  /// From now for `ttl`; replaces that of the same scope. On the disk when it returns.
  /// invalid_argument: no such form of scope, no such span, too many; conflict: the file cannot
  /// be read; others: it could not be written, and nothing has changed.
  [[nodiscard]] base::Result<MaintenanceWindow> set(const std::string& scope, base::Duration ttl,
                                                    const std::string& reason,
                                                    std::string_view actor);
  /// not_found: there is none of that scope; others as above.
  [[nodiscard]] base::Result<void> clear(const std::string& scope);
  /// Those that are not over, by scope.
  [[nodiscard]] std::vector<MaintenanceWindow> list() const;
  /// The one that covers this process longest.
  [[nodiscard]] std::optional<MaintenanceWindow> covering(const Target& target) const;

  /// Why the file cannot be read; nothing if it can.
  [[nodiscard]] std::optional<std::string> unreadable() const;
  /// Begins anew where the file cannot be read; elsewhere nothing happens.
  [[nodiscard]] base::Result<void> forget_unreadable();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace reeve::guards
