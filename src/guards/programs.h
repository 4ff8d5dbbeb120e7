#pragma once

// What a supervisord tells of its programs (getAllConfigInfo), asked at most once a minute and
// only when something is to be done: which of them are Reeve itself, and how long a start or a
// stop may take. A supervisord of thousands of programs works for seconds at this answer, so one
// that did not come in time is not asked for again at once, and several who want it at once ask it
// once. Thread-safe; no lock is held while supervisord is asked.

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
  /// Empty where this supervisord cannot tell; an error where it should have and did not, within
  /// `timeout`.
  [[nodiscard]] Answer of(const monitor::Member& member, base::Duration timeout,
                          std::stop_token stop);
  /// What it told last, however long ago; empty if nothing.
  [[nodiscard]] std::shared_ptr<const Programs> known(const std::string& supervisor) const;

 private:
  struct Entry {
    base::SteadyTime valid_until;
    Answer answer;
    bool asking = false;  ///< somebody is, for all who want to know
  };

  [[nodiscard]] Answer ask(const monitor::Member& member, const base::Deadline& deadline) const;

  const base::Clock* clock_;
  mutable std::mutex mutex_;  ///< guards the entries, whose places never change
  std::condition_variable_any answered_;
  std::map<std::string, Entry> entries_;
};

/// How long supervisord may take for each half of a restart.
struct Spans {
  base::Duration stop = std::chrono::seconds(60);
  base::Duration start = std::chrono::seconds(60);
  friend bool operator==(const Spans&, const Spans&) = default;
};

/// stopwaitsecs and startsecs with a margin; the defaults where they are not known.
[[nodiscard]] Spans spans_of(const Programs& programs, const substrate::InstanceName& name);

}  // namespace reeve::guards
