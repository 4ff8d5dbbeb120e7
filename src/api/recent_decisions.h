#pragma once

// The last entries of the audit about each process and group, of the last day, in memory: so that a
// page can ask about a process without the audit's files being read each time. Bounded for each
// process, so that none displaces another's, and in all. What an earlier run of the agent recorded
// is read once. Thread-safe.

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <vector>

#include "base/guarded.h"
#include "control/audit.h"
#include "guards/command.h"
#include "reeve/base/clock.h"
#include "reeve/base/result.h"

namespace reeve::api {

class RecentDecisions {
 public:
  static constexpr std::size_t max_of_one = 32;
  static constexpr std::size_t max_entries = 4096;
  static constexpr std::chrono::hours age{24};

  using Entries = std::vector<control::AuditEntry>;
  /// Reads what was recorded since then, at most so many entries, oldest first.
  using Read = std::function<base::Result<Entries>(base::SystemTime since, std::size_t limit)>;

  /// Of entries about no process there is no record here.
  void add(const Entries& entries);
  /// Reads once what was recorded before the first add(); an error is returned, and tried again.
  [[nodiscard]] base::Result<void> load(const Read& read, base::SystemTime now);
  /// About this process or its group, not older than `age`, oldest first.
  [[nodiscard]] Entries about(const guards::Target& process, base::SystemTime now) const;

 private:
  struct State {
    std::map<guards::Target, std::deque<control::AuditEntry>> entries;
    std::size_t count = 0;

    void add(const control::AuditEntry& entry);
    void drop_one();
  };

  std::mutex loading_;  ///< held while the audit is read
  bool loaded_ = false;
  base::Guarded<State> state_;
};

}  // namespace reeve::api
