#include <set>
#include <sstream>

#include "metrics/pages.h"
#include "support/catch.h"

namespace reeve::metrics {
namespace {

using Catch::Contains;
using substrate::InstanceState;

TEST_CASE("snapshot page: a small supervisord, to the letter") {
  auto supervisor = supervisord({running_process("web", 4711, 1'699'990'000)});
  supervisor.polls.durations[1] = 2;
  supervisor.polls.duration_sum_seconds = 0.004;
  supervisor.description = {"4.2.5", "3.0", "supervisor"};
  const std::string text = page(snapshot_of({supervisor}));
  const std::string begin =
      R"(# HELP supervisord_up Whether supervisord answers and its processes could be listed.
# TYPE supervisord_up gauge
supervisord_up 1
# HELP supervisord_shutting_down Whether supervisord says that it is shutting down or restarting.
# TYPE supervisord_shutting_down gauge
supervisord_shutting_down 0
# HELP supervisord_restarts_total Restarts of supervisord itself that were seen.
# TYPE supervisord_restarts_total counter
supervisord_restarts_total 0
# HELP supervisord_info What supervisord says of itself, always 1.
# TYPE supervisord_info gauge
supervisord_info{version="4.2.5",identification="supervisor",api_version="3.0"} 1
# HELP supervisord_snapshot_timestamp_seconds Unix time at which the data shown were last confirmed by a full poll.
# TYPE supervisord_snapshot_timestamp_seconds gauge
supervisord_snapshot_timestamp_seconds 1700000000.5
# HELP supervisord_poll_duration_seconds Time that successful full polls took.
# TYPE supervisord_poll_duration_seconds histogram
supervisord_poll_duration_seconds_bucket{le="0.001"} 0
supervisord_poll_duration_seconds_bucket{le="0.0025"} 2
)";
  CHECK(text.substr(0, begin.size()) == begin);
  const std::string end = R"(# HELP supervisord_process_up Whether the process is RUNNING.
# TYPE supervisord_process_up gauge
supervisord_process_up{group="web",name="web"} 1
# HELP supervisord_process_state State of the process: 1 for one of the states.
# TYPE supervisord_process_state gauge
supervisord_process_state{group="web",name="web",state="STOPPED"} 0
supervisord_process_state{group="web",name="web",state="STARTING"} 0
supervisord_process_state{group="web",name="web",state="RUNNING"} 1
supervisord_process_state{group="web",name="web",state="BACKOFF"} 0
supervisord_process_state{group="web",name="web",state="STOPPING"} 0
supervisord_process_state{group="web",name="web",state="EXITED"} 0
supervisord_process_state{group="web",name="web",state="FATAL"} 0
supervisord_process_state{group="web",name="web",state="UNKNOWN"} 0
# HELP supervisord_process_start_time_seconds Unix time of the last spawn, by the clock of supervisord.
# TYPE supervisord_process_start_time_seconds gauge
supervisord_process_start_time_seconds{group="web",name="web"} 1699990000
# HELP supervisord_process_pid Process id.
# TYPE supervisord_process_pid gauge
supervisord_process_pid{group="web",name="web"} 4711
# HELP supervisord_process_starts_total Entries into STARTING, whoever asked for them.
# TYPE supervisord_process_starts_total counter
supervisord_process_starts_total{group="web",name="web"} 0
# HELP supervisord_process_restarts_total Automatic restarts; as far as polls show them while they feed the counters.
# TYPE supervisord_process_restarts_total counter
supervisord_process_restarts_total{group="web",name="web"} 0
)";
  REQUIRE(text.size() > end.size());
  CHECK(text.substr(text.size() - end.size()) == end);
}

TEST_CASE(
    "snapshot page: while supervisord is not up its gauges are absent and its counters stay") {
  auto supervisor = odd_supervisord();
  supervisor.name.clear();
  supervisor.up = false;
  supervisor.shutting_down = true;
  Options options;
  options.transitions = true;
  const std::string text = page(snapshot_of({supervisor}), options);
  CHECK(has(text, "supervisord_up 0"));
  CHECK(has(text, "supervisord_shutting_down 1"));
  CHECK(has(text, "supervisord_snapshot_timestamp_seconds 1700000000.5"));
  CHECK(has(text, R"(supervisord_process_starts_total{group="worker",name="a\"b\\c"} 4)"));
  CHECK(has(text, R"(supervisord_process_restarts_total{group="worker",name="a\"b\\c"} 2)"));
  CHECK(has(
      text,
      R"(supervisord_process_transitions_total{group="worker",name="a\"b\\c",state="EXITED"} 3)"));
  for (const char* absent :
       {"supervisord_info", "supervisord_processes", "supervisord_group_processes",
        "supervisord_process_up", "supervisord_process_state",
        "supervisord_process_start_time_seconds", "supervisord_process_pid",
        "supervisord_process_exit_status", "supervisord_process_log_bytes"}) {
    CHECK_THAT(text, !Contains(absent));
  }
}

TEST_CASE("snapshot page: before the first poll there is no snapshot timestamp") {
  const std::string text = page(snapshot_of({monitor::SupervisorSnapshot{}}));
  CHECK(has(text, "supervisord_up 0"));
  CHECK_THAT(text, !Contains("supervisord_snapshot_timestamp_seconds"));
  CHECK(has(text, R"(supervisord_poll_failures_total{reason="unreachable"} 0)"));
  CHECK(has(text, R"(supervisord_poll_failures_total{reason="shutting_down"} 0)"));
}

TEST_CASE(
    "snapshot page: what is known of a finished run has samples, what is not known has none") {
  const std::string text = page(snapshot_of({odd_supervisord()}));
  const std::string labels = R"({supervisor="host \"1\"",group="worker",name="a\"b\\c"})";
  CHECK(has(text, "supervisord_process_exit_status" + labels + " 3"));
  CHECK(has(text, "supervisord_process_last_exit_expected" + labels + " 0"));
  CHECK(has(text, "supervisord_process_stop_time_seconds" + labels + " 1699999900"));
  CHECK_THAT(text, !Contains("supervisord_process_pid" + labels));
  const std::string web = R"({supervisor="host \"1\"",group="web",name="web")";
  CHECK_THAT(text, !Contains("supervisord_process_exit_status" + web));
  CHECK_THAT(text, !Contains("supervisord_process_last_exit_expected" + web));
  CHECK_THAT(text, !Contains("supervisord_process_stop_time_seconds" + web));
  CHECK(has(text, "supervisord_process_log_bytes" + web + R"(,stream="stdout"} 3221225472)"));
  CHECK(has(text, "supervisord_process_log_bytes" + web + R"(,stream="stderr"} 0)"));
}

