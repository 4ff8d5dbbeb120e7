#pragma once

// The programs that each supervisord has (getAllConfigInfo): which of them are Reeve itself, and
// how long a start or a stop may take. Asked at most once a minute and only before an action. A
// supervisord of thousands of programs needs seconds for the answer: threads that want it at the
// same time ask once, and after a timeout it is not asked again at once. Thread-safe; mutex_ is
// not held while supervisord is asked.

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "monitor/monitor.h"
#include "reeve/base/clock.h"
#include "reeve/base/deadline.h"
#include "reeve/base/result.h"
#include "reeve/substrate/administration.h"

namespace reeve::guards {

using Programs = std::vector<substrate::ProgramConfig>;

class ProgramCatalogue {
 public:
  explicit ProgramCatalogue(const base::Clock& clock) : clock_(&clock) {}

  using Answer = base::Result<std::shared_ptr<const Programs>>;
  /// No programs where this supervisord does not offer the call; an error where the call failed or
  /// was not answered within `timeout`.
  [[nodiscard]] Answer of(const monitor::Member& member, base::Duration timeout,
                          std::stop_token stop);
  /// The last answer, however old; no programs if there was none.
  [[nodiscard]] std::shared_ptr<const Programs> known(const std::string& supervisor) const;

 private:
  struct Entry {
    base::SteadyTime valid_until;
    Answer answer;
    bool asking = false;  ///< a thread is asking, the others wait for its answer
    /// Reeve itself, as it was ever listed. Once supervisord has read changed files it tells of
    /// the programs in these alone, though what ran before goes on.
    Programs own = {};
  };

  [[nodiscard]] Answer ask(const monitor::Member& member, const base::Deadline& deadline) const;
  /// The answer with what of `own` it lacks, which is completed in turn.
  [[nodiscard]] static Answer with_own(Answer answer, Programs& own);

  const base::Clock* clock_;
  mutable std::mutex mutex_;  ///< guards entries_, whose elements never move
  std::condition_variable_any answered_;
  std::map<std::string, Entry> entries_;
};

/// How long supervisord may take for each half of a restart.
struct ActionTimeouts {
  base::Duration stop = std::chrono::seconds(60);
  base::Duration start = std::chrono::seconds(60);
  friend bool operator==(const ActionTimeouts&, const ActionTimeouts&) = default;
};

/// stopwaitsecs and startsecs with a margin; the defaults where they are not known.
[[nodiscard]] ActionTimeouts timeouts_of(const Programs& programs,
                                         const substrate::InstanceName& name);

}  // namespace reeve::guards
