#include "http/client.h"

#include "reeve/base/clock.h"
#include "support/catch.h"
#include "support/temporary_folder.h"

namespace reeve::http {
namespace {

using namespace std::chrono_literals;

base::Endpoint unix_socket(const std::string& path) {
  base::Endpoint endpoint;
  endpoint.scheme = base::Endpoint::Scheme::unix_socket;
  endpoint.socket_path = path;
  return endpoint;
}

TEST_CASE("Client: a hint is added to the error of connecting that it belongs to") {
  const tests::TemporaryFolder folder;
  const base::SystemClock clock;
  Client client(unix_socket(folder.path() + "/none"), {.socket_missing = "start the server"});
  const auto response = client.send({.method = "GET", .path = "/", .headers = {}, .body = ""},
                                    {.body_bytes = 100}, base::Deadline::after(clock, 5s));
  REQUIRE_FALSE(response);
  CHECK(response.error().kind == base::ErrorKind::socket_missing);
  CHECK(response.error().message ==
        "there is no socket " + folder.path() + "/none: start the server");
}

TEST_CASE("Client: a line break in the head of a request is refused, and others are sent") {
  const tests::TemporaryFolder folder;
  const base::SystemClock clock;
  Client client(unix_socket(folder.path() + "/none"));
  const ClientRequest good{.method = "GET", .path = "/", .headers = {}, .body = ""};
  ClientRequest bad_header = good;
  bad_header.headers.push_back({"Authorization", "x\r\nHost: elsewhere"});
  ClientRequest bad_path = good;
  bad_path.path = "/ HTTP/1.1";
  const auto responses = client.send_all({bad_header, bad_path, good}, {.body_bytes = 100},
                                         base::Deadline::after(clock, 5s));
  REQUIRE(responses.size() == 3);
  CHECK(responses[0].error().kind == base::ErrorKind::invalid_argument);
  CHECK(responses[1].error().kind == base::ErrorKind::invalid_argument);
  CHECK(responses[2].error().kind == base::ErrorKind::socket_missing);
}

}  // namespace
}  // namespace reeve::http