TEST_CASE("snapshot page: the signal that ended the last run has a sample, an exit has none") {
  const std::string text = page(snapshot_of({odd_supervisord()}));
  const std::string labels = R"({supervisor="host \"1\"",group="worker",name=)";
  CHECK(has(text, "supervisord_process_exit_signal" + labels + "\"naïve-日本\"} 9"));
  CHECK(has(text, "supervisord_process_exit_status" + labels + "\"naïve-日本\"} -1"));
  CHECK_THAT(text, !Contains("supervisord_process_exit_signal" + labels + R"("a\"b)"));
}

TEST_CASE(
    "snapshot page: unexpected exits have samples where a source counts them, after a removal "
    "too") {
  auto supervisor = supervisord({process("known", substrate::InstanceState::exited),
                                 process("unknown", substrate::InstanceState::exited)});
  auto known = supervisor.processes[0];
  known.counters.unexpected_exits = 0;
  supervisor.processes = monitor::ProcessList({known, supervisor.processes[1]});
  supervisor.removed = {{{"gone", "gone"}, {7, 5, 2, {}}, {}}};
  const std::string text = page(snapshot_of({supervisor}));
  const std::string metric = "supervisord_process_unexpected_exits_total";
  CHECK(has(text, metric + R"({group="known",name="known"} 0)"));
  CHECK(has(text, metric + R"({group="gone",name="gone"} 2)"));
  CHECK_THAT(text, !Contains(metric + R"({group="unknown")"));
}

TEST_CASE(
    "snapshot page: event stream families are there where a stream is expected or had events, down "
    "or up") {
  auto silent = supervisord({});
  silent.name = "silent";
  auto heard = odd_supervisord();
  heard.name = "heard";
  heard.up = false;
  heard.event_stream->up = false;
  auto expected = supervisord({});
  expected.name = "expected";
  expected.event_stream = {false, {{"TICK_5", 0}}, 0};
  const std::string text = page(snapshot_of({silent, heard, expected}));
  CHECK(has(text, R"(reeve_event_stream_up{supervisor="heard"} 0)"));
  CHECK(has(text, R"(reeve_event_stream_up{supervisor="expected"} 0)"));
  CHECK(has(text, R"(reeve_events_total{supervisor="expected",type="TICK_5"} 0)"));
  CHECK(has(text, R"(reeve_events_total{supervisor="heard",type="TICK_5"} 12)"));
  CHECK(has(text, R"(reeve_events_total{supervisor="heard",type="other"} 0)"));
  CHECK(has(text, R"(reeve_events_lost_total{supervisor="heard"} 4)"));
  CHECK_THAT(text, !Contains(R"(reeve_event_stream_up{supervisor="silent")"));
}

