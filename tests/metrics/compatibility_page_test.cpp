#include "metrics/fleets.h"
#include "metrics/pages.h"
#include "support/catch.h"

namespace reeve::metrics {
namespace {

using Catch::Contains;
using substrate::InstanceState;

monitor::SupervisorSnapshot some_of_each() {
  auto web = running_process("g:web", 4711, 1'699'990'000);
  web.detail.now = manager_time(1'699'990'061);
  auto exited = process("exited", InstanceState::exited);
  exited.detail.start_time = manager_time(1'699'990'000);
  exited.detail.exit_status = 3;
  auto backoff = process("backoff", InstanceState::backoff);
  backoff.detail.start_time = manager_time(1'699'990'000);
  backoff.exit_status = 5;  // which the log told, and they do not know
  auto stopping = running_process("stopping", 4712, 1'699'990'001);
  stopping.detail.state = InstanceState::stopping;
  return supervisord({backoff, exited, web, stopping});
}

TEST_CASE("other exporters' names are absent unless asked for") {
  const std::string text = page(fleet_of({some_of_each()}));
  CHECK_THAT(text, !Contains("node_supervisord"));
  CHECK_THAT(text, !Contains("supervisor_process"));
}

TEST_CASE("node_exporter's names say what its collector says") {
  Options options;
  options.node_exporter_names = true;
  const std::string text = page(fleet_of({some_of_each()}), options);
  const std::string web = R"({group="g",name="web"} )";
  CHECK(has(text, "node_supervisord_up" + web + "1"));
  CHECK(has(text, "node_supervisord_state" + web + "20"));
  CHECK(has(text, "node_supervisord_exit_status" + web + "0"));
  CHECK(has(text, "node_supervisord_start_time_seconds" + web + "1699990000"));
  CHECK(has(text, R"(node_supervisord_up{group="stopping",name="stopping"} 1)"));
  CHECK(has(text, R"(node_supervisord_up{group="backoff",name="backoff"} 0)"));
  CHECK(has(text, R"(node_supervisord_exit_status{group="backoff",name="backoff"} 0)"));
  CHECK(has(text, R"(node_supervisord_exit_status{group="exited",name="exited"} 3)"));
  CHECK_THAT(text, !Contains(R"(node_supervisord_start_time_seconds{group="exited")"));
  CHECK_THAT(text, !Contains("supervisor_process"));
}

TEST_CASE("an exit that an event told has the status that the log told, or no sample") {
  Options options;
  options.node_exporter_names = options.supervisord_exporter_names = true;
  auto told = process("told", InstanceState::exited);
  told.exit_status = 7;
  const auto untold = process("untold", InstanceState::exited);
  const std::string text = page(fleet_of({supervisord({told, untold})}), options);
  CHECK(has(text, R"(node_supervisord_exit_status{group="told",name="told"} 7)"));
  CHECK_THAT(text, Contains(R"(name="told",state="EXITED",exit_status="7"} 0)"));
  CHECK_THAT(text, !Contains(R"(node_supervisord_exit_status{group="untold")"));
  CHECK_THAT(text, !Contains(R"(supervisor_process_info{group="untold")"));
  CHECK(has(text, R"(node_supervisord_state{group="untold",name="untold"} 100)"));
}

TEST_CASE("supervisord_exporter's names say what it says") {
  Options options;
  options.supervisord_exporter_names = true;
  const std::string text = page(fleet_of({some_of_each()}), options);
  CHECK(has(text,
            R"(supervisor_process_info{group="g",name="web",state="RUNNING",exit_status="0"} 1)"));
  CHECK(has(
      text,
      R"(supervisor_process_info{group="exited",name="exited",state="EXITED",exit_status="3"} 0)"));
  CHECK(has(text, R"(supervisor_process_uptime{group="g",name="web"} 61)"));
  CHECK_THAT(text, !Contains(R"(supervisor_process_uptime{group="stopping")"));
  CHECK_THAT(text, !Contains("node_supervisord"));
}

TEST_CASE("other exporters' names too are absent while supervisord is down") {
  Options options;
  options.node_exporter_names = true;
  options.supervisord_exporter_names = true;
  auto down = some_of_each();
  down.up = false;
  const std::string text = page(fleet_of({down}), options);
  CHECK_THAT(text, !Contains("node_supervisord"));
  CHECK_THAT(text, !Contains("supervisor_process"));
}

}  // namespace
}  // namespace reeve::metrics
