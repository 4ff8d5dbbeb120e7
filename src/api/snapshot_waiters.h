#pragma once

// Responses that wait until the snapshot shows what an operation has done: a client that is told
// "done" and reads the process then sees it. Driven by the publisher of snapshots; thread-safe.

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "base/guarded.h"
#include "control/operation.h"
#include "monitor/snapshot.h"
#include "reeve/base/clock.h"

namespace reeve::api {

/// Whether the snapshot has what this operation, which is done, has changed; true if it changed
/// nothing that a snapshot shows.
[[nodiscard]] bool shows(const monitor::Snapshot& snapshot, const control::Operation& operation);

class SnapshotWaiters {
 public:
  /// A snapshot lags by a poll and 50 ms. Longer is not waited for: what was done may have been
  /// undone since.
  static constexpr std::chrono::seconds max_wait{1};

  /// `clock` must outlive this.
  explicit SnapshotWaiters(const base::Clock& clock) : clock_(clock) {}

  /// Calls `on_shown` once, with the first published snapshot that shows it, if that comes within
  /// max_wait; it must return quickly.
  void add(const control::Operation& operation, std::function<void()> on_shown);
  void publish(const monitor::Snapshot& snapshot);

 private:
  struct Waiter {
    control::Operation operation;
    std::function<void()> on_shown;
    base::SteadyTime until;
  };

  const base::Clock& clock_;
  base::Guarded<std::vector<Waiter>> waiters_;
};

}  // namespace reeve::api
