#include "promql/client.h"

#include "support/bad_server.h"
#include "support/catch.h"

namespace reeve::promql {
namespace {

using base::ErrorKind;
using namespace std::chrono_literals;
using tests::BadServer;

std::string with_status(const std::string& status, const std::string& body) {
  return "HTTP/1.1 " + status +
         "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

std::string vector_of(const std::string& samples) {
  return R"({"status":"success","data":{"resultType":"vector","result":[)" + samples + "]}}";
}

Query query_of(const std::string& text, base::Duration timeout = 1min) {
  Query query;
  query.text = text;
  query.timeout = timeout;
  return query;
}

base::Result<bool> ask(const BadServer& server, Query query) {
  const base::SystemClock clock;
  Client client;
  const std::string path = query.server.path;
  query.server = *base::Endpoint::parse(server.url(), "/");
  query.server.path = path;
  return client.has_result(query, base::Deadline::after(clock, 1min));
}

base::Result<bool> ask(const std::string& body, const std::string& status = "200 OK") {
  const BadServer server(tests::answers(with_status(status, body)));
  return ask(server, query_of("up == 1"));
}

TEST_CASE("promql: a result is one that is not empty") {
  CHECK(ask(vector_of(R"({"metric":{},"value":[1,"1"]})")) == true);
  CHECK(ask(vector_of("")) == false);
}

TEST_CASE("promql: what is no vector, no answer of Prometheus or no success is an error") {
  const auto kind = [](const std::string& body, const std::string& status = "200 OK") {
    const auto asked = ask(body, status);
    return asked ? "none" : std::string(to_string(asked.error().kind));
  };
  CHECK(kind(R"({"status":"success","data":{"resultType":"scalar","result":[1,"0"]}})") ==
        "malformed");
  CHECK(kind(R"({"status":"error","data":{"resultType":"vector","result":[1]}})") == "malformed");
  CHECK(kind(R"({"status":"success","data":{"resultType":"vector","result":7}})") == "malformed");
  CHECK(kind(R"({"status":"success","data":[]})") == "malformed");
  CHECK(kind("<html>") == "malformed");
  CHECK(kind("[]") == "malformed");
  CHECK(kind("") == "malformed");
  CHECK(kind(vector_of(std::string(1000, '[') + std::string(1000, ']'))) == "malformed");
  CHECK(kind(vector_of("\"" + std::string(2'000'000, 'x') + "\"")) == "malformed");
  CHECK(kind("{}", "400 Bad Request") == "fault");
  CHECK(kind("{}", "503 Service Unavailable") == "fault");
  CHECK(kind("", "302 Found") == "fault");
  CHECK(kind("", "401 Unauthorized") == "denied");
}

TEST_CASE("promql: the query is encoded, below the server's path, with a login") {
  const BadServer server(tests::answers(with_status("200 OK", vector_of(""))));
  Query query = query_of("sum(up{job=\"a b\"}) > 7");
  query.server.path = "/prefix/";
  query.username = "reeve";
  query.password = base::Secret("secret");
  CHECK(ask(server, query) == false);
  const std::string request = server.requests().front();
  CHECK(request.starts_with(
      "GET /prefix/api/v1/query?query=sum%28up%7Bjob%3D%22a%20b%22%7D%29%20%3E%207 HTTP/1.1\r\n"));
  CHECK(request.find("Authorization: Basic cmVldmU6c2VjcmV0\r\n") != std::string::npos);
}

TEST_CASE("promql: the timeout bounds all of it, whatever the server does") {
  const std::string slow = with_status("200 OK", vector_of("") + std::string(10'000, ' '));
  for (const auto& script : {tests::stays_silent(), tests::drips(slow)}) {
    const BadServer server(script);
    const auto asked = ask(server, query_of("up", 200ms));
    REQUIRE_FALSE(asked);
    CHECK(asked.error().kind == ErrorKind::timeout);
  }
}

}  // namespace
}  // namespace reeve::promql