TEST_CASE("snapshot page: all eight states are there for a supervisord and for each group") {
  const std::string text =
      page(snapshot_of({supervisord({process("a:x", substrate::InstanceState::fatal),
                                     process("a:y", substrate::InstanceState::fatal)})}));
  CHECK(has(text, R"(supervisord_processes{state="FATAL"} 2)"));
  CHECK(has(text, R"(supervisord_processes{state="RUNNING"} 0)"));
  CHECK(has(text, R"(supervisord_group_processes{group="a",state="FATAL"} 2)"));
  for (const auto state : substrate::all_instance_states) {
    CHECK_THAT(text, Contains("supervisord_group_processes{group=\"a\",state=\"" +
                              std::string(to_string(state)) + "\"}"));
  }
}

TEST_CASE("snapshot page: a supervisord without processes has a 0 for every state") {
  const std::string text = page(snapshot_of({supervisord({})}));
  CHECK(has(text, R"(supervisord_processes{state="UNKNOWN"} 0)"));
  CHECK_THAT(text, !Contains("supervisord_group_processes"));
}

TEST_CASE("snapshot page: polls are the source of the counters by default") {
  const std::string text = page(snapshot_of({supervisord({})}));
  CHECK(has(text, R"(supervisord_counters_source{source="events"} 0)"));
  CHECK(has(text, R"(supervisord_counters_source{source="log"} 0)"));
  CHECK(has(text, R"(supervisord_counters_source{source="polls"} 1)"));
  CHECK(has(text, R"(supervisord_counters_gaps_total{source="polls"} 0)"));
  CHECK(has(text, "supervisord_event_listener_not_ready_total 0"));
}

TEST_CASE("snapshot page: the counters of a removed process stay while the snapshot has them") {
  const std::string text = page(snapshot_of({odd_supervisord()}));
  const std::string labels = R"({supervisor="host \"1\"",group="gone",name="gone"})";
  CHECK(has(text, "supervisord_process_restarts_total" + labels + " 5"));
  CHECK_THAT(text, !Contains("supervisord_process_up" + labels));
}

TEST_CASE("snapshot page: two supervisords share each family and differ in their label") {
  auto db = supervisord({running_process("pg", 1, 1)});
  db.name = "db";
  auto web = supervisord({running_process("nginx", 2, 2)});
  web.name = "web";
  const std::string text = page(snapshot_of({db, web}));
  CHECK_THAT(text,
             Contains("TYPE supervisord_process_pid gauge\n"
                      R"(supervisord_process_pid{supervisor="db",group="pg",name="pg"} 1)"
                      "\n"
                      R"(supervisord_process_pid{supervisor="web",group="nginx",name="nginx"} 2)"
                      "\n"));
}

TEST_CASE(
    "snapshot page: names that become equal in UTF-8 have one sample, and their group's sums are "
    "added") {
  auto supervisor = odd_supervisord();
  supervisor.name.clear();
  const std::string text = page(snapshot_of({supervisor}));
  const std::string line = "supervisord_process_up{group=\"caf\xEF\xBF\xBD\",name=\"x\"} 0\n";
  CHECK(text.find(line) != std::string::npos);
  CHECK(text.find(line) == text.rfind(line));
  CHECK(has(text, "supervisord_group_processes{group=\"caf\xEF\xBF\xBD\",state=\"STOPPED\"} 1"));
  CHECK(has(text, "supervisord_group_processes{group=\"caf\xEF\xBF\xBD\",state=\"FATAL\"} 1"));
}

TEST_CASE("snapshot page: a name that has U+FFFD itself is not given a second time") {
  auto supervisor = supervisord({process("web:\xEF\xBF\xBD", substrate::InstanceState::running),
                                 process("web:\xfe", substrate::InstanceState::fatal),
                                 process("web:\xff", substrate::InstanceState::fatal)});
  supervisor.removed = {{{"web", "\xc0"}, {}, {}}};
  const std::string text = page(snapshot_of({supervisor}));
  std::set<std::string> series;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    CHECK(series.insert(line.starts_with('#') ? line : line.substr(0, line.rfind(' '))).second);
  }
  CHECK(has(text, "supervisord_process_up{group=\"web\",name=\"\xEF\xBF\xBD\"} 1"));
  CHECK(has(text, "supervisord_indistinguishable_processes 3"));
  CHECK(has(page(snapshot_of({supervisord({})})), "supervisord_indistinguishable_processes 0"));
}

