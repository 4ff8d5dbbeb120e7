#include "api/event_hub.h"

#include "api/api_fixture.h"
#include "base/text.h"
#include "http/response_body.h"
#include "support/catch.h"

namespace reeve::api {
namespace {

using namespace std::chrono_literals;
using http::StreamReader;
using tests::ApiFixture;
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

/// Events received since the last call; blocks without data are no events.
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
  /// A poll: publishes what it sees.
  void look() {
    publish();
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

TEST_CASE("EventHub: processes that change, appear and vanish are events, with the state before") {
  WatchedWorld world;
  const auto reader = world.hub.subscribe(std::nullopt).reader;
  CHECK(events_of(*reader).empty());
  world.supervisord->crash({"web", "front"}, 3);
  world.look();
  auto received = events_of(*reader);
  REQUIRE(received.size() == 1);
  CHECK(received[0].type == "process");
  CHECK(received[0].data["change"] == "changed");
  CHECK(received[0].data["from"] == "RUNNING");
  CHECK(received[0].data["process"]["name"] == "front");
  CHECK(received[0].data["process"]["state"] != "RUNNING");

  tests::FakeProgram program;
  program.name = {"new", "new"};
  world.supervisord->add(program);
  world.supervisord->remove("job");
  world.look();
  received = events_of(*reader);
  std::vector<std::string> changes;
  for (const Event& event : received) {
    changes.push_back(event.data["change"].get<std::string>() + " " +
                      event.data["process"]["group"].get<std::string>());
  }
  CHECK(std::count(changes.begin(), changes.end(), "appeared new") == 1);
  CHECK(std::count(changes.begin(), changes.end(), "vanished job") == 1);
}

TEST_CASE("EventHub: a new run is a change, a longer uptime is none") {
  WatchedWorld world;
  const auto reader = world.hub.subscribe(std::nullopt).reader;
  world.supervisord->tick(10s);
  world.look();
  CHECK(events_of(*reader).empty());
  (void)world.carry_out(tests::World::command(guards::Action::restart, "job"));
  world.supervisord->tick(10s);
  world.look();
  CHECK(types_of(*reader) == std::vector<std::string>{"process"});
}

TEST_CASE("EventHub: a supervisord that goes or comes back is one event, its processes are none") {
  WatchedWorld world;
  const auto reader = world.hub.subscribe(std::nullopt).reader;
  auto down = std::make_shared<monitor::Snapshot>(*world.snapshot);
  down->supervisors[0].up = false;
  world.hub.publish(down);
  const auto received = events_of(*reader);
  REQUIRE(received.size() == 1);
  CHECK(received[0].type == "supervisor");
  CHECK(received[0].data["up"] == false);
  world.look();
  CHECK(types_of(*reader) == std::vector<std::string>{"supervisor"});
}

TEST_CASE("EventHub: the first listing of a supervisord makes no process events") {
  tests::World world;
  EventHub hub(world.manual);
  auto unread = std::make_shared<monitor::Snapshot>(*world.snapshot);
  unread->supervisors[0].up = false;
  unread->supervisors[0].processes = {};
  unread->supervisors[0].snapshot_at.reset();
  hub.publish(unread);
  const auto reader = hub.subscribe(std::nullopt).reader;
  hub.publish(world.snapshot);
  CHECK(types_of(*reader) == std::vector<std::string>{"supervisor"});
}

TEST_CASE("EventHub: operations are events at each step, decisions when they are recorded") {
  WatchedWorld world;
  const auto reader = world.hub.subscribe(std::nullopt).reader;
  world.controller.on_change(
      [&](const control::Operation& operation) { world.hub.publish(operation); });
  const auto done = world.carry_out(tests::World::command(guards::Action::stop, "job"));
  const auto received = events_of(*reader);
  REQUIRE(received.size() > 2);
  CHECK(received.front().data["state"] == "queued");
  CHECK(received.back().data["result"] == "succeeded");
  CHECK(received.back().data["id"] == done.id);
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

TEST_CASE("EventHub: a client that resumes gets the missed events, and none twice") {
  const tests::ManualClock clock;
  EventHub hub(clock);
  const auto first = hub.subscribe(std::nullopt).reader;
  hub.publish({refused_decision()});
  const std::string seen = events_of(*first).front().id;
  hub.publish({refused_decision()});
  hub.publish({refused_decision()});
  const auto second = hub.subscribe(id_of(seen)).reader;
  const auto missed = events_of(*second);
  REQUIRE(missed.size() == 2);
  CHECK(missed[0].id > seen);
  CHECK(missed[1].id > missed[0].id);
  CHECK(events_of(*hub.subscribe(id_of(missed[1].id)).reader).empty());
}

TEST_CASE("EventHub: a stream begins with an id, to resume before the first event") {
  const tests::ManualClock clock;
  EventHub hub(clock);
  const std::string greeting = hub.subscribe(std::nullopt).reader->take()->bytes;
  hub.publish({refused_decision()});
  CHECK(events_of(*hub.subscribe(id_of(field(greeting, "id"))).reader).size() == 1);
}

TEST_CASE("EventHub: an id that is not kept, or unknown, gets a reset") {
  tests::ManualClock clock;
  EventHub hub(clock);
  hub.publish({refused_decision()});
  const auto id = id_of(field(hub.subscribe(std::nullopt).reader->take()->bytes, "id"));
  for (std::size_t i = 0; i <= EventHub::max_kept; ++i) {
    hub.publish({refused_decision()});
  }
  using Types = std::vector<std::string>;
  CHECK(types_of(*hub.subscribe(id).reader) == Types{"reset"});
  CHECK(types_of(*hub.subscribe(0).reader) == Types{"reset"});
  CHECK(types_of(*hub.subscribe(id + EventHub::max_kept + 2).reader) == Types{"reset"});
  CHECK(types_of(*hub.subscribe(id + 1).reader).size() == EventHub::max_kept);
  clock.advance(1s);
  EventHub restarted(clock);
  CHECK(types_of(*restarted.subscribe(id + 1).reader) == Types{"reset"});
}

TEST_CASE("EventHub: ids grow over restarts of the agent") {
  tests::ManualClock clock;
  EventHub before(clock);
  for (int i = 0; i < 5000; ++i) {
    before.publish({refused_decision()});
  }
  clock.advance(1s);
  EventHub after(clock);
  CHECK(id_of(field(after.subscribe({}).reader->take()->bytes, "id")) >
        id_of(field(before.subscribe({}).reader->take()->bytes, "id")));
}

TEST_CASE("EventHub: too many changes at once are one reset") {
  WatchedWorld world;
  const auto reader = world.hub.subscribe(std::nullopt).reader;
  for (std::size_t i = 0; i <= EventHub::max_at_once; ++i) {
    tests::FakeProgram program;
    program.name = {"many", "many-" + std::to_string(i)};
    world.supervisord->add(program);
  }
  world.look();
  CHECK(types_of(*reader) == std::vector<std::string>{"reset"});
}

TEST_CASE("EventHub: too many decisions on one post of alerts are one reset") {
  const tests::ManualClock clock;
  EventHub hub(clock);
  const auto reader = hub.subscribe(std::nullopt).reader;
  std::vector<control::AuditEntry> post(EventHub::max_at_once, refused_decision());
  hub.publish(post);
  CHECK(types_of(*reader) == std::vector<std::string>(EventHub::max_at_once, "decision"));
  post.push_back(refused_decision());
  hub.publish(post);
  CHECK(types_of(*reader) == std::vector<std::string>{"reset"});
}

TEST_CASE("EventHub: a slow subscriber is disconnected, the others get every event") {
  const tests::ManualClock clock;
  EventHub hub(clock);
  const auto slow = hub.subscribe(std::nullopt).reader;
  const auto quick = hub.subscribe(std::nullopt).reader;
  control::AuditEntry large = refused_decision();
  large.reason = std::string(200'000, 'x');
  std::size_t received = 0;
  for (int i = 0; i < 5; ++i) {
    hub.publish({large});
    received += events_of(*quick).size();
  }
  CHECK(received == 5);
  CHECK_FALSE(slow->take().has_value());
}

TEST_CASE("GET events: a stream that resumes") {
  ApiFixture fixture;
  fixture.events.publish({refused_decision()});
  auto request = get("/api/v1/events", tests::reader_token);
  request.headers.push_back({"Last-Event-ID", "no id of ours"});
  const http::Response response = fixture.api.handle(request);
  CHECK(response.status == 200);
  CHECK(tests::header_of(response, "Content-Type") == "text/event-stream");
  CHECK(types_of(*std::get<std::shared_ptr<StreamReader>>(response.body)) ==
        std::vector<std::string>{"reset"});
}

/// As many as the token gets.
std::vector<http::Response> streams_of(ApiFixture& fixture, const std::string& token) {
  std::vector<http::Response> streams;
  for (;;) {
    auto next = fixture.api.handle(get("/api/v1/events", token));
    if (next.status != 200) {
      CHECK(next.status == 503);
      CHECK(json_of(next)["type"] == "urn:reeve:problem:too_many_listeners");
      return streams;
    }
    streams.push_back(std::move(next));
  }
}

TEST_CASE("GET events: a token has a share of the streams, and the last are for those without") {
  ApiFixture fixture;
  auto ops = streams_of(fixture, tests::ops_token);
  CHECK(ops.size() == EventHub::max_subscribers / 2);
  auto reader = streams_of(fixture, tests::reader_token);
  CHECK(reader.size() == EventHub::max_subscribers / 4);
  CHECK(fixture.api.handle(get("/api/v1/events", tests::web_token)).status == 200);
  ops.pop_back();
  CHECK(streams_of(fixture, tests::ops_token).size() == 1);
}

std::string text_of(const http::Response& response) {
  const auto piece = std::get<std::shared_ptr<StreamReader>>(response.body)->take();
  return piece ? piece->bytes : "";
}

bool is_ended(const http::Response& response) {
  return std::get<std::shared_ptr<StreamReader>>(response.body)->take()->last;
}

TEST_CASE("GET events: a reload ends the streams that it no longer grants, with a word") {
  ApiFixture fixture;
  const auto ops = fixture.api.handle(get("/api/v1/events"));
  const auto reader = fixture.api.handle(get("/api/v1/events", tests::reader_token));
  const auto web = fixture.api.handle(get("/api/v1/events", tests::web_token));
  auto by_certificate = get("/api/v1/events", "");
  by_certificate.client_names = {"DNS:robot.example"};
  const auto robot = fixture.api.handle(by_certificate);
  ControlOptions options = tests::three_tokens();
  options.tokens[1].digest = digest_of("another token of the same name");
  options.tokens[2].allow = {*substrate::Selector::parse("job")};
  options.clients[0].scopes = {Scope::logs};
  fixture.api.configure(options);
  for (const auto* ended : {&reader, &web, &robot}) {
    CHECK(text_of(*ended).find("event: end\ndata: {\"reason\":") != std::string::npos);
    CHECK(is_ended(*ended));
  }
  CHECK_FALSE(is_ended(ops));
  options.tokens[0].scopes = {Scope::control};
  fixture.api.configure(options);
  CHECK(is_ended(ops));
}

TEST_CASE("GET events: a token receives what is about the processes of its allow list") {
  WatchedWorld world;
  const auto web = world.hub.subscribe(
      std::nullopt, [](const guards::Target& target) { return target.name.group == "web"; });
  const auto all = world.hub.subscribe(std::nullopt);
  const std::string begin = field(all.reader->take()->bytes, "id");
  world.supervisord->crash({"job", "job"}, 3);
  world.look();
  world.supervisord->crash({"web", "front"}, 3);
  world.look();
  CHECK(events_of(*all.reader).size() == 2);
  const auto seen = events_of(*web.reader);
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].data["process"]["name"] == "front");
  const auto resumed = world.hub.subscribe(
      id_of(begin), [](const guards::Target& target) { return target.name.group == "job"; });
  const auto missed = events_of(*resumed.reader);
  REQUIRE(missed.size() == 1);
  CHECK(missed[0].data["process"]["name"] == "job");
  control::AuditEntry about_nobody = refused_decision();
  about_nobody.target.reset();
  world.hub.publish({about_nobody});
  CHECK(events_of(*all.reader).size() == 1);
  CHECK(events_of(*web.reader).empty());
}

}  // namespace
}  // namespace reeve::api
