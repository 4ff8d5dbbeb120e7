#pragma once

// How a test scripts the failures of FakeSubstrate, and what the fake remembers of its calls.

#include <string>

#include "reeve/base/clock.h"
#include "reeve/base/error.h"

namespace reeve::tests {

enum class Operation {
  any,  ///< in failures only
  connect,
  list,
  get,
  start,
  stop,
  read_log,
  log_size,
  follow_log,
  clear_logs,
  read_manager_log,
  describe,
  programs,
  signal,
  reread,
  add_group,
  remove_group,
  survey,
};

/// A call as it arrived: what, and on which process (canonical name), group, or nothing.
struct FakeCall {
  Operation operation;
  std::string subject;
  friend bool operator==(const FakeCall&, const FakeCall&) = default;
};

/// How the next calls go wrong.
struct FakeFailure {
  static constexpr int always = -1;

  Operation operation = Operation::any;
  base::Error error = {base::ErrorKind::unreachable, "scripted: connection refused"};
  int times = 1;                ///< or always, until recover()
  bool hangs = false;           ///< no answer until the deadline: timeout or cancelled
  base::Duration late_by{0};    ///< it succeeds after so long, if the deadline allows
  bool after_its_work = false;  ///< it is done, only the answer is lost
};

}  // namespace reeve::tests
