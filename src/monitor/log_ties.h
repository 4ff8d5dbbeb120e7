#pragma once

// Ties lines of supervisord's log to processes: a line has a name without its group, which may be
// several processes'. Then only the pid of `spawned` and what the last list of processes shows
// tell whose line it is; until the next list the lines of that name wait, in order. Pure.

#include <deque>
#include <functional>
#include <map>
#include <string>

#include "events/log_line.h"
#include "monitor/account.h"

namespace reeve::monitor {

class LogTies {
 public:
  using Line = decltype(events::LogLine::what);
  using Accounts = std::map<substrate::InstanceName, Account>;
  /// Takes a line whose process is known.
  using Sink = std::function<void(Account&, const Line&)>;

  /// False if the line waits for the next list. A line that concerns no process is left out.
  [[nodiscard]] bool put(const Line& line, Accounts& accounts, const Sink& sink);
  /// After a list of processes: nothing waits any more. False if a line was given up whose name
  /// several processes have.
  [[nodiscard]] bool resolve(Accounts& accounts, const Sink& sink);
  void clear();
  /// No line waits.
  [[nodiscard]] bool empty() const { return count_ == 0; }

 private:
  std::map<std::string, std::deque<Line>, std::less<>> waiting_;
  std::size_t count_ = 0;
};

}  // namespace reeve::monitor
