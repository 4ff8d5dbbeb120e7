#include "api/event_hub.h"

#include "api/desk.h"
#include "base/text.h"
#include "http/response_body.h"
#include "support/catch.h"

namespace reeve::api {
namespace {

using namespace std::chrono_literals;
using http::StreamReader;
using tests::Desk;
using tests::get;
using tests::json_of;

struct Event {
  std::string id;
  std::string type;
  nlohmann::json data;
};

std::string field(std::string_view block, const std::string& name) {
  const std::size_t at = ("\n" + std::string(block)).find("\n" + name + ": ");
  if (at == std::string::npos) {
    return "";
  }
  const std::string_view rest = block.substr(at + name.size() + 2);
  return std::string(rest.substr(0, rest.find('\n')));
}

std::uint64_t id_of(const std::string& text) {
  return base::parse_number<std::uint64_t>(text).value_or(0);
}

/// What has come since the last look; blocks without data are no events.
std::vector<Event> events_of(StreamReader& reader) {
  std::vector<Event> events;
  const auto piece = reader.take();
  std::string_view rest = piece ? std::string_view(piece->bytes) : std::string_view();
  while (!rest.empty()) {
    const std::string_view block = rest.substr(0, rest.find("\n\n") + 2);
    rest.remove_prefix(block.size());
    if (const std::string data = field(block, "data"); !data.empty()) {
      events.push_back({field(block, "id"), field(block, "event"), nlohmann::json::parse(data)});
    }
  }
  return events;
}

std::vector<std::string> types_of(StreamReader& reader) {
  std::vector<std::string> types;
  for (const Event& event : events_of(reader)) {
    types.push_back(event.type);
  }
  return types;
}

struct WatchedWorld : tests::World {
  WatchedWorld() { look(); }
  /// The fleet looks, and publishes what it sees.
  void look() {
    publish();
    auto next = std::make_shared<monitor::Snapshot>(*snapshot);
    for (auto& supervisor : next->supervisors) {
      supervisor.snapshot_at = clock.system_now();
    }
    snapshot = next;
    hub.publish(snapshot);
  }
  EventHub hub{manual};
};

control::AuditEntry refused_decision() {
  control::AuditEntry entry;
  entry.decision = "cooldown";
  entry.fingerprint = "abc";
  return entry;
}

TEST_CASE("who listens hears of processes that change, come and go, with what they were before") {
  WatchedWorld world;
  const auto reader = world.hub.listen(std::nullopt);
  CHECK(events_of(*reader).empty());
  world.supervisord->crash({"web", "front"}, 3);
  world.look();
  auto heard = events_of(*reader);
  REQUIRE(heard.size() == 1);
  CHECK(heard[0].type == "process");
  CHECK(heard[0].data["change"] == "changed");
  CHECK(heard[0].data["from"] == "RUNNING");
  CHECK(heard[0].data["process"]["name"] == "front");
  CHECK(heard[0].data["process"]["state"] != "RUNNING");

  tests::FakeProgram program;
  program.name = {"new", "new"};
  world.supervisord->add(program);
  world.supervisord->remove("job");
  world.look();
  heard = events_of(*reader);
  std::vector<std::string> changes;
  for (const Event& event : heard) {
    changes.push_back(event.data["change"].get<std::string>() + " " +
                      event.data["process"]["group"].get<std::string>());
  }
  CHECK(std::count(changes.begin(), changes.end(), "appeared new") == 1);
  CHECK(std::count(changes.begin(), changes.end(), "vanished job") == 1);
}

TEST_CASE("another run is a change, a longer uptime is none") {
  WatchedWorld world;
  const auto reader = world.hub.listen(std::nullopt);
  world.supervisord->tick(10s);
  world.look();
  CHECK(events_of(*reader).empty());
  (void)world.carry_out(tests::World::command(guards::Action::restart, "job"));
  world.supervisord->tick(10s);
  world.look();
  CHECK(types_of(*reader) == std::vector<std::string>{"process"});
}

TEST_CASE("of a supervisord it is told when it goes and comes, not what its processes were") {
  WatchedWorld world;
  const auto reader = world.hub.listen(std::nullopt);
  auto down = std::make_shared<monitor::Snapshot>(*world.snapshot);
  down->supervisors[0].up = false;
  world.hub.publish(down);
  const auto heard = events_of(*reader);
  REQUIRE(heard.size() == 1);
  CHECK(heard[0].type == "supervisor");
  CHECK(heard[0].data["up"] == false);
  world.look();
  CHECK(types_of(*reader) == std::vector<std::string>{"supervisor"});
}

TEST_CASE("processes that are seen for the first time because nobody looked before are no news") {
  tests::World world;
  EventHub hub(world.manual);
  auto unread = std::make_shared<monitor::Snapshot>(*world.snapshot);
  unread->supervisors[0].up = false;
  unread->supervisors[0].processes = {};
  hub.publish(unread);
  const auto reader = hub.listen(std::nullopt);
  auto read = std::make_shared<monitor::Snapshot>(*world.snapshot);
  read->supervisors[0].snapshot_at = world.clock.system_now();
  hub.publish(read);
  CHECK(types_of(*reader) == std::vector<std::string>{"supervisor"});
}

TEST_CASE("operations are told of at each step, decisions as they are recorded") {
  WatchedWorld world;
  const auto reader = world.hub.listen(std::nullopt);
  world.controller.on_change(
      [&](const control::Operation& operation) { world.hub.publish(operation); });
  const auto done = world.carry_out(tests::World::command(guards::Action::stop, "job"));
  const auto heard = events_of(*reader);
  REQUIRE(heard.size() > 2);
  CHECK(heard.front().data["state"] == "queued");
  CHECK(heard.back().data["result"] == "succeeded");
  CHECK(heard.back().data["id"] == done.id);
  world.hub.publish({refused_decision()});
  const auto decision = events_of(*reader);
  REQUIRE(decision.size() == 1);
  CHECK(decision[0].type == "decision");
  CHECK(decision[0].data["decision"] == "cooldown");
  control::AuditEntry done_entry = refused_decision();
  done_entry.kind = control::AuditKind::operation;
  world.hub.publish({done_entry});
  CHECK(events_of(*reader).empty());
}

TEST_CASE("who comes back with the last id gets what was missed, and nothing twice") {
  const tests::ManualClock clock;
  EventHub hub(clock);
  const auto first = hub.listen(std::nullopt);
  hub.publish({refused_decision()});
  const std::string seen = events_of(*first).front().id;
  hub.publish({refused_decision()});
  hub.publish({refused_decision()});
  const auto second = hub.listen(id_of(seen));
  const auto missed = events_of(*second);
  REQUIRE(missed.size() == 2);
  CHECK(missed[0].id > seen);
  CHECK(missed[1].id > missed[0].id);
  CHECK(events_of(*hub.listen(id_of(missed[1].id))).empty());
}

TEST_CASE("a client that never heard anything can resume too: the stream begins with an id") {
  const tests::ManualClock clock;
  EventHub hub(clock);
  const std::string greeting = hub.listen(std::nullopt)->take()->bytes;
  hub.publish({refused_decision()});
  CHECK(events_of(*hub.listen(id_of(field(greeting, "id")))).size() == 1);
}

TEST_CASE("who asks for what is gone, or was never there, is told to read everything anew") {
  tests::ManualClock clock;
  EventHub hub(clock);
  hub.publish({refused_decision()});
  const auto id = id_of(field(hub.listen(std::nullopt)->take()->bytes, "id"));
  for (std::size_t i = 0; i <= EventHub::max_kept; ++i) {
    hub.publish({refused_decision()});
  }
  using Types = std::vector<std::string>;
  CHECK(types_of(*hub.listen(id)) == Types{"reset"});
  CHECK(types_of(*hub.listen(0)) == Types{"reset"});
  CHECK(types_of(*hub.listen(id + EventHub::max_kept + 2)) == Types{"reset"});
  CHECK(types_of(*hub.listen(id + 1)).size() == EventHub::max_kept);
  clock.advance(1s);
  EventHub restarted(clock);
  CHECK(types_of(*restarted.listen(id + 1)) == Types{"reset"});
}

TEST_CASE("ids go on growing when the agent is started again") {
  tests::ManualClock clock;
  EventHub before(clock);
  for (int i = 0; i < 5000; ++i) {
    before.publish({refused_decision()});
  }
  clock.advance(1s);
  EventHub after(clock);
  CHECK(id_of(field(after.listen({})->take()->bytes, "id")) >
        id_of(field(before.listen({})->take()->bytes, "id")));
}

TEST_CASE("more changes at once than anybody wants to hear are one reset") {
  WatchedWorld world;
  const auto reader = world.hub.listen(std::nullopt);
  for (std::size_t i = 0; i <= EventHub::max_at_once; ++i) {
    tests::FakeProgram program;
    program.name = {"many", "many-" + std::to_string(i)};
    world.supervisord->add(program);
  }
  world.look();
  CHECK(types_of(*reader) == std::vector<std::string>{"reset"});
}

TEST_CASE("more decisions on one post of alerts than anybody wants to hear are one reset") {
  const tests::ManualClock clock;
  EventHub hub(clock);
  const auto reader = hub.listen(std::nullopt);
  std::vector<control::AuditEntry> post(EventHub::max_at_once, refused_decision());
  hub.publish(post);
  CHECK(types_of(*reader) == std::vector<std::string>(EventHub::max_at_once, "decision"));
  post.push_back(refused_decision());
  hub.publish(post);
  CHECK(types_of(*reader) == std::vector<std::string>{"reset"});
}

TEST_CASE("a listener that does not keep up is cut off, the others hear all") {
  const tests::ManualClock clock;
  EventHub hub(clock);
  const auto slow = hub.listen(std::nullopt);
  const auto quick = hub.listen(std::nullopt);
  control::AuditEntry large = refused_decision();
  large.reason = std::string(200'000, 'x');
  std::size_t heard = 0;
  for (int i = 0; i < 5; ++i) {
    hub.publish({large});
    heard += events_of(*quick).size();
  }
  CHECK(heard == 5);
  CHECK_FALSE(slow->take().has_value());
}

TEST_CASE("events are served as a stream that resumes, to so many at a time") {
  Desk desk;
  desk.events.publish({refused_decision()});
  auto request = get("/api/v1/events", tests::reader_token);
  request.headers.push_back({"Last-Event-ID", "no id of ours"});
  std::vector<http::Response> listening = {desk.api.handle(request)};
  CHECK(listening[0].status == 200);
  CHECK(tests::header_of(listening[0], "Content-Type") == "text/event-stream");
  CHECK(types_of(*std::get<std::shared_ptr<StreamReader>>(listening[0].body)) ==
        std::vector<std::string>{"reset"});
  while (listening.size() < EventHub::max_listeners) {
    listening.push_back(desk.api.handle(get("/api/v1/events")));
    CHECK(listening.back().status == 200);
  }
  const auto refused = desk.api.handle(get("/api/v1/events"));
  CHECK(refused.status == 503);
  CHECK(json_of(refused)["type"] == "urn:reeve:problem:too_many_listeners");
  listening.pop_back();
  CHECK(desk.api.handle(get("/api/v1/events")).status == 200);
}

}  // namespace
}  // namespace reeve::api