TEST_CASE("snapshot page: options choose the state code, leave groups out and add transitions") {
  Options options;
  options.process_state_set = false;
  options.group_summary = false;
  options.transitions = true;
  const std::string text =
      page(snapshot_of({supervisord({process("a", substrate::InstanceState::unknown)})}), options);
  CHECK(has(text, R"(supervisord_process_state_code{group="a",name="a"} 1000)"));
  CHECK_THAT(text, !Contains("supervisord_process_state{"));
  CHECK_THAT(text, !Contains("supervisord_group_processes"));
  CHECK(has(text, R"(supervisord_process_transitions_total{group="a",name="a",state="FATAL"} 0)"));
}

TEST_CASE("Filter: decides which processes have series; sums count every process") {
  Options options;
  options.include = {"web:.*", "a.c:x"};
  options.exclude = {".*:secret"};
  const auto snapshot = snapshot_of(
      {supervisord({running_process("abc:x", 1, 1), running_process("web:front", 2, 1),
                    running_process("web:secret", 3, 1), running_process("webs:front", 4, 1)})});
  const std::string text = page(snapshot, options);
  CHECK_THAT(text, Contains(R"(supervisord_process_up{group="abc",name="x"})"));
  CHECK_THAT(text, Contains(R"(supervisord_process_up{group="web",name="front"})"));
  CHECK_THAT(text, !Contains(R"(name="secret")"));
  CHECK_THAT(text, !Contains(R"({group="webs",name=)"));
  CHECK(has(text, R"(supervisord_processes{state="RUNNING"} 4)"));
  CHECK(has(text, R"(supervisord_group_processes{group="webs",state="RUNNING"} 1)"));
}

TEST_CASE("Filter: a name of a megabyte is matched") {
  Options options;
  options.include = {"(a|.)*x"};
  const Filter filter(options);
  CHECK_FALSE(filter.admits({"g", std::string(1'000'000, 'y')}));
}

/// `web` runs as 4711; `usages` are what was measured.
monitor::SupervisorSnapshot measured(std::vector<monitor::ProcessUsage> usages) {
  auto supervisor = supervisord(
      {process("a", substrate::InstanceState::exited), running_process("web", 4711, 1)});
  supervisor.usages = usages_of(std::move(usages));
  return supervisor;
}

TEST_CASE("snapshot page: resources are in base units") {
  const std::string text =
      page(snapshot_of({measured({{{"web", "web"}, {4711}, everything_used()}})}));
  const std::string web = R"({group="web",name="web"} )";
  CHECK(has(text,
            R"(supervisord_process_cpu_seconds_total{group="web",name="web",mode="user"} 12.34)"));
  CHECK(has(text,
            R"(supervisord_process_cpu_seconds_total{group="web",name="web",mode="system"} 0.05)"));
  CHECK(has(text, "supervisord_process_resident_memory_bytes" + web + "5000000000"));
  CHECK(has(text, "supervisord_process_proportional_memory_bytes" + web + "4096"));
  CHECK(has(text, "supervisord_process_open_fds" + web + "9"));
  CHECK(has(text, "supervisord_process_max_fds" + web + "1024"));
  CHECK(has(text, "supervisord_process_threads" + web + "17"));
  CHECK(has(text, "supervisord_process_tree_size" + web + "3"));
  CHECK(has(text, "supervisord_process_read_bytes_total" + web + "8192"));
  CHECK(has(text, "supervisord_process_written_bytes_total" + web + "512"));
}

TEST_CASE("snapshot page: resources that the kernel hides are absent") {
  procfs::TreeUsage usage;
  usage.processes = 1;
  const std::string text = page(snapshot_of({measured({{{"web", "web"}, {4711}, usage}})}));
  CHECK_THAT(text, Contains("supervisord_process_tree_size"));
  for (const char* absent :
       {"proportional_memory", "open_fds", "max_fds", "read_bytes", "written"}) {
    CHECK_THAT(text, !Contains(std::string("supervisord_process_") + absent));
  }
}

