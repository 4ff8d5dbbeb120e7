#pragma once

// Guards over a state directory and a clock that a test moves: the agent, ended and started again
// as often as a test likes.

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "guards/guards.h"
#include "support/manual_clock.h"
#include "support/recording_sink.h"
#include "support/temporary_folder.h"

namespace reeve::tests {

struct GuardedWorld {
  explicit GuardedWorld(guards::GuardOptions its_options = {}) : options(std::move(its_options)) {
    start();
    manual.advance(std::chrono::hours(1));  // the initial cooldown is over
  }

  void end() {
    guards.reset();
    maintenance.reset();
    state.reset();
  }
  void start() {
    const records::StateClock clock(manual, boot);
    state.emplace(records::StateDir::open(folder.path() + "/state").value());
    maintenance = std::make_unique<guards::Maintenance>(*state, clock, base::Log(sink));
    guards = std::make_unique<guards::Guards>(options, *state, *maintenance, clock, base::Log(sink),
                                              [this] { return random; });
  }
  /// The agent ends and starts; between() happens meanwhile.
  template <class Between>
  void restart(const Between& between) {
    end();
    between();
    start();
  }
  void restart() {
    restart([] {});
  }
  [[nodiscard]] std::string file(const std::string& name) const {
    return folder.path() + "/state/" + name;
  }
  /// From now on nothing can be written (by anybody, root too).
  void break_writing(const std::string& name) const {
    std::filesystem::create_directory(file(name) + ".new");
  }
  void mend_writing(const std::string& name) const { std::filesystem::remove(file(name) + ".new"); }

  TemporaryFolder folder;
  ManualClock manual;
  std::string boot = "first";
  double random = 0.5;  ///< in the middle: no jitter
  guards::GuardOptions options;
  std::shared_ptr<RecordingSink> sink = std::make_shared<RecordingSink>();
  std::optional<records::StateDir> state;
  std::unique_ptr<guards::Maintenance> maintenance;
  std::unique_ptr<guards::Guards> guards;
};

/// What an alert asks for: to restart web:front, under the rules' defaults, since long ago.
[[nodiscard]] inline guards::Command alert_command(const std::string& process = "web:front") {
  guards::Command command;
  command.action = guards::Action::restart;
  command.target.name = *substrate::InstanceName::parse(process);
  command.source = guards::Source::alert;
  command.trigger.emplace();
  command.trigger->rule = "restart-hung-web";
  return command;
}

/// It runs, and has done so for an hour.
[[nodiscard]] inline guards::Observation running_process() {
  substrate::InstanceDetail process;
  process.name = {"web", "front"};
  process.state = substrate::InstanceState::running;
  process.pid = substrate::Pid{42};
  process.now = substrate::ManagerTime(std::chrono::seconds(1'000'000));
  process.start_time = process.now - std::chrono::hours(1);
  return process;
}

}  // namespace reeve::tests
