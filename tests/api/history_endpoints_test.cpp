#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "api/api_fixture.h"
#include "api/transitions.h"
#include "http/response_body.h"
#include "support/catch.h"

namespace reeve::api {
namespace {

using namespace std::chrono_literals;
using control::Operation;
using control::OperationStep;
using guards::Action;
using monitor::PastTransition;
using substrate::InstanceState;
using tests::ApiFixture;
using tests::get;
using tests::json_of;

const base::SystemTime begin{1'700'000'000s};
const guards::Target web{"", {"web", "web"}};
const substrate::Incarnation old_run{{10}, substrate::ManagerTime(100s)};
const substrate::Incarnation new_run{{11}, substrate::ManagerTime(105s)};

PastTransition transition(InstanceState from, InstanceState to, base::Duration after,
                          std::int64_t pid = 0) {
  PastTransition made;
  made.at = begin + after;
  made.from = from;
  made.to = to;
  made.pid_number = static_cast<std::int32_t>(pid);
  made.ends_run = to == InstanceState::stopped || to == InstanceState::exited;
  return made;
}

/// It stops at 1 s, starts at 2 s and is done at 3 s.
Operation restart() {
  Operation operation;
  operation.id = "1-1";
  operation.command.action = Action::restart;
  operation.command.target = web;
  operation.command.actor = "ops";
  operation.command.reason = "new certificate";
  operation.incarnation_before = old_run;
  operation.incarnation_after = new_run;
  operation.steps = {{OperationStep::looked, begin, ""},
                     {OperationStep::stop_requested, begin + 1s, ""},
                     {OperationStep::stopped, begin + 2s, ""},
                     {OperationStep::start_requested, begin + 2s, ""},
                     {OperationStep::started, begin + 3s, ""}};
  operation.finished_at = begin + 3s;
  return operation;
}

bool caused(const PastTransition& made, const std::vector<Operation>& operations) {
  return cause_of(made, web, operations) != nullptr;
}

TEST_CASE("cause_of: what an operation asked for, by its runs and times") {
  const std::vector<Operation> all = {restart()};
  const auto stopping = InstanceState::stopping;
  const auto stopped = InstanceState::stopped;
  const auto starting = InstanceState::starting;
  const auto running = InstanceState::running;
  CHECK(caused(transition(running, stopping, 1100ms, 10), all));
  CHECK(caused(transition(stopping, stopped, 1900ms, 10), all));
  CHECK(caused(transition(stopped, starting, 2100ms), all));
  CHECK(caused(transition(starting, running, 2900ms, 11), all));
  CHECK_FALSE(caused(transition(running, stopping, 500ms, 10), all));
  CHECK_FALSE(caused(transition(running, stopping, 1100ms, 9), all));
  CHECK_FALSE(caused(transition(starting, running, 2900ms, 12), all));
  CHECK_FALSE(caused(transition(running, InstanceState::exited, 30s, 11), all));
  CHECK_FALSE(caused(transition(InstanceState::exited, starting, 30s), all));
  CHECK(cause_of(transition(running, stopping, 1100ms, 10), {"other", web.name}, all) == nullptr);
  CHECK_FALSE(caused(transition(running, stopping, 1100ms, 10), {}));
}

TEST_CASE("cause_of: an operation under way, and a signal that ends the process") {
  Operation stop = restart();
  stop.command.action = Action::stop;
  stop.steps.resize(2);
  stop.finished_at.reset();
  stop.incarnation_after.reset();
  CHECK(caused(transition(InstanceState::running, InstanceState::stopping, 20s, 10), {stop}));
  Operation signal = stop;
  signal.command.action = Action::signal;
  signal.steps = {{OperationStep::signal_requested, begin + 1s, ""}};
  CHECK(caused(transition(InstanceState::running, InstanceState::exited, 2s, 10), {signal}));
  CHECK_FALSE(caused(transition(InstanceState::running, InstanceState::exited, 2s, 11), {signal}));
  CHECK_FALSE(caused(transition(InstanceState::running, InstanceState::exited, 60s, 10), {signal}));
}

TEST_CASE("transition_json: who did it and why, or that supervisord did") {
  const auto by_operation = transition_json(
      transition(InstanceState::running, InstanceState::stopping, 1100ms, 10), web, {restart()});
  CHECK(by_operation.dump() ==
        R"({"at":"2023-11-14T22:13:21.100Z","from":"RUNNING","to":"STOPPING","pid":10,)"
        R"("start_time":null,"exit_status":null,"exit_signal":null,"expected":null,)"
        R"("cause":"operation","operation":"1-1","actor":"ops","source":"api",)"
        R"("reason":"new certificate"})");
  PastTransition crash = transition(InstanceState::running, InstanceState::exited, 30s, 11);
  crash.exit_code = -1;
  crash.signal_number = 9;
  crash.set_expected(false);
  const auto by_itself = transition_json(crash, web, {restart()});
  CHECK(by_itself["cause"].get<std::string>() == "supervisord");
  CHECK(by_itself["operation"].is_null());
  CHECK(by_itself["exit_status"].get<int>() == -1);
  CHECK(by_itself["exit_signal"].get<int>() == 9);
  CHECK_FALSE(by_itself["expected"].get<bool>());
  const auto by_somebody = transition_json(
      transition(InstanceState::stopped, InstanceState::starting, 90s), web, {restart()});
  CHECK(by_somebody["cause"].is_null());
}

/// Has the process web:front crash in the snapshot.
void crash_front(ApiFixture& fixture) {
  auto next = std::make_shared<monitor::Snapshot>(*fixture.world.snapshot);
  monitor::SupervisorSnapshot& supervisor = next->supervisors.front();
  std::vector<monitor::ProcessSnapshot> processes(supervisor.processes.begin(),
                                                  supervisor.processes.end());
  for (monitor::ProcessSnapshot& each : processes) {
    auto past = each.past ? std::make_shared<monitor::RecentPast>(*each.past)
                          : std::make_shared<monitor::RecentPast>();
    past->watched_until = fixture.world.manual.system_now() - 900s;
    if (each.detail.name.name == "front") {
      past->add(transition(InstanceState::running, InstanceState::exited, 0s, 10));
    }
    each.past = std::move(past);
  }
  supervisor.processes = std::move(processes);
  fixture.world.snapshot = next;
}

TEST_CASE("GET history: transitions, newest last, and the last day in quarters of an hour") {
  ApiFixture fixture;
  const std::string path = "/api/v1/processes/web:front/history";
  const auto before = json_of(fixture.api.handle(get(path)));
  CHECK(before["transitions"].empty());
  CHECK(before["day"]["up"].size() == 96);
  crash_front(fixture);
  const auto body = json_of(fixture.api.handle(get(path)));
  REQUIRE(body["transitions"].size() == 1);
  CHECK(body["transitions"][0]["to"].get<std::string>() == "EXITED");
  CHECK(body["day"]["slot_seconds"].get<int>() == 900);
  CHECK(std::count_if(body["day"]["up"].begin(), body["day"]["up"].end(),
                      [](const auto& each) { return !each.is_null(); }) >= 1);
  CHECK(fixture.api.handle(get("/api/v1/processes/nobody/history")).status == 404);
}

TEST_CASE("GET history: a token's allow list bounds what it reads of") {
  ApiFixture fixture;
  CHECK(fixture.api.handle(get("/api/v1/processes/web:front/history", tests::web_token)).status ==
        200);
  CHECK(fixture.api.handle(get("/api/v1/processes/job/history", tests::web_token)).status == 403);
}

TEST_CASE("EventHub: each transition is an event of its own, with its cause") {
  ApiFixture fixture;
  for (auto& supervisor : const_cast<monitor::Snapshot&>(*fixture.world.snapshot).supervisors) {
    supervisor.snapshot_at = begin;
  }
  crash_front(fixture);
  fixture.events.find_operations([](base::SystemTime) { return std::vector<Operation>(); });
  fixture.events.publish(fixture.world.snapshot);
  auto stream = fixture.events.subscribe(std::nullopt);
  (void)stream.reader->take();
  crash_front(fixture);
  fixture.events.publish(fixture.world.snapshot);
  const std::string text = stream.reader->take().value().bytes;
  CHECK(text.find("event: process") != std::string::npos);
  CHECK(text.find(R"("from":"RUNNING","transition":{"at":)") != std::string::npos);
  CHECK(text.find(R"("cause":"supervisord")") != std::string::npos);
  CHECK(text.find("web:back") == std::string::npos);
}

TEST_CASE("EventHub: what becomes known later is an event without a transition") {
  ApiFixture fixture;
  const auto publish = [&](std::optional<int> exit_status) {
    auto next = std::make_shared<monitor::Snapshot>(*fixture.world.snapshot);
    monitor::SupervisorSnapshot& supervisor = next->supervisors.front();
    supervisor.snapshot_at = begin;
    std::vector<monitor::ProcessSnapshot> processes(supervisor.processes.begin(),
                                                    supervisor.processes.end());
    processes.front().exit_status = exit_status;
    supervisor.processes = std::move(processes);
    fixture.events.publish(std::move(next));
  };
  publish(std::nullopt);
  auto stream = fixture.events.subscribe(std::nullopt);
  (void)stream.reader->take();
  publish(3);
  const std::string text = stream.reader->take().value().bytes;
  CHECK(text.find(R"("exit_status":3)") != std::string::npos);
  CHECK(text.find(R"("transition":null)") != std::string::npos);
  publish(3);
  CHECK(stream.reader->take().value().bytes.empty());
}

}  // namespace
}  // namespace reeve::api
