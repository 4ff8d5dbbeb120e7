#pragma once

// A responder with its dependencies: the controller, a fake supervisord, guards, and a state
// directory that survives a restart of the agent; on one thread, with a manual clock.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "alerts/responder.h"
#include "control/journal.h"
#include "control/world.h"
#include "support/fake_coordinator.h"
#include "support/recording_sink.h"
#include "support/temporary_folder.h"

namespace reeve::tests {

/// Restarts web:… for the alert Hung, enforced, with the defaults.
[[nodiscard]] inline alerts::Options hung_rule() {
  alerts::Rule rule;
  rule.name = "hung";
  rule.match = {{"alertname", "Hung"}};
  rule.target = "{{group}}:{{name}}";
  rule.allow = {*substrate::Selector::parse("web:*")};
  rule.pending_for = {};
  alerts::Options options;
  options.mode = alerts::Mode::enforce;
  options.rules = {rule};
  return options;
}

/// The agent, which a test may restart.
class AlertWorld {
 public:
  explicit AlertWorld(alerts::Options its_options = hung_rule()) : options(std::move(its_options)) {
    options.senders = {sender};
    for (const char* name : {"web:front", "web:back", "job"}) {
      FakeProgram program;
      program.name = *substrate::InstanceName::parse(name);
      supervisord->add(program);
    }
    publish();
    start();
    pass(std::chrono::hours(1));  // every process has run for long, no initial cooldown is left
  }

  /// Only the state directory and the supervisord stay.
  void restart() {
    agent.reset();
    start();
  }
  void pass(base::Duration span) {
    supervisord->tick(std::chrono::duration_cast<std::chrono::seconds>(span));
    publish();
  }
  /// Publishes a snapshot of the supervisord, as the monitor would.
  void publish() {
    auto next = std::make_shared<monitor::Snapshot>();
    next->supervisors = {snapshot_of("", *supervisord, clock)};
    next->complete = true;
    snapshot = std::move(next);
  }

  /// An alert on this process that began a minute ago.
  [[nodiscard]] alerts::Alert alert(const std::string& process = "web:front") const {
    const auto name = *substrate::InstanceName::parse(process);
    alerts::Alert alert;
    alert.labels = {{"alertname", "Hung"}, {"group", name.group}, {"name", name.name}};
    alert.began = clock.system_now() - std::chrono::minutes(1);
    alert.fingerprint = "of-" + name.name;
    return alert;
  }
  [[nodiscard]] alerts::Alert resolved(const std::string& process = "web:front") const {
    alerts::Alert over = alert(process);
    over.status = alerts::AlertStatus::resolved;
    return over;
  }
  [[nodiscard]] alerts::WebhookResult post(const std::vector<alerts::Alert>& posted) {
    return agent->responder.receive(posted, sender);
  }
  /// The decision on one alert.
  [[nodiscard]] std::string decide(const alerts::Alert& one) {
    const alerts::WebhookResult answer = post({one});
    return answer.decisions.empty() ? "retry: " + answer.retry
                                    : std::string(to_string(answer.decisions[0].decision.reason));
  }
  void work() {
    while (agent->controller.run_next()) {
    }
    publish();
  }
  [[nodiscard]] std::size_t restarts() const { return supervisord->count(Operation::stop); }
  [[nodiscard]] std::vector<std::string> audited() const {
    std::vector<std::string> lines;
    const auto entries = agent->audit->read(std::nullopt, 1000);
    for (const control::AuditEntry& entry : entries.value()) {
      if (entry.kind == control::AuditKind::decision) {
        lines.push_back(entry.fingerprint + " " + entry.decision + " " + entry.rule);
      }
    }
    return lines;
  }
  [[nodiscard]] std::string episodes_file() const { return folder.path() + "/state/episodes.json"; }

  struct Agent {
    explicit Agent(AlertWorld& world)
        : state(records::StateDir::open(world.folder.path() + "/state").value()),
          journal(control::Journal::open(state, base::Log(world.sink)).value()),
          audit(control::Audit::open(state, world.clock, base::Log(world.sink)).value()),
          maintenance(state, records::StateClock(world.clock, "boot"), base::Log(world.sink)),
          guards({}, state, maintenance, records::StateClock(world.clock, "boot"),
                 base::Log(world.sink), [] { return 0.5; }),
          controller(world.surroundings(*this), guards::Options{}, world.clock,
                     base::Log(world.sink)),
          responder({[&world] { return world.snapshot; }, &controller, &guards, audit.get(), &state,
                     &world.coordinator, "host1"},
                    world.options, world.clock, base::Log(world.sink), journal->restored()) {
      controller.set_permission_lookup([this](const guards::Command& command) {
        return command.trigger ? responder.permission_of(command)
                               : control::Permission(command.actor_allow);
      });
      controller.restore();
    }

    records::StateDir state;
    std::unique_ptr<control::Journal> journal;
    std::unique_ptr<control::Audit> audit;
    guards::Maintenance maintenance;
    guards::Guards guards;
    control::Controller controller;
    alerts::Responder responder;
  };

  alerts::Options options;
  TemporaryFolder folder;
  ManualClock manual;
  FakeClock clock{manual};
  FakeEngine engine{manual};
  FakeCoordinator coordinator{engine, {"host1", "", "", "", {}}};
  std::shared_ptr<FakeSubstrate> supervisord = std::make_shared<FakeSubstrate>(manual);
  std::shared_ptr<const monitor::Snapshot> snapshot;
  std::shared_ptr<RecordingSink> sink = std::make_shared<RecordingSink>();
  alerts::Sender sender{"alertmanager", {*substrate::Selector::parse("*")}};
  std::vector<substrate::InstanceName> own_programs;
  std::unique_ptr<Agent> agent;

 private:
  void start() { agent = std::make_unique<Agent>(*this); }

  [[nodiscard]] control::ControllerDeps surroundings(Agent& parts) {
    control::ControllerDeps around;
    around.members = {member_of("", supervisord)};
    around.snapshot = [this] { return snapshot; };
    around.nudge = [](std::string_view) {};
    around.own_programs = own_programs;
    around.journal = parts.journal.get();
    around.audit = parts.audit.get();
    around.maintenance = &parts.maintenance;
    around.guards = &parts.guards;
    around.coordinator = &coordinator;
    around.limit_of = [this](const guards::Target& target) {
      return agent->responder.limit_of(target);
    };
    around.member_name = "host1";
    return around;
  }
};

}  // namespace reeve::tests
