// The server as well-behaved clients see it: cpp-httplib, and a raw one to look at the bytes.

#include "http/server.h"

#include <httplib.h>

#include "http/raw_client.h"
#include "http/running_server.h"

namespace reeve::http {
namespace {

using namespace std::chrono_literals;

Response echo(const Request& request) {
  Response response = text_response(request.path + "?" + request.query + "\n" + request.body);
  response.headers = {{"Content-Type", "text/plain"}, {"X-Peer", request.peer}};
  return response;
}

TEST_CASE("Server: an ordinary client gets its answer, again and again on one connection") {
  const RunningServer server(on_loopback(), echo);
  httplib::Client client("127.0.0.1", server.port());
  client.set_keep_alive(true);
  for (int i = 0; i < 10; ++i) {
    const auto answer = client.Get("/a?b=c");
    REQUIRE(answer);
    CHECK(answer->status == 200);
    CHECK(answer->body == "/a?b=c\n");
    CHECK(answer->get_header_value("Content-Type") == "text/plain");
    CHECK(answer->get_header_value("X-Peer") == "127.0.0.1");
  }
  const auto posted = client.Post("/p", std::string(100'000, 'x'), "text/plain");
  REQUIRE(posted);
  CHECK(posted->body == "/p?\n" + std::string(100'000, 'x'));
  CHECK(server->stats().accepted_connections == 1);
  CHECK(server->stats().open_connections == 1);
}

TEST_CASE("Server: HEAD is answered with the length of GET and no body") {
  const RunningServer server(on_loopback(), echo);
  const RawClient client(server.port());
  client.send("HEAD /a HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n");
  const std::string answer = client.receive_all();
  CHECK(answer.find("Content-Length: 4\r\n") != std::string::npos);
  CHECK(answer.ends_with("\r\n\r\n"));
}

TEST_CASE("Server: shared segments arrive in order, however large") {
  const auto first = std::make_shared<const std::string>(3'000'000, 'a');
  const auto second = std::make_shared<const std::string>("b");
  const RunningServer server(on_loopback(), [=](const Request&) {
    Response response;
    response.body = std::vector<SharedBytes>{first, second, first};
    return response;
  });
  httplib::Client client("127.0.0.1", server.port());
  const auto answer = client.Get("/");
  REQUIRE(answer);
  CHECK(answer->body == *first + *second + *first);
}

TEST_CASE("Server: a chunked body is decoded") {
  const RunningServer server(on_loopback(), echo);
  httplib::Client client("127.0.0.1", server.port());
  const auto answer = client.Post(
      "/c",
      [sent = 0](std::size_t, httplib::DataSink& sink) mutable {
        sink.write("chunk;", 6);
        if (++sent == 1000) {
          sink.done();
        }
        return true;
      },
      "text/plain");
  REQUIRE(answer);
  CHECK(answer->body.size() == std::string("/c?\n").size() + 6000);
}

TEST_CASE("Server: a client that expects a 100 gets it, or a refusal") {
  ListenerOptions options = on_loopback();
  options.max_body_bytes = 10;
  const RunningServer server(options, echo);
  const std::string head = "POST / HTTP/1.1\r\nHost: here\r\nExpect: 100-continue\r\n";
  const RawClient client(server.port());
  client.send(head + "Content-Length: 2\r\n\r\n");
  CHECK(client.receive_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("ab");
  CHECK(client.receive_until("\nab").starts_with("HTTP/1.1 200 OK\r\n"));
  client.send(head + "Content-Length: 11\r\n\r\n");
  CHECK(client.receive_all().starts_with("HTTP/1.1 413 "));
}

TEST_CASE("Server: requests sent at once are answered one after the other") {
  const RunningServer server(on_loopback(), echo);
  const RawClient client(server.port());
  client.send(
      "POST /1 HTTP/1.1\r\nHost: here\r\nContent-Length: 1\r\n\r\nx"
      "GET /2 HTTP/1.1\r\nHost: here\r\n\r\n"
      "GET /3 HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"
      "GET /4 HTTP/1.1\r\nHost: here\r\n\r\n");
  const std::string answers = client.receive_all();
  const std::size_t second = answers.find("/2?");
  CHECK(answers.find("/1?\nx") < second);
  CHECK(second < answers.find("/3?"));
  CHECK(answers.find("/4?") == std::string::npos);
}

TEST_CASE("Server: HTTP/1.0 gets its answer and the end") {
  const RunningServer server(on_loopback(), echo);
  const RawClient client(server.port());
  client.send("GET /old HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const std::string answer = client.receive_all();
  CHECK(answer.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(answer.find("Connection: close\r\n") != std::string::npos);
  CHECK(answer.ends_with("/old?\n"));
}

TEST_CASE("Server: a client that ends its side after the request still gets the answer") {
  const RunningServer server(on_loopback(), echo);
  const RawClient client(server.port());
  client.send("GET /half HTTP/1.1\r\nHost: here\r\n\r\n");
  client.send_end();
  CHECK(client.receive_all().ends_with("/half?\n"));
}

TEST_CASE("Server: a handler's exception is a 500 whose text is in the log alone") {
  const RunningServer server(on_loopback(), [](const Request& request) -> Response {
    if (request.path == "/throw") {
      throw std::runtime_error("the secret plan");
    }
    return text_response("fine");
  });
  const RawClient client(server.port());
  const std::string answer = client.get("/throw", "\n");
  CHECK(answer.starts_with("HTTP/1.1 500 Internal Server Error\r\n"));
  CHECK(answer.find("secret") == std::string::npos);
  CHECK(client.receive_all().empty());
  const auto entries = server.log().entries();
  REQUIRE(entries.size() == 1);
  CHECK(entries[0].level == base::LogLevel::error);
  CHECK(entries[0].fields.back() == base::LogField{"reason", "the secret plan"});
  CHECK(RawClient(server.port()).get("/", "fine").ends_with("fine"));
}

TEST_CASE("Server: every address means IPv4 and IPv6") {
  ListenerOptions options = on_loopback();
  options.address = {"", 0, ""};
  const RunningServer server(options, echo);
  for (const char* host : {"127.0.0.1", "::1"}) {
    CAPTURE(host);
    httplib::Client client(host, server.port());
    const auto answer = client.Get("/");
    REQUIRE(answer);
    CHECK(answer->get_header_value("X-Peer") == host);
  }
}

}  // namespace
}  // namespace reeve::http
