#pragma once

// Maintenance windows: where alerts must not act for a while, because people are at work there: a
// scope, an end, a reason. They bind alerts alone. Kept in the state directory, timed by
// StateClock; those that people set for all hosts come from etcd, and the last that were read are
// kept as well. An unreadable file may have covered anything: the guards refuse until it is reset.
// Thread-safe: a StateFile's lock for either kind, never held together.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "coordination/documents.h"
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
  bool fleet = false;  ///< set for all hosts; else by a person here
  friend bool operator==(const MaintenanceWindow&, const MaintenanceWindow&) = default;
};

/// Whether its scope has this process, ended or not.
[[nodiscard]] bool covers(const MaintenanceWindow& window, const Target& target);

/// Writes the record of a change that is about to be made by a person: an error, and it is not
/// made. It must not call back. Empty: no record is kept.
using RecordFirst = std::function<base::Result<void>()>;

/// What a scope may be: `*`, `group:*` or `group:name` without `*`, `?`, `[…]`; or the name of a
/// process that exists, whatever characters are in it.
enum class ScopeForm { any, process };

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
  /// unreadable; others: it could not be written or recorded, and nothing has changed.
  [[nodiscard]] base::Result<MaintenanceWindow> set(const std::string& scope, base::Duration ttl,
                                                    const std::string& reason,
                                                    std::string_view actor,
                                                    const RecordFirst& record = {},
                                                    ScopeForm form = ScopeForm::any);
  /// not_found: there is no window of that scope; others as above.
  [[nodiscard]] base::Result<void> clear(const std::string& scope, const RecordFirst& record = {});
  /// The windows of all hosts, in place of the earlier ones. Each lasts for its span from when it
  /// was first seen here, at most: if etcd is lost, it ends all the same.
  void set_shared(const std::vector<coordination::SharedMaintenance>& windows);
  /// invalid_argument: not a scope of maintenance for all hosts.
  [[nodiscard]] static base::Result<void> check_shared_scope(const std::string& scope);
  /// The windows that have not ended, by scope, those of all hosts last.
  [[nodiscard]] std::vector<MaintenanceWindow> list() const;
  /// The window that covers this process longest, of either kind.
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
