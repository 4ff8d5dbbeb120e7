#include "json/json.h"

#include <nlohmann/json.hpp>

#include "alerts/responder.h"
#include "control/audit.h"
#include "control/operation.h"
#include "guards/guards.h"
#include "monitor/snapshot.h"
#include "support/catch.h"

namespace reeve::json {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

substrate::InstanceDetail running() {
  substrate::InstanceDetail detail;
  detail.name = {"worker", "worker_00"};
  detail.state = substrate::InstanceState::running;
  detail.pid = substrate::Pid{4711};
  detail.description = "pid 4711, uptime 0:01:00";
  detail.now = substrate::ManagerTime(seconds(1'700'000'060));
  detail.start_time = substrate::ManagerTime(seconds(1'700'000'000));
  detail.stdout_log = "/var/log/worker.log";
  return detail;
}

TEST_CASE("process JSON: every member in the documented order") {
  CHECK(to_text(to_json("web", running())) ==
        R"({"supervisor":"web","group":"worker","name":"worker_00","state":"RUNNING",)"
        R"("state_code":20,"pid":4711,"description":"pid 4711, uptime 0:01:00",)"
        R"("start_time":1700000000,"stop_time":null,"now":1700000060,"uptime_seconds":60,)"
        R"("exit_status":null,"exit_signal":null,"last_exit_expected":null,"spawn_error":"",)"
        R"("starts":null,"restarts":null,"stdout_logfile":"/var/log/worker.log",)"
        R"("stderr_logfile":""})");
}

TEST_CASE("process JSON: the supervisor is null where it has no name") {
  CHECK(to_json("", running())["supervisor"].is_null());
}

TEST_CASE("process JSON: the spawn error of an EXITED record says whether the exit was expected") {
  substrate::InstanceDetail detail = running();
  detail.state = substrate::InstanceState::exited;
  CHECK(to_json("", detail)["last_exit_expected"] == true);
  detail.spawn_error = "Bad exit code 3";
  CHECK(to_json("", detail)["last_exit_expected"] == false);
}

TEST_CASE("process JSON: a process of the snapshot adds the counters and the last exit") {
  monitor::ProcessSnapshot process;
  process.detail = running();
  process.detail.exit_status = 0;
  process.counters.starts = 3;
  process.counters.restarts = 2;
  process.exit_status = -1;
  process.exit_signal = 9;
  process.last_exit_expected = false;
  const auto object = to_json(monitor::SupervisorSnapshot(), process);
  CHECK(object["starts"] == 3);
  CHECK(object["restarts"] == 2);
  CHECK(object["exit_status"] == -1);
  CHECK(object["exit_signal"] == 9);
  CHECK(object["last_exit_expected"] == false);
  CHECK(object["resources"].is_null());
  CHECK(object.size() == to_json("", process.detail).size() + 1);
}

TEST_CASE("supervisor JSON: every member in the documented order") {
  monitor::SupervisorSnapshot supervisor;
  supervisor.url = "http://localhost:9001/RPC2";
  CHECK(to_text(to_json(supervisor)) ==
        R"({"name":null,"url":"http://localhost:9001/RPC2","up":false,"shutting_down":false,)"
        R"("version":null,"identification":null,"pid":null,"snapshot_at":null,)"
        R"("counter_source":"polls"})");
  supervisor.name = "web";
  supervisor.up = true;
  supervisor.pid = substrate::Pid{7};
  supervisor.description = substrate::ManagerDescription{"4.2.5", "3.0", "supervisor"};
  supervisor.snapshot_at = base::SystemTime(seconds(1));
  CHECK(to_text(to_json(supervisor)) ==
        R"({"name":"web","url":"http://localhost:9001/RPC2","up":true,"shutting_down":false,)"
        R"("version":"4.2.5","identification":"supervisor","pid":7,)"
        R"("snapshot_at":"1970-01-01T00:00:01.000Z","counter_source":"polls"})");
}

TEST_CASE("to_text: bytes that are not UTF-8 become U+FFFD") {
  substrate::InstanceDetail detail = running();
  detail.name.name = "caf\xE9";
  detail.description = "\x1B[31m\xFF";
  const std::string text = to_text(to_json("\xC0", detail));
  CHECK(text.find("caf\uFFFD") != std::string::npos);
  CHECK(text.find("\\u001b[31m\uFFFD") != std::string::npos);
  CHECK(to_text(nlohmann::ordered_json("\xE9")) == "\"\uFFFD\"");
}

TEST_CASE("to_text: C0 and C1 control characters are escaped") {
  CHECK(to_text(nlohmann::ordered_json("\x1B \xC2\x80\xC2\x9B\xC2\x9F \xC2\xA0\u00e9")) ==
        "\"\\u001b \\u0080\\u009b\\u009f \xC2\xA0\u00e9\"");
}

control::Operation restart() {
  control::Operation operation;
  operation.id = "1700000000000-7";
  operation.command.action = guards::Action::restart;
  operation.command.target = {"", {"web", "front"}};
  operation.command.actor = "ops";
  operation.command.reason = "deploy";
  operation.created_at = base::SystemTime(seconds(1'700'000'000));
  return operation;
}

TEST_CASE("operation JSON: every member in the documented order") {
  control::Operation done = restart();
  done.state = control::OperationState::done;
  done.result = control::OperationResult::succeeded;
  done.changed = true;
  done.advice = {"cooling down"};
  done.incarnation_before = substrate::Incarnation::parse("10:1700000000").value();
  done.finished_at = done.created_at + milliseconds(1250);
  done.steps = {{control::OperationStep::looked, done.created_at, "RUNNING"}};
  CHECK(to_text(to_json(done)) ==
        R"({"id":"1700000000000-7","action":"restart","supervisor":null,"group":"web",)"
        R"("name":"front","source":"api","actor":"ops","reason":"deploy","rule":null,)"
        R"("fingerprint":null,"state":"done","result":"succeeded","changed":true,)"
        R"("decision":null,"advice":["cooling down"],)"
        R"("fault_code":null,"fault_string":null,"incarnation_before":"10:1700000000",)"
        R"("incarnation_after":null,"created_at":"2023-11-14T22:13:20.000Z",)"
        R"("finished_at":"2023-11-14T22:13:21.250Z","steps":[{"step":"looked",)"
        R"("at":"2023-11-14T22:13:20.000Z","detail":"RUNNING"}],"members":[],"processes":null})");
}

TEST_CASE("operation JSON: result and finished_at are null until it is done") {
  const auto object = to_json(restart());
  CHECK(object["state"] == "queued");
  CHECK(object["result"].is_null());
  CHECK(object["changed"].is_null());
  CHECK(object["finished_at"].is_null());
}

TEST_CASE("operation JSON: the fault of a refused operation has code and text") {
  control::Operation failed = restart();
  failed.error = base::Error{base::ErrorKind::conflict, "it is being stopped",
                             base::PeerFault{40, "ABNORMAL_TERMINATION: front"}};
  CHECK(to_json(failed)["fault_code"] == 40);
  CHECK(to_json(failed)["fault_string"] == "ABNORMAL_TERMINATION: front");
}

TEST_CASE("operation JSON: the idempotency key is left out") {
  control::Operation operation = restart();
  operation.command.idempotency_key = "deploy-key";
  CHECK(to_text(to_json(operation)).find("deploy-key") == std::string::npos);
}

TEST_CASE("alert decision JSON: rule, process and operation are named") {
  alerts::AlertDecision decision;
  decision.fingerprint = "c0ffee";
  decision.alertname = "WebNotAnswering";
  decision.rule = "restart-hung-web";
  decision.target = guards::Target{"one", {"web", "front"}};
  decision.decision = {guards::Reason::accepted, "the operation is queued"};
  decision.operation = "17-1";
  CHECK(to_json(decision).dump() ==
        R"({"fingerprint":"c0ffee","alertname":"WebNotAnswering","status":"firing",)"
        R"("rule":"restart-hung-web","target":"one/web:front","decision":"accepted",)"
        R"("reason":"the operation is queued","operation":"17-1"})");
}

TEST_CASE("alert decision JSON: missing rule, process and operation are null") {
  alerts::AlertDecision decision;
  decision.status = alerts::AlertStatus::resolved;
  decision.decision = {guards::Reason::no_rule, "no rule matches its labels"};
  const auto json = to_json(decision);
  CHECK(json["status"] == "resolved");
  CHECK(json["rule"].is_null());
  CHECK(json["target"].is_null());
  CHECK(json["operation"].is_null());
}

}  // namespace
}  // namespace reeve::json
