#pragma once

// What the poll thread has to do, and when it does what. Pure.

#include <cstddef>
#include <optional>

#include "monitor/options.h"
#include "monitor/pace.h"
#include "reeve/base/clock.h"

namespace reeve::monitor {

/// What is to be known of one supervisord.
struct Needs {
  bool silent = false;       ///< it does not answer: polls are due and left out
  bool poll_soon = false;    ///< a list of processes
  bool anchor_soon = false;  ///< a survey
  bool anchor = false;       ///< a survey in the place of the next poll
  bool log = false;          ///< its log is to be followed
  bool log_soon = false;     ///< and has news
  std::size_t touched = 0;   ///< processes to look at again
  bool heard = false;        ///< events tell everything: polls may be rare
  friend bool operator==(const Needs&, const Needs&) = default;
};

enum class Chore { poll, survey, read_log, look };

struct Due {
  Chore chore = Chore::poll;
  base::SteadyTime at;
};

/// supervisord is left alone after each poll for at least as long as it was kept busy.
class Agenda {
 public:
  Agenda(base::SteadyTime first_poll, Pace pace);

  [[nodiscard]] Due next(const Needs& needs, const PollOptions& options) const;
  /// It began at `began` and is over now; `rest`: not to be polled for so long.
  void done(Chore chore, base::SteadyTime began, base::SteadyTime now, base::Duration rest);

 private:
  [[nodiscard]] base::SteadyTime next_poll(const Needs& needs, const PollOptions& options) const;

  Pace pace_;
  base::SteadyTime earliest_;
  std::optional<base::SteadyTime> polled_;
  std::optional<base::SteadyTime> surveyed_;
  base::SteadyTime log_read_;
  base::SteadyTime looked_;
};

}  // namespace reeve::monitor