TEST_CASE("snapshot page: the usage of a run that has ended is not the next run's") {
  const auto usage = everything_used();
  const std::string text = page(snapshot_of({measured({{{"a", "a"}, {4700}, usage},
                                                       {{"gone", "gone"}, {4800}, usage},
                                                       {{"web", "web"}, {4710}, usage}})}));
  CHECK_THAT(text, !Contains("supervisord_process_cpu_seconds_total"));
}

TEST_CASE("snapshot page: without supervisord or a measurement there are no resources") {
  auto down = measured({{{"web", "web"}, {4711}, everything_used()}});
  down.up = false;
  CHECK_THAT(page(snapshot_of({down})), !Contains("supervisord_process_cpu_seconds_total"));
  auto unmeasured = measured({});
  unmeasured.usages = nullptr;
  CHECK_THAT(page(snapshot_of({unmeasured})), !Contains("supervisord_process_cpu_seconds_total"));
}

TEST_CASE(
    "snapshot page: each process has its own usage, also beside filtered and unmeasured ones") {
  auto one = everything_used();
  one.threads = 1;
  auto three = everything_used();
  three.threads = 3;
  auto supervisor = supervisord({running_process("a", 1, 1), running_process("b", 2, 1),
                                 running_process("c", 3, 1), running_process("d", 4, 1)});
  supervisor.usages =
      usages_of({{{"a", "a"}, {1}, one}, {{"b", "b"}, {2}, {}}, {{"d", "d"}, {4}, three}});
  Options options;
  options.exclude = {"b:b"};
  const std::string text = page(snapshot_of({supervisor}), options);
  CHECK(has(text, R"(supervisord_process_threads{group="a",name="a"} 1)"));
  CHECK(has(text, R"(supervisord_process_threads{group="d",name="d"} 3)"));
  CHECK_THAT(text, !Contains(R"(supervisord_process_threads{group="b")"));
  CHECK_THAT(text, !Contains(R"(supervisord_process_threads{group="c")"));
}

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

TEST_CASE("compatibility: other exporters' names are absent unless configured") {
  const std::string text = page(snapshot_of({some_of_each()}));
  CHECK_THAT(text, !Contains("node_supervisord"));
  CHECK_THAT(text, !Contains("supervisor_process"));
}

TEST_CASE("compatibility: node_exporter's names have its collector's values") {
  Options options;
  options.node_exporter_names = true;
  const std::string text = page(snapshot_of({some_of_each()}), options);
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

TEST_CASE("compatibility: an exit reported by an event has the log's status, or no sample") {
  Options options;
  options.node_exporter_names = options.supervisord_exporter_names = true;
  auto told = process("told", InstanceState::exited);
  told.exit_status = 7;
  const auto untold = process("untold", InstanceState::exited);
  const std::string text = page(snapshot_of({supervisord({told, untold})}), options);
  CHECK(has(text, R"(node_supervisord_exit_status{group="told",name="told"} 7)"));
  CHECK_THAT(text, Contains(R"(name="told",state="EXITED",exit_status="7"} 0)"));
  CHECK_THAT(text, !Contains(R"(node_supervisord_exit_status{group="untold")"));
  CHECK_THAT(text, !Contains(R"(supervisor_process_info{group="untold")"));
  CHECK(has(text, R"(node_supervisord_state{group="untold",name="untold"} 100)"));
}

TEST_CASE("compatibility: supervisord_exporter's names have its values") {
  Options options;
  options.supervisord_exporter_names = true;
  const std::string text = page(snapshot_of({some_of_each()}), options);
  CHECK(has(text,
            R"(supervisor_process_info{group="g",name="web",state="RUNNING",exit_status="0"} 1)"));
  CHECK(has(
      text,
      R"(supervisor_process_info{group="exited",name="exited",state="EXITED",exit_status="3"} 0)"));
  CHECK(has(text, R"(supervisor_process_uptime{group="g",name="web"} 61)"));
  CHECK_THAT(text, !Contains(R"(supervisor_process_uptime{group="stopping")"));
  CHECK_THAT(text, !Contains("node_supervisord"));
}

TEST_CASE("compatibility: other exporters' names are absent while supervisord is down") {
  Options options;
  options.node_exporter_names = true;
  options.supervisord_exporter_names = true;
  auto down = some_of_each();
  down.up = false;
  const std::string text = page(snapshot_of({down}), options);
  CHECK_THAT(text, !Contains("node_supervisord"));
  CHECK_THAT(text, !Contains("supervisor_process"));
}

}  // namespace
}  // namespace reeve::metrics
