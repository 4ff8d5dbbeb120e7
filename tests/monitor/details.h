#pragma once

// Records as supervisord gives them in each state, for tests that tell a story in polls.

#include <string>

#include "reeve/substrate/instance.h"

namespace reeve::monitor {

inline substrate::ManagerTime manager_time(int seconds) {
  return substrate::ManagerTime(std::chrono::seconds(seconds));
}

inline substrate::InstanceDetail never_started(const std::string& name) {
  substrate::InstanceDetail detail;
  detail.name = *substrate::InstanceName::parse(name);
  detail.state = substrate::InstanceState::stopped;
  return detail;
}

/// A run: which process it is and when it was spawned.
struct Run {
  int pid = 0;
  int start = 0;
};

inline substrate::InstanceDetail active(const std::string& name, substrate::InstanceState state,
                                        Run run) {
  substrate::InstanceDetail detail = never_started(name);
  detail.state = state;
  detail.pid = substrate::Pid{run.pid};
  detail.start_time = manager_time(run.start);
  return detail;
}

inline substrate::InstanceDetail running(const std::string& name, Run run) {
  return active(name, substrate::InstanceState::running, run);
}

/// The times of a run that is over.
struct Span {
  int start = 0;
  int stop = 0;
};

inline substrate::InstanceDetail ended(const std::string& name, substrate::InstanceState state,
                                       Span span) {
  substrate::InstanceDetail detail = never_started(name);
  detail.state = state;
  detail.start_time = manager_time(span.start);
  detail.stop_time = manager_time(span.stop);
  return detail;
}

inline substrate::InstanceDetail exited(const std::string& name, Span span, int exit_status) {
  substrate::InstanceDetail detail = ended(name, substrate::InstanceState::exited, span);
  detail.exit_status = exit_status;
  if (exit_status != 0) {
    detail.spawn_error = "Bad exit code " + std::to_string(exit_status);
  }
  return detail;
}

inline substrate::InstanceDetail stopped(const std::string& name, Span span, int exit_status) {
  substrate::InstanceDetail detail = ended(name, substrate::InstanceState::stopped, span);
  detail.exit_status = exit_status;
  return detail;
}

inline substrate::InstanceDetail died_before(substrate::InstanceDetail detail, int stop) {
  detail.stop_time = manager_time(stop);
  return detail;
}

}  // namespace reeve::monitor
