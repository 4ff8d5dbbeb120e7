#include "api/desk.h"
#include "support/catch.h"

namespace reeve::api {
namespace {

using tests::Desk;
using tests::get;
using tests::json_of;

std::vector<std::string> names_of(const http::Response& response) {
  std::vector<std::string> names;
  for (const auto& process : json_of(response)) {
    names.push_back(process["group"].get<std::string>() + ":" + process["name"].get<std::string>());
  }
  return names;
}

TEST_CASE("supervisords are listed with what is known of them") {
  Desk desk;
  const auto list = json_of(desk.api.handle(get("/api/v1/supervisors")));
  REQUIRE(list.size() == 1);
  CHECK(list[0]["name"].is_null());
  CHECK(list[0]["url"] == "http://localhost:9001/RPC2");
  CHECK(list[0]["up"] == true);
}

TEST_CASE("processes are listed in order, all or by group, state and supervisord") {
  Desk desk;
  using Names = std::vector<std::string>;
  CHECK(names_of(desk.api.handle(get("/api/v1/processes"))) ==
        Names{"job:job", "web:back", "web:front"});
  CHECK(names_of(desk.api.handle(get("/api/v1/processes?group=web"))) ==
        Names{"web:back", "web:front"});
  CHECK(names_of(desk.api.handle(get("/api/v1/processes?state=RUNNING&group=job"))) ==
        Names{"job:job"});
  CHECK(names_of(desk.api.handle(get("/api/v1/processes?state=FATAL"))).empty());
  CHECK(names_of(desk.api.handle(get("/api/v1/processes?supervisor="))).size() == 3);
}

TEST_CASE("a filter that cannot match is an error, not an empty list") {
  Desk desk;
  CHECK(desk.api.handle(get("/api/v1/processes?state=running")).status == 400);
  CHECK(desk.api.handle(get("/api/v1/processes?supervisor=nobody")).status == 404);
  CHECK(desk.api.handle(get("/api/v1/processes?group=%zz")).status == 400);
}

TEST_CASE("a process is shown under group:name, or its bare name where both are equal") {
  Desk desk;
  for (const char* path : {"/api/v1/processes/job", "/api/v1/processes/job:job",
                           "/api/v1/processes/job%3ajob", "/api/v1/processes/%6Aob"}) {
    const auto response = desk.api.handle(get(path));
    CHECK(response.status == 200);
    CHECK(json_of(response)["name"] == "job");
  }
  CHECK(json_of(desk.api.handle(get("/api/v1/processes/web:front")))["state"] == "RUNNING");
}

TEST_CASE("names that lead astray lead nowhere") {
  Desk desk;
  for (const char* name :
       {"front", "web", "nobody", "%2e%2e", "..", "web:*", "*", "job%00", "%00", "job%2f", "JOB",
        "web:front%20", "%2e%2e%2fsupervisors", "job?", "j%6fb%0a"}) {
    CAPTURE(name);
    CHECK(desk.api.handle(get("/api/v1/processes/" + std::string(name))).status ==
          (std::string(name) == "job?" ? 200 : 404));
  }
  for (const char* name : {"a:b:c", ":", "web:", ":front", "%", "%4", "%gg"}) {
    CAPTURE(name);
    CHECK(desk.api.handle(get("/api/v1/processes/" + std::string(name))).status == 400);
  }
  CHECK(desk.api.handle(get("/api/v1/processes/" + std::string(5'000, 'x'))).status == 400);
  for (const char* path : {"/api/v1/processes/", "/api/v1/processes//", "/api/v1//processes",
                           "//api/v1/processes", "/api/v1/processes/../supervisors",
                           "/api/v1/processes/job/", "/api/v1/processes/job/restart/x", "/", ""}) {
    CAPTURE(path);
    CHECK(desk.api.handle(get(path)).status == 404);
  }
}

TEST_CASE("where several supervisords are configured it must be said which one is meant") {
  Desk desk;
  desk.add_second_supervisor();
  const auto response = desk.api.handle(get("/api/v1/processes/job"));
  CHECK(response.status == 400);
  CHECK(json_of(response)["detail"] ==
        "several supervisords are configured: add ?supervisor= and one of one, two");
  CHECK(desk.api.handle(get("/api/v1/processes/job?supervisor=one")).status == 200);
  CHECK(desk.api.handle(get("/api/v1/processes/job?supervisor=three")).status == 404);
}

TEST_CASE("while a supervisord is away its processes are shown without any present") {
  Desk desk;
  desk.add_second_supervisor();
  const auto away = json_of(desk.api.handle(get("/api/v1/processes/job?supervisor=two")));
  for (const char* member :
       {"state", "state_code", "pid", "description", "now", "uptime_seconds"}) {
    CHECK(away[member].is_null());
  }
  CHECK_FALSE(away["start_time"].is_null());
  CHECK(names_of(desk.api.handle(get("/api/v1/processes?supervisor=two"))).size() == 3);
  CHECK(names_of(desk.api.handle(get("/api/v1/processes?supervisor=two&state=RUNNING"))).empty());
}

TEST_CASE("a process that a supervisord out of reach may have is unavailable, not absent") {
  Desk desk;
  desk.add_second_supervisor();
  const auto response = desk.api.handle(get("/api/v1/processes/new?supervisor=two"));
  CHECK(response.status == 503);
  CHECK(json_of(response)["detail"] ==
        "supervisord at http://localhost:9001/RPC2 cannot be read: connection refused");
}

TEST_CASE("reading changes nothing") {
  Desk desk;
  const auto before = desk.world.supervisord->calls().size();
  for (const char* path : {"/api/v1/supervisors", "/api/v1/processes", "/api/v1/processes/job",
                           "/api/v1/operations", "/api/v1/operations/1", "/-/healthy"}) {
    (void)desk.api.handle(get(path));
  }
  CHECK(desk.world.supervisord->calls().size() == before);
  CHECK(desk.world.controller.list().empty());
}

}  // namespace
}  // namespace reeve::api
