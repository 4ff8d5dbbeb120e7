#pragma once

// The processes of one supervisord: what they are, by the last look at each and what events said
// since, and what happened to them, by Counting. Events change a record at once; what they do not
// tell is absent until the process has been looked at again. Pure; driven under the lock of its
// Watch.

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "monitor/counting.h"
#include "monitor/snapshot.h"
#include "reeve/base/clock.h"
#include "reeve/substrate/instance.h"

namespace reeve::monitor {

/// Of one process, in bytes; nothing where the file cannot be looked at.
struct LogSizes {
  std::optional<std::uint64_t> standard_output;
  std::optional<std::uint64_t> standard_error;
};

/// What a survey brought beside the list of processes.
struct SurveyedLog {
  events::LogTail::Step step;
  bool at_end = false;  ///< the text was there and went to the log's end
};

/// A full poll as it came back.
struct Poll {
  substrate::Listing listing;
  std::vector<LogSizes> log_sizes;  ///< one for each instance, or none at all
  base::SteadyTime asked;
  base::SteadyTime at;
  bool same_daemon = true;            ///< as at the poll before
  std::optional<SurveyedLog> survey;  ///< if it was one
};

/// What is to be done because of what was learned.
struct Wants {
  bool poll = false;     ///< soon
  bool anchor = false;   ///< soon
  bool log = false;      ///< to be read soon
  bool restart = false;  ///< the log says that supervisord has started
  unsigned log_gaps = 0;
  unsigned stream_gaps = 0;
};

class Tracker {
 public:
  /// Records that were not whole, or a second of the same name, are counted in `rejected`.
  [[nodiscard]] Wants list(Poll poll, std::size_t& rejected);
  [[nodiscard]] Wants read(const events::LogTail::Step& step);
  /// A look at one process, asked for at `asked`.
  void look(const substrate::InstanceDetail& detail, base::SteadyTime asked);
  /// It is not there any more: the next list tells.
  void forget_touched(const substrate::InstanceName& name) { touched_.erase(name); }
  [[nodiscard]] Wants hear(const events::StateChange& change, base::SteadyTime now);

  [[nodiscard]] Counting& counting() { return counting_; }
  [[nodiscard]] const Counting& counting() const { return counting_; }
  /// Changed by events since they were looked at.
  [[nodiscard]] const std::map<substrate::InstanceName, base::SteadyTime>& touched() const {
    return touched_;
  }
  /// Brings the counters in the list up to date with Counting.
  void recount();
  [[nodiscard]] const ProcessList& processes();
  [[nodiscard]] std::vector<RemovedProcess> removed();

 private:
  struct Facts {
    ProcessCounters counters;
    Finish finish;
  };
  [[nodiscard]] Facts facts(Account& account) const;
  void fill(ProcessSnapshot& process);
  [[nodiscard]] ProcessList::Record* record_of(const substrate::InstanceName& name);
  template <class Change>
  void change(ProcessList::Record& record, Change&& apply);

  Counting counting_;
  std::vector<ProcessList::Record> records_;  ///< sorted by name
  ProcessList list_;                          ///< of records_, unless it is stale
  bool stale_ = false;
  std::map<substrate::InstanceName, base::SteadyTime> touched_;  ///< and when last
};

/// True if some process still runs in the incarnation that was known before: a proof that its
/// supervisord did not restart, since that ends them all.
[[nodiscard]] bool some_run_survived(const ProcessList& before, const substrate::Listing& listing);

}  // namespace reeve::monitor
