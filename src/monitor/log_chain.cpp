#include "monitor/log_chain.h"

namespace reeve::monitor {

using substrate::InstanceState;

namespace {

Finish finish_of(const events::RunEnd& end, std::optional<bool> expected) {
  return {end.signal ? std::optional(-1) : end.exit_status, end.signal, expected};
}

}  // namespace

bool has_process(InstanceState state) {
  return state == InstanceState::starting || state == InstanceState::running ||
         state == InstanceState::stopping;
}

void LogChain::reach(InstanceState state, Tally& tally) {
  const bool untold = state == InstanceState::stopping || state == InstanceState::unknown ||
                      (state == InstanceState::stopped && state_ == InstanceState::backoff);
  if (untold && state_ != state && state_ != InstanceState::unknown) {
    enter(state, tally);
  }
  state_ = state;
  doubtful_ = false;
}

void LogChain::begin_anew() {
  if (has_process(state_)) {
    finish_.reset();  // how that run ended nobody wrote
  }
  state_ = InstanceState::stopped;
  doubtful_ = false;
}

void LogChain::lose() {
  state_ = InstanceState::unknown;
  finish_.reset();
}

void LogChain::enter(InstanceState to, Tally& tally, bool expected) {
  count(tally, {doubtful_ ? InstanceState::unknown : state_, to, expected});
  state_ = to;
}

void LogChain::note(const events::Spawned& /*line*/, Tally& tally) {
  enter(InstanceState::starting, tally);
}

void LogChain::note(const events::EnteredRunning& line, Tally& tally) {
  runs_at_once_ = line.runs_at_once;
  enter(InstanceState::running, tally);
}

void LogChain::note(const events::Exited& line, Tally& tally) {
  finish_ = finish_of(line.end, line.expected);
  const bool ran = state_ == InstanceState::running || line.expected || runs_at_once_;
  if (ran && state_ != InstanceState::running && state_ != InstanceState::unknown) {
    enter(InstanceState::running, tally);
  }
  if (ran) {
    enter(InstanceState::exited, tally, line.expected);
  } else if (state_ != InstanceState::unknown) {
    enter(InstanceState::backoff, tally);
  } else {
    ++tally[unexpected_exits_at];
    ++tally[ends_at];
  }
}

void LogChain::note(const events::Stopped& line, Tally& tally) {
  finish_ = finish_of(line.end, std::nullopt);
  if (state_ != InstanceState::stopping && state_ != InstanceState::unknown) {
    enter(InstanceState::stopping, tally);
  }
  count(tally, {InstanceState::stopping, InstanceState::stopped});
  state_ = InstanceState::stopped;
}

void LogChain::note(const events::GaveUp& /*line*/, Tally& tally) {
  enter(InstanceState::fatal, tally);
}

void LogChain::note(const events::SpawnError& /*line*/, Tally& tally) {
  enter(InstanceState::starting, tally);
  enter(InstanceState::backoff, tally);
}

}  // namespace reeve::monitor
