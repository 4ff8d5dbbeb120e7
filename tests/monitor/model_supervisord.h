#pragma once

// A supervisord that lives by dice, for property tests: programs start, crash, are stopped and
// started by hand, cannot be spawned, leave the configuration and come back, and the daemon itself
// is killed and started again. It keeps the truth, and tells it the way supervisord does: as
// events, as lines of its log, as a list of processes.

#include <map>
#include <random>
#include <variant>
#include <vector>

#include "events/event.h"
#include "events/main_log.h"
#include "monitor/process_history.h"
#include "reeve/substrate/instance.h"

namespace reeve::tests {

class ModelSupervisord {
 public:
  struct Habits {
    bool by_hand = true;         ///< somebody starts and stops, removes and adds
    bool dies = true;            ///< the daemon itself, now and then
    bool nameless_lines = true;  ///< spawn errors whose log line names no process
    bool namesakes = true;       ///< two processes of one name in different groups
  };
  using Told = std::variant<events::StateChange, events::GroupChange>;

  struct Truth {
    monitor::TransitionCounts counts{};
    std::optional<events::RunEnd> last_end;  ///< of the last run that is over, if anybody saw it
    substrate::InstanceState state = substrate::InstanceState::stopped;
    bool there = true;
  };

  ModelSupervisord(unsigned seed, const Habits& habits);

  /// Something happens, or a second passes.
  void step();
  [[nodiscard]] std::vector<substrate::InstanceDetail> list() const;
  [[nodiscard]] const std::map<substrate::InstanceName, Truth>& truth() const { return truth_; }
  /// Everything told since the last call.
  [[nodiscard]] std::vector<Told> take_events() { return std::exchange(events_, {}); }
  [[nodiscard]] std::vector<events::LogLine> take_log() { return std::exchange(log_, {}); }
  /// The daemon died since the last call.
  [[nodiscard]] bool take_death() { return std::exchange(died_, false); }

 private:
  struct Process {
    substrate::InstanceDetail detail;
    bool started_once = false;
  };

  bool one_in(unsigned count) { return dice_() % count == 0; }
  void step(Process& process);
  void spawn(Process& process);
  void exit(Process& process, bool ran);
  void enter(Process& process, substrate::InstanceState to, bool expected = true);
  void end(Process& process, const events::RunEnd& how);
  void remove_or_add(const substrate::InstanceName& name);
  void die();
  template <class Line>
  void log(Line line) {
    log_.push_back({{}, events::ManagerLogLevel::info, std::move(line)});
  }

  std::mt19937 dice_;
  Habits habits_;
  int now_ = 1000;
  int last_pid_ = 100;
  std::map<substrate::InstanceName, Process> processes_;
  std::map<substrate::InstanceName, Truth> truth_;
  std::vector<Told> events_;
  std::vector<events::LogLine> log_;
  bool died_ = false;
};

}  // namespace reeve::tests
