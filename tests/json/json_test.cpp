#include <nlohmann/json.hpp>

#include "json/process.h"
#include "json/supervisor.h"
#include "json/text.h"
#include "support/catch.h"

namespace reeve::json {
namespace {

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

TEST_CASE("a process is written with every member in the documented order") {
  CHECK(to_text(to_json("web", running())) ==
        R"({"supervisor":"web","group":"worker","name":"worker_00","state":"RUNNING",)"
        R"("state_code":20,"pid":4711,"description":"pid 4711, uptime 0:01:00",)"
        R"("start_time":1700000000,"stop_time":null,"now":1700000060,"uptime_seconds":60,)"
        R"("exit_status":null,"exit_signal":null,"last_exit_expected":null,"spawn_error":"",)"
        R"("starts":null,"restarts":null,"stdout_logfile":"/var/log/worker.log",)"
        R"("stderr_logfile":""})");
}

TEST_CASE("the single, unnamed supervisord has a null name") {
  CHECK(to_json("", running())["supervisor"].is_null());
}

TEST_CASE("an EXITED record tells by its spawn error whether the exit was expected") {
  substrate::InstanceDetail detail = running();
  detail.state = substrate::InstanceState::exited;
  CHECK(to_json("", detail)["last_exit_expected"] == true);
  detail.spawn_error = "Bad exit code 3";
  CHECK(to_json("", detail)["last_exit_expected"] == false);
}

TEST_CASE("a process of the snapshot adds what the agent saw of it") {
  monitor::ProcessSnapshot process;
  process.detail = running();
  process.detail.exit_status = 0;
  process.counters.starts = 3;
  process.counters.restarts = 2;
  process.exit_status = -1;
  process.exit_signal = 9;
  process.last_exit_expected = false;
  const auto object = to_json("", process);
  CHECK(object["starts"] == 3);
  CHECK(object["restarts"] == 2);
  CHECK(object["exit_status"] == -1);
  CHECK(object["exit_signal"] == 9);
  CHECK(object["last_exit_expected"] == false);
  CHECK(object.size() == to_json("", process.detail).size());
}

TEST_CASE("a supervisord is written with every member in the documented order") {
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

TEST_CASE("bytes that are not UTF-8 never break the JSON") {
  substrate::InstanceDetail detail = running();
  detail.name.name = "caf\xE9";
  detail.description = "\x1B[31m\xFF";
  const std::string text = to_text(to_json("\xC0", detail));
  CHECK(text.find("caf\uFFFD") != std::string::npos);
  CHECK(text.find("\\u001b[31m\uFFFD") != std::string::npos);
  CHECK(to_text(nlohmann::ordered_json("\xE9")) == "\"\uFFFD\"");
}

}  // namespace
}  // namespace reeve::json
