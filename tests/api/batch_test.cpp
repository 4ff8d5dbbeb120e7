#include <string>
#include <vector>

#include "api/api_fixture.h"
#include "support/catch.h"

namespace reeve::api {
namespace {

using substrate::InstanceState;
using tests::ApiFixture;
using tests::awaited;
using tests::get;
using tests::json_of;
using tests::post;

const std::string actions = "/api/v1/actions";

int status_of(ApiFixture& fixture, const std::string& body,
              const std::string& token = tests::ops_token) {
  return awaited(fixture.api.handle(post(actions, body, token))).status;
}

TEST_CASE("POST actions: several processes are one operation, with a member for each") {
  ApiFixture fixture;
  const auto response = fixture.api.handle(
      post(actions, R"({"action":"restart","processes":["web:front","job"],"reason":"why"})"));
  CHECK(response.status == 202);
  const auto queued = json_of(response);
  CHECK(queued["group"].is_null());
  CHECK(queued["name"].is_null());
  CHECK(queued["processes"].dump() == R"(["web:front","job:job"])");
  CHECK(queued["members"].empty());
  while (fixture.world.controller.run_next()) {
  }
  const auto done =
      json_of(fixture.api.handle(get("/api/v1/operations/" + queued["id"].get<std::string>())));
  CHECK(done["result"].get<std::string>() == "succeeded");
  REQUIRE(done["members"].size() == 2);
  for (const auto& id : done["members"]) {
    const auto member =
        json_of(fixture.api.handle(get("/api/v1/operations/" + id.get<std::string>())));
    CHECK(member["result"].get<std::string>() == "succeeded");
    CHECK(member["reason"].get<std::string>() == "why");
    CHECK(member["processes"].is_null());
  }
}

TEST_CASE("POST actions: what is malformed says which member") {
  ApiFixture fixture;
  for (const auto& [body, status] : {
           std::pair(R"({"action":"start"})", 422),
           std::pair(R"({"processes":["job"]})", 422),
           std::pair(R"({"action":"start","processes":[]})", 422),
           std::pair(R"({"action":"start","processes":"job"})", 422),
           std::pair(R"({"action":"start","processes":[7]})", 422),
           std::pair(R"({"action":"signal","processes":["job"]})", 422),
           std::pair(R"({"action":"start","processes":["job","job:job"]})", 422),
           std::pair(R"({"action":"start","processes":["a:b:c"]})", 422),
           std::pair(R"({"action":"start","processes":["job"],"signal":"HUP"})", 400),
           std::pair(R"({"action":"start","processes":["nobody"]})", 404),
           std::pair(R"({"action":"start","processes":["web:*"]})", 422),
       }) {
    CAPTURE(body);
    CHECK(status_of(fixture, body) == status);
  }
  std::string many = R"({"action":"start","processes":["a")";
  for (int i = 0; i < 500; ++i) {
    many += ",\"p" + std::to_string(i) + "\"";
  }
  CHECK(status_of(fixture, many + "]}") == 422);
  CHECK(fixture.world.controller.list().empty());
}

TEST_CASE("POST actions: each process must be allowed, or nothing is done") {
  ApiFixture fixture;
  const std::string body = R"({"action":"stop","processes":["web:front","job"]})";
  CHECK(status_of(fixture, body, tests::web_token) == 403);
  CHECK(status_of(fixture, R"({"action":"stop","processes":["web:front"]})", tests::web_token) ==
        202);
  CHECK(status_of(fixture, body, tests::reader_token) == 403);
  CHECK(fixture.world.controller.list().size() == 1);
}

TEST_CASE("POST actions: a batch and what is on one of its processes exclude each other") {
  ApiFixture fixture;
  CHECK(status_of(fixture, R"({"action":"stop","processes":["web:front","job"]})") == 202);
  CHECK(awaited(fixture.api.handle(post("/api/v1/processes/job/restart"))).status == 409);
  CHECK(awaited(fixture.api.handle(post("/api/v1/groups/web/restart"))).status == 409);
  CHECK(status_of(fixture, R"({"action":"stop","processes":["job","web:back"]})") == 409);
  CHECK(status_of(fixture, R"({"action":"stop","processes":["web:back"]})") == 202);
}

TEST_CASE("POST actions: a key makes a repeated batch the same, another one is refused") {
  ApiFixture fixture;
  const auto send = [&](const std::string& body) {
    http::Request request = post(actions, body);
    request.headers.push_back({"Idempotency-Key", "k"});
    return fixture.api.handle(request);
  };
  const auto first = send(R"({"action":"stop","processes":["job"]})");
  CHECK(json_of(send(R"({"action":"stop","processes":["job"]})")) == json_of(first));
  CHECK(send(R"({"action":"stop","processes":["web:back"]})").status == 422);
  CHECK(fixture.world.controller.list().size() == 1);
}

TEST_CASE("POST actions: a dry run says whether anything would change, and does nothing") {
  ApiFixture fixture;
  const auto would = [&](const char* action) {
    const auto body = std::string(R"({"dry_run":true,"processes":["job","web:back"],"action":")") +
                      action + "\"}";
    return json_of(fixture.api.handle(post(actions, body)))["changed"].get<bool>();
  };
  CHECK(would("stop"));
  CHECK_FALSE(would("start"));
  CHECK(fixture.world.controller.list().empty());
}

TEST_CASE("GET operations: who may not read of all that a batch is on does not see it") {
  ApiFixture fixture;
  CHECK(status_of(fixture, R"({"action":"stop","processes":["web:front","job"]})") == 202);
  CHECK(status_of(fixture, R"({"action":"stop","processes":["web:back"]})") == 202);
  const auto seen = json_of(fixture.api.handle(get("/api/v1/operations", tests::web_token)));
  REQUIRE(seen.size() == 1);
  CHECK(seen[0]["processes"].dump() == R"(["web:back"])");
  const std::string hidden = fixture.world.controller.list().front().id;
  CHECK(fixture.api.handle(get("/api/v1/operations/" + hidden, tests::web_token)).status == 404);
}

}  // namespace
}  // namespace reeve::api
