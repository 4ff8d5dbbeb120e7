#pragma once

// Where alerts are not to act for a while, because people are at work: a scope, until when, and
// why. It binds alerts alone. Kept in the state directory; thread-safe.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reeve/base/clock.h"
#include "reeve/base/log.h"
#include "reeve/base/result.h"
#include "reeve/control/command.h"
#include "reeve/control/state_dir.h"
#include "reeve/substrate/selector.h"

namespace reeve::control {

struct MaintenanceWindow {
  std::string
      scope;  ///< `*`, `group:*` or `group:name`, with `SUPERVISOR/` where there are several
  base::SystemTime until;
  std::string reason;
  std::string actor;
  friend bool operator==(const MaintenanceWindow&, const MaintenanceWindow&) = default;
};

class Maintenance {
 public:
  /// What `state` holds; `clock` and `state` must outlive this.
  Maintenance(StateDir& state, const base::Clock& clock, const base::Log& log);
  ~Maintenance();
  Maintenance(const Maintenance&) = delete;
  Maintenance& operator=(const Maintenance&) = delete;

  /// From now for `ttl`; replaces that of the same scope. On the disk when it returns.
  /// invalid_argument: no such form of scope; internal: it could not be written.
  [[nodiscard]] base::Result<MaintenanceWindow> set(const std::string& scope, base::Duration ttl,
                                                    const std::string& reason,
                                                    std::string_view actor);
  /// not_found: there is none of that scope.
  [[nodiscard]] base::Result<void> clear(const std::string& scope);
  /// Those that are not over, by scope.
  [[nodiscard]] std::vector<MaintenanceWindow> list() const;
  /// The one that covers this process longest.
  [[nodiscard]] std::optional<MaintenanceWindow> covering(const Target& target) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace reeve::control
