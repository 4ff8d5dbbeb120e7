#pragma once

// Finds the process of a line of supervisord's log, which has a name without its group. Pure;
// driven by CounterMerge.

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <string>

#include "events/main_log.h"
#include "monitor/process_history.h"
#include "reeve/substrate/instance.h"

namespace reeve::monitor {

using ProcessHistories = std::map<substrate::InstanceName, ProcessHistory>;

/// A line's name is one that several processes may have. Then only the pid of `spawned` and the
/// next listing tell which process it was; until then the lines of that name wait, in order.
class LogLineMatcher {
 public:
  using Line = decltype(events::LogLine::what);
  /// Takes a line whose process is known.
  using Handler = std::function<void(ProcessHistory&, const Line&)>;

  /// False if the line waits for the next listing. A line that names no process is left out.
  [[nodiscard]] bool match(const Line& line, ProcessHistories& histories, const Handler& handler);
  /// After a listing: no line waits any more. False if a line was dropped because several
  /// processes may be meant.
  [[nodiscard]] bool match_waiting(ProcessHistories& histories, const Handler& handler);
  void clear();
  [[nodiscard]] bool empty() const { return count_ == 0; }

 private:
  std::map<std::string, std::deque<Line>, std::less<>> waiting_;
  std::size_t count_ = 0;
};

}  // namespace reeve::monitor
