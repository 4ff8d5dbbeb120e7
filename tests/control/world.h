#pragma once

// A controller and the little supervisord it acts on, in one thread and one clock: waiting is
// moving the clock.

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "control/controller.h"
#include "support/fake_substrate.h"
#include "support/manual_clock.h"

namespace reeve::tests {

/// Time passes by being waited for.
class FakeClock final : public base::Clock {
 public:
  explicit FakeClock(ManualClock& clock) : clock_(&clock) {}

  [[nodiscard]] base::SteadyTime steady_now() const override { return clock_->steady_now(); }
  [[nodiscard]] base::SystemTime system_now() const override { return clock_->system_now(); }
  bool wait_until(base::SteadyTime time, const std::stop_token& stop) const override {
    if (stop.stop_requested()) {
      return false;
    }
    clock_->advance(std::max(time - clock_->steady_now(), base::Duration::zero()));
    return true;
  }

 private:
  ManualClock* clock_;
};

/// What a fleet would publish of this supervisord.
[[nodiscard]] inline monitor::SupervisorSnapshot snapshot_of(const std::string& name,
                                                             FakeSubstrate& substrate,
                                                             const base::Clock& clock) {
  monitor::SupervisorSnapshot supervisor;
  supervisor.name = name;
  supervisor.url = "http://localhost:9001/RPC2";
  const auto deadline = base::Deadline::after(clock, std::chrono::seconds(5));
  auto listing = substrate.list_instances(deadline);
  supervisor.up = listing.has_value();
  if (!listing) {
    supervisor.last_error = listing.error().message;
    return supervisor;
  }
  std::vector<monitor::ProcessSnapshot> processes;
  for (auto& detail : listing->instances) {
    monitor::ProcessSnapshot process;
    process.detail = std::move(detail);
    processes.push_back(std::move(process));
  }
  supervisor.processes = std::move(processes);
  supervisor.snapshot_at = clock.system_now();
  return supervisor;
}

[[nodiscard]] inline monitor::Member member_of(const std::string& name,
                                               const std::shared_ptr<FakeSubstrate>& substrate) {
  monitor::Member member;
  member.name = name;
  member.url = "http://localhost:9001/RPC2";
  member.call_timeout = std::chrono::seconds(5);
  member.substrate = substrate;
  member.administration = substrate;
  member.poll_source = substrate;
  return member;
}

/// What a controller keeps beyond its life.
struct Memory {
  control::Journal* journal = nullptr;
  control::Audit* audit = nullptr;
  const guards::Maintenance* maintenance = nullptr;
  guards::Guards* guards = nullptr;
};

/// One unnamed supervisord with web:front and web:back (one group), and job.
struct World {
  explicit World(std::vector<substrate::InstanceName> own_programs = {}, const Memory& memory = {})
      : controller(deps(std::move(own_programs), memory), guards::Options{}, clock, base::Log()) {
    for (const char* name : {"web:front", "web:back", "job"}) {
      FakeProgram program;
      program.name = *substrate::InstanceName::parse(name);
      supervisord->add(program);
    }
    supervisord->tick(std::chrono::seconds(2));
    publish();
  }

  /// The fleet looks.
  void publish() {
    auto next = std::make_shared<monitor::Snapshot>();
    next->supervisors = {snapshot_of("", *supervisord, clock)};
    next->complete = true;
    snapshot = std::move(next);
  }

  [[nodiscard]] control::ControllerDeps deps(std::vector<substrate::InstanceName> own_programs,
                                             const Memory& memory) {
    return {.members = {member_of("", supervisord)},
            .snapshot = [this] { return snapshot; },
            .nudge = [this](std::string_view) { ++nudges; },
            .own_programs = std::move(own_programs),
            .journal = memory.journal,
            .audit = memory.audit,
            .maintenance = memory.maintenance,
            .guards = memory.guards,
            .has_result =
                [this](const promql::Query& query, const base::Deadline&) {
                  queries.push_back(query.text);
                  return query_result;
                }};
  }

  [[nodiscard]] static guards::Command command(guards::Action action, const char* process) {
    guards::Command command;
    command.action = action;
    command.target.name = *substrate::InstanceName::parse(process);
    command.actor = "ops";
    command.actor_allow = {*substrate::Selector::parse("*")};
    return command;
  }

  /// Submits and carries out; the command must be accepted.
  [[nodiscard]] control::Operation carry_out(const guards::Command& command) {
    const auto accepted = controller.submit(command);
    if (!accepted) {
      throw std::runtime_error("refused: " + accepted.error().error.message);
    }
    while (controller.run_next()) {
    }
    return *controller.find(accepted->id);
  }

  [[nodiscard]] substrate::InstanceDetail look(const char* process) {
    return supervisord->look(*substrate::InstanceName::parse(process));
  }

  /// What was asked of supervisord, in its order: "stop web:back".
  [[nodiscard]] std::vector<std::string> asked() const {
    std::vector<std::string> asked;
    for (const FakeCall& call : supervisord->calls()) {
      if (call.operation == Operation::stop) {
        asked.push_back("stop " + call.subject);
      } else if (call.operation == Operation::start) {
        asked.push_back("start " + call.subject);
      }
    }
    return asked;
  }

  std::vector<std::string> queries;  ///< the only_if that were asked for, and what they answer
  base::Result<bool> query_result = true;
  ManualClock manual;
  FakeClock clock{manual};
  std::shared_ptr<FakeSubstrate> supervisord = std::make_shared<FakeSubstrate>(manual);
  std::shared_ptr<const monitor::Snapshot> snapshot;
  std::atomic<int> nudges = 0;  // members of a group end on several threads
  control::Controller controller;
};

}  // namespace reeve::tests
