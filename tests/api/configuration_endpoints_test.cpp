#include <string>

#include "api/api_fixture.h"
#include "support/catch.h"

namespace reeve::api {
namespace {

using tests::ApiFixture;
using tests::awaited;
using tests::get;
using tests::json_of;
using tests::post;

const std::string changes = "/api/v1/configuration/changes";
const std::string update = "/api/v1/configuration/update";

void configure_fresh(ApiFixture& fixture) {
  tests::FakeProgram fresh;
  fresh.name = {"fresh", "fresh"};
  fixture.world.supervisord->configure(fresh);
  fixture.world.supervisord->unconfigure("web");
}

TEST_CASE("GET configuration changes: what a reread finds, and nothing is applied") {
  ApiFixture fixture;
  configure_fresh(fixture);
  CHECK(tests::body_of(fixture.api.handle(get(changes))) ==
        R"({"added":["fresh"],"changed":[],"removed":["web"]})");
  CHECK(tests::body_of(fixture.api.handle(get(changes, tests::web_token))) ==
        R"({"added":[],"changed":[],"removed":["web"]})");
  CHECK(fixture.api.handle(get(changes, tests::reader_token)).status == 403);
  CHECK(fixture.world.supervisord->count(tests::Operation::add_group) == 0);
  CHECK(fixture.api.handle(get(changes + "?supervisor=nobody")).status == 404);
}

TEST_CASE("POST configuration update: an operation, guarded by the token's allow list") {
  ApiFixture fixture;
  configure_fresh(fixture);
  CHECK(fixture.api.handle(post(update, "", tests::reader_token)).status == 403);
  CHECK(fixture.api.handle(post(update, "", tests::web_token)).status == 403);
  CHECK(fixture.world.controller.list().empty());
  const auto accepted =
      fixture.api.handle(post(update, R"({"groups":["web"],"reason":"gone"})", tests::web_token));
  CHECK(accepted.status == 202);
  const auto operation = json_of(accepted);
  CHECK(operation["action"].get<std::string>() == "update");
  CHECK(operation["processes"].dump() == R"(["web:*"])");
  CHECK(operation["reason"].get<std::string>() == "gone");
  while (fixture.world.controller.run_next()) {
  }
  const auto done = json_of(fixture.api.handle(
      get("/api/v1/operations/" + operation["id"].get<std::string>(), tests::web_token)));
  CHECK(done["result"].get<std::string>() == "succeeded");
  CHECK(done["members"].size() == 1);
}

TEST_CASE("POST configuration update: what is malformed says which member") {
  ApiFixture fixture;
  for (const auto& [body, status] :
       {std::pair(R"({"groups":[]})", 422), std::pair(R"({"groups":"web"})", 422),
        std::pair(R"({"group":"web"})", 400), std::pair(R"({"supervisor":"nobody"})", 404),
        std::pair(R"({"groups":["nobody"]})", 404)}) {
    CAPTURE(body);
    CHECK(awaited(fixture.api.handle(post(update, body))).status == status);
  }
  fixture.add_second_supervisor();
  CHECK(fixture.api.handle(get(changes)).status == 400);
}

}  // namespace
}  // namespace reeve::api
