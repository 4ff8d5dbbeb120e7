#include "events/event.h"

#include "support/catch.h"

namespace reeve::events {
namespace {

using substrate::InstanceState;

base::Result<Event> parse(const std::string& header, const std::string& payload) {
  return parse_header(header).and_then(
      [&](EventHeader parsed) { return parse_event(std::move(parsed), payload); });
}

Event event_of(const std::string& type, const std::string& payload) {
  const auto event = parse(
      "ver:3.0 server:s serial:21 pool:reeve poolserial:10 eventname:" + type + " len:0", payload);
  REQUIRE(event);
  return *event;
}

bool is_refused(const std::string& type, const std::string& payload) {
  const auto event =
      parse("ver:3.0 server:s serial:1 pool:p poolserial:1 eventname:" + type + " len:0", payload);
  return !event && event.error().kind == base::ErrorKind::malformed;
}

TEST_CASE("parse_header: a header has the event, its pool and the length of the payload") {
  const auto header = parse_header(
      "ver:3.0 server:supervisor serial:21 pool:reeve poolserial:10 eventname:TICK_5 len:15");
  REQUIRE(header);
  CHECK(header->server == "supervisor");
  CHECK(header->pool == "reeve");
  CHECK(header->type == "TICK_5");
  CHECK(header->serials == Serials{21, 10});
  CHECK(header->length == 15);
}

TEST_CASE("parse_header: the identifier may hold blanks, colons, and a whole header of its own") {
  const std::string name =
      GENERATE(std::string("my lab: 日本"), std::string(""),
               std::string("x serial:1 pool:a poolserial:2"), std::string("a server:b"),
               std::string("ver:3.0 server:x serial:1 pool:p poolserial:2 "
                           "eventname:TICK_5 len:99"));
  const auto header = parse_header("ver:3.0 server:" + name +
                                   " serial:7 pool:p poolserial:8 eventname:EVENT len:9");
  REQUIRE(header);
  CHECK(header->server == name);
  CHECK(header->serials == Serials{7, 8});
  CHECK(header->length == 9);
}

TEST_CASE("parse_header: a malformed header is refused") {
  const std::string line =
      GENERATE(std::string(""), std::string("READY"), std::string("ver:3.0"),
               std::string("ver:3.0 server:s serial:1 pool:p poolserial:1 eventname:TICK_5"),
               std::string("ver:3.0 server:s serial:1 pool:p poolserial:1 eventname:TICK_5 len:"),
               std::string("ver:3.0 server:s serial:1 pool:p poolserial:1 eventname:TICK_5 len:-1"),
               std::string("ver:3.0 server:s serial:1 pool:p poolserial:1 eventname:TICK_5 len:1x"),
               std::string("ver:3.0 server:s serial:1 pool:p poolserial:1 eventname: len:1"),
               std::string("ver:3.0 server:s serial: pool:p poolserial:1 eventname:TICK_5 len:1"),
               std::string("ver:3.0 server:s serial:1 pool:p poolserial:99999999999999999999 "
                           "eventname:TICK_5 len:1"),
               std::string("ver:3.0 serial:1 pool:p poolserial:1 eventname:TICK_5 len:1"),
               std::string("server:s serial:1 pool:p poolserial:1 eventname:TICK_5 len:1"));
  const auto header = parse_header(line);
  REQUIRE_FALSE(header);
  CHECK(header.error().kind == base::ErrorKind::malformed);
}

TEST_CASE("parse_event: a process's change of state has its name, its group and both states") {
  const Event event = event_of("PROCESS_STATE_EXITED",
                               "processname:web_0 groupname:web from_state:RUNNING expected:0 "
                               "pid:4711");
  const auto& change = std::get<StateChange>(event.what);
  CHECK(change.name == substrate::InstanceName{"web", "web_0"});
  CHECK(change.to == InstanceState::exited);
  CHECK(change.from == InstanceState::running);
  CHECK(change.pid == substrate::Pid{4711});
  CHECK(change.expected == false);
  CHECK_FALSE(change.tries);
  CHECK(event.serials == Serials{21, 10});
}

TEST_CASE("parse_event: each of supervisord's states has its event") {
  for (const InstanceState state : substrate::all_instance_states) {
    const Event event = event_of("PROCESS_STATE_" + std::string(substrate::to_string(state)),
                                 "processname:a groupname:b from_state:STOPPED");
    CHECK(std::get<StateChange>(event.what).to == state);
  }
}

TEST_CASE("parse_event: the number of tries comes with STARTING and BACKOFF") {
  const Event event =
      event_of("PROCESS_STATE_BACKOFF", "processname:a groupname:a from_state:STARTING tries:3");
  CHECK(std::get<StateChange>(event.what).tries == 3);
}

TEST_CASE("parse_event: a pid of 0 is none: STOPPED out of BACKOFF") {
  const Event event =
      event_of("PROCESS_STATE_STOPPED", "processname:a groupname:a from_state:BACKOFF pid:0");
  CHECK_FALSE(std::get<StateChange>(event.what).pid);
}

TEST_CASE("parse_event: a name may hold every blank but the space") {
  const std::string name = GENERATE(std::string("a\tb"), std::string("a\u2028b"),
                                    std::string("a\u00a0b"), std::string("naïve-日本"));
  const Event event = event_of("PROCESS_STATE_RUNNING",
                               "processname:" + name + " groupname:g from_state:STARTING pid:1");
  CHECK(std::get<StateChange>(event.what).name.name == name);
}

TEST_CASE(
    "parse_event: a group's name ends with a newline, or without one where the Go version wrote "
    "it") {
  CHECK(std::get<GroupChange>(event_of("PROCESS_GROUP_ADDED", "groupname:web\n").what) ==
        GroupChange{GroupChange::Kind::added, "web"});
  CHECK(std::get<GroupChange>(event_of("PROCESS_GROUP_REMOVED", "groupname:web").what) ==
        GroupChange{GroupChange::Kind::removed, "web"});
}

TEST_CASE("parse_event: supervisord says that it runs and that it goes down") {
  CHECK(std::get<ManagerChange>(event_of("SUPERVISOR_STATE_CHANGE_RUNNING", "").what).kind ==
        ManagerChange::Kind::running);
  CHECK(std::get<ManagerChange>(event_of("SUPERVISOR_STATE_CHANGE_STOPPING", "").what).kind ==
        ManagerChange::Kind::stopping);
}

TEST_CASE("parse_event: a tick has its period and supervisord's time, beyond 2038 too") {
  const auto tick = std::get<Tick>(event_of("TICK_60", "when:4000000020").what);
  CHECK(tick.period == std::chrono::seconds(60));
  CHECK(tick.when.time_since_epoch() == std::chrono::seconds(4000000020));
}

TEST_CASE("parse_event: a remote communication has a type and data, cut to their bounds") {
  const auto sent = [](const std::string& payload) {
    return std::get<RemoteCommunication>(event_of("REMOTE_COMMUNICATION", payload).what);
  };
  CHECK(sent("type:mytype\nmy\ndata \u00e9") == RemoteCommunication{"mytype", "my\ndata \u00e9"});
  CHECK(sent("type:\n") == RemoteCommunication{"", ""});
  CHECK(sent("type:x\n" + std::string(5000, 'y')) ==
        RemoteCommunication{"x", std::string(1024, 'y')});
}

TEST_CASE("parse_event: an event of another type is accepted, whatever its payload") {
  const std::string type =
      GENERATE(std::string("PROCESS_LOG_STDOUT"), std::string("PROCESS_STATE_DREAMING"),
               std::string("TICK_x"), std::string("SOMETHING_NEW"));
  const Event event = event_of(type, "processname:a\xff\n\0");
  CHECK(std::holds_alternative<OtherEvent>(event.what));
  CHECK(event.type == type);
}

TEST_CASE("parse_event: an event that lacks a field of its type is refused as a whole") {
  CHECK(is_refused("PROCESS_STATE_EXITED", ""));
  CHECK(is_refused("PROCESS_STATE_EXITED", "processname:a groupname:b"));
  CHECK(is_refused("PROCESS_STATE_EXITED", "processname:a groupname:b from_state:DREAMING"));
  CHECK(is_refused("PROCESS_STATE_EXITED", "processname: groupname:b from_state:RUNNING"));
  CHECK(is_refused("PROCESS_STATE_EXITED", "xprocessname:a groupname:b from_state:RUNNING"));
  CHECK(is_refused("PROCESS_GROUP_ADDED", "group:web\n"));
  CHECK(is_refused("PROCESS_GROUP_ADDED", "groupname:\n"));
  CHECK(is_refused("REMOTE_COMMUNICATION", "type:x"));
  CHECK(is_refused("REMOTE_COMMUNICATION", "data\n"));
  CHECK(is_refused("TICK_5", "when:soon"));
  CHECK(is_refused("TICK_5", "when:9223372036854775807"));
}

TEST_CASE("type_label: only the names of supervisord's own event types become labels") {
  CHECK(type_label("PROCESS_STATE_EXITED") == "PROCESS_STATE_EXITED");
  CHECK(type_label("TICK_3600") == "TICK_3600");
  CHECK(type_label("anything\"else") == "other");
}

}  // namespace
}  // namespace reeve::events
