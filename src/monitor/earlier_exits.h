#pragma once

// How the last runs ended before the agent began to follow supervisord's log: of what the log's
// tail says about that, what belongs to the processes as they are now. Nothing is counted from it.
// Pure; driven by CounterMerge.

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "events/main_log.h"
#include "monitor/log_line_matcher.h"
#include "monitor/process_history.h"
#include "reeve/substrate/instance.h"

namespace reeve::monitor {

class EarlierExits {
 public:
  /// Lines of the log in their order, in parts or all at once.
  void add(const std::vector<events::LogLine>& lines);
  /// To each of these processes the exit before its current run, or its last one where it does not
  /// run, unless its log has told one since. A run is recognised by its pid, a process that does
  /// not run by the time at which it ended.
  void apply(std::span<const substrate::InstanceDetail> instances,
             ProcessHistories& histories) const;
  void clear() { ends_.clear(); }

 private:
  struct End {
    LastExit exit;
    std::chrono::local_time<std::chrono::milliseconds> at;
    std::optional<substrate::Pid> next_run;  ///< spawned after it
  };

  void add_end(const std::string& name, const End& end);
  [[nodiscard]] static bool belongs_to(const End& end, const substrate::InstanceDetail& detail);

  std::map<std::string, End, std::less<>> ends_;  ///< by the name without its group
};

}  // namespace reeve::monitor
