#include "xmlrpc/client.h"

#include <atomic>
#include <cstdlib>

#include <sys/stat.h>
#include <unistd.h>

#include "support/eventually.h"
#include "support/temporary_folder.h"
#include "xmlrpc/client_fixture.h"

namespace reeve::xmlrpc {
namespace {

using namespace std::chrono_literals;

/// Without root's power over permissions while it lives, if the test runs as root.
class Unprivileged {
 public:
  Unprivileged() : is_root_(::geteuid() == 0 && ::seteuid(nobody) == 0) {}
  Unprivileged(const Unprivileged&) = delete;
  Unprivileged& operator=(const Unprivileged&) = delete;
  ~Unprivileged() {
    if (is_root_ && ::seteuid(0) != 0) {
      std::abort();
    }
  }

 private:
  static constexpr uid_t nobody = 65534;
  bool is_root_;
};

TEST_CASE("a call is one request on a connection of its own, in supervisord's spelling") {
  const BadServer server(answers(fixture("200-auth-ok.http")));
  ClientOptions options = options_for(server.url());
  options.username = "alice";
  options.password = base::Secret("open:sesame");
  REQUIRE(Client(options).call(get_state, patient()));
  const std::string request = server.requests().at(0);
  const std::string host = server.url().substr(7, server.url().find("/RPC2") - 7);
  CHECK(request.starts_with(
      "POST /RPC2 HTTP/1.1\r\nHost: " + host +
      "\r\n"
      "Authorization: Basic YWxpY2U6b3BlbjpzZXNhbWU=\r\n"
      "Connection: close\r\nContent-Type: text/xml\r\nContent-Length: 113\r\n\r\n<?xml"));
  CHECK(request.ends_with("</methodCall>\n"));
}

TEST_CASE("an answer is complete when it is, though the peer does not close") {
  const BadServer server(answers_and_stays(fixture("200-http11.http")));
  const auto answer = Client(options_for(server.url())).call(get_state, patient());
  REQUIRE(answer);
  CHECK(*answer->value()->member("statename") == Value("RUNNING"));
}

TEST_CASE("an answer that announces too few bytes is read whole, though the peer does not close") {
  const BadServer server(answers_and_stays(
      fixture("deferred-nonascii-startProcessGroup-content-length-too-small.http")));
  const auto answer = Client(options_for(server.url())).call(get_state, patient());
  REQUIRE(answer);
  CHECK(*answer->value()->as_array()->at(0).member("name") == Value("naïve-日本"));
}

TEST_CASE("the Go reimplementation's chunked answer is read") {
  const BadServer server(
      answers_and_stays("HTTP/1.1 200 OK\r\nContent-Type: text/xml; charset=utf-8\r\n"
                        "Transfer-Encoding: chunked\r\n\r\n"
                        "10\r\n<methodResponse>\r\n"
                        "1f\r\n<params><param><value>3.0</valu\r\n"
                        "24\r\ne></param></params></methodResponse>\r\n0\r\n\r\n"));
  const auto answer = Client(options_for(server.url())).call(get_state, patient());
  REQUIRE(answer);
  CHECK(*answer->value() == Value("3.0"));
}

TEST_CASE("over a unix socket the host is localhost") {
  const tests::TemporaryFolder folder;
  const BadServer server(answers(fixture("200-http11.http")), folder.path() + "/s");
  REQUIRE(Client(options_for(server.url())).call(get_state, patient()));
  CHECK(server.requests().at(0).find("\r\nHost: localhost\r\n") != std::string::npos);
}

TEST_CASE("a missing socket, a forbidden one and one left behind are three different errors") {
  const tests::TemporaryFolder folder;
  const std::string path = folder.path() + "/s";
  CHECK(failure(options_for("unix://" + path)).kind == ErrorKind::socket_missing);
  {
    const BadServer server(answers(fixture("200-http11.http")), path);
    ::chmod(path.c_str(), 0);
    const Unprivileged nobody;
    const base::Error error = failure(options_for(server.url()));
    CHECK(error.kind == ErrorKind::denied);
    CHECK(error.message.find("chmod and chown in [unix_http_server]") != std::string::npos);
  }
  ::chmod(path.c_str(), 0700);
  CHECK(failure(options_for("unix://" + path)).kind == ErrorKind::unreachable);
}

TEST_CASE("a socket whose queue is full is unreachable, not taken for connected") {
  const tests::TemporaryFolder folder;
  const UnacceptedSocket full(folder.path() + "/s");
  const base::Error error = failure(options_for("unix://" + folder.path() + "/s"));
  CHECK(error.kind == ErrorKind::unreachable);
  CHECK(error.message.find("too many connections wait") != std::string::npos);
}

TEST_CASE("where nobody listens the peer is unreachable, by each of its addresses") {
  std::string url;
  { url = BadServer(tests::closes_at_once()).url(); }
  CHECK(failure(options_for(url)).kind == ErrorKind::unreachable);
  url.replace(url.find("127.0.0.1"), 9, "localhost");
  const base::Error error = failure(options_for(url));
  CHECK(error.kind == ErrorKind::unreachable);
  CHECK(error.message.find(url) != std::string::npos);
}

TEST_CASE("a host without an address is unreachable, and not waited for beyond the deadline") {
  const ErrorKind kind = failure(options_for("http://reeve.invalid:9001"), after(200ms)).kind;
  CHECK((kind == ErrorKind::unreachable || kind == ErrorKind::timeout));
}

TEST_CASE("the second address of a host is tried when the first refuses") {
  // localhost is 127.0.0.1, where this server is not, and ::1.
  const Ipv6Listener server;
  if (!server.port()) {
    tests::skip("this machine has no IPv6");
    return;
  }
  const auto kind =
      failure(options_for("http://localhost:" + std::to_string(*server.port())), after(200ms)).kind;
  CHECK(kind == ErrorKind::timeout);  // connected, and nobody answers
}

TEST_CASE("no credentials, wrong ones, a wrong path and a fault are told apart") {
  ClientOptions options;
  const auto error_after = [&](const std::string& bytes) {
    const BadServer server(answers_and_stays(bytes));
    options.endpoint = options_for(server.url()).endpoint;
    return failure(options);
  };
  const base::Error without = error_after(fixture("401.http"));
  CHECK(without.kind == ErrorKind::denied);
  CHECK(without.message.find("wants a user name and a password") != std::string::npos);
  options.username = "alice";
  const base::Error wrong = error_after(fixture("401.http"));
  CHECK(wrong.kind == ErrorKind::denied);
  CHECK(wrong.message.find("refuses the user name or the password") != std::string::npos);
  for (const char* name : {"404-get.http", "400-post-wrong-path.http"}) {
    const base::Error path = error_after(fixture(name));
    CHECK(path.kind == ErrorKind::not_found);
    CHECK(path.message.find("does the URL end in /RPC2?") != std::string::npos);
  }
  CHECK(error_after(fixture("500-log-not-utf8.http")).kind == ErrorKind::fault);
  CHECK(error_after(fixture("411-no-content-length.http")).kind == ErrorKind::fault);
  CHECK(error_after("HTTP/1.1 502 Bad Gateway\r\n\r\n").kind == ErrorKind::unreachable);
  const base::Error redirect =
      error_after("HTTP/1.1 301 Moved\r\nLocation: https://elsewhere/\r\n\r\n");
  CHECK(redirect.kind == ErrorKind::not_found);
  CHECK(redirect.message.find("https://elsewhere/") != std::string::npos);
}

TEST_CASE("a fault of supervisord is an answer, not an error") {
  const BadServer server(answers(http_ok(fixture("fault-BAD_NAME.xml"))));
  const auto answer = Client(options_for(server.url())).call(get_state, patient());
  REQUIRE(answer);
  CHECK(answer->fault()->code == 10);
}

TEST_CASE("parallel calls are under way at once, and their answers come in the calls' order") {
  std::atomic<int> arrived = 0;
  const BadServer server([&](tests::BadConnection& connection) {
    connection.read_request();
    ++arrived;
    if (tests::eventually(10s, [&] { return arrived == 3; })) {
      connection.send(http_ok(fixture("getState.xml")));
    }
  });
  Client client(options_for(server.url()));
  const auto answers =
      client.call_parallel({get_state, get_state, {"bad\x1b", {}}, get_state}, patient());
  REQUIRE(answers.size() == 4);
  CHECK(answers[0]);
  CHECK(answers[1]);
  CHECK(answers[2].error().kind == ErrorKind::invalid_argument);
  CHECK(answers[3]);
}

TEST_CASE("a stream hands on raw bytes until its consumer has enough") {
  const BadServer server(answers_and_stays(fixture("logtail-nul-chunked.http")));
  std::string seen;
  const auto streamed = Client(options_for(server.url()))
                            .stream(
                                "/logtail/a%20b/stdout",
                                [&](std::string_view bytes) {
                                  seen += bytes;
                                  return false;
                                },
                                patient());
  CHECK(streamed);
  CHECK(seen == std::string("before\0after\nnext line\n", 23));
  CHECK(server.requests().at(0).starts_with("GET /logtail/a%20b/stdout HTTP/1.1\r\nHost: "));
  // supervisord would hold the bytes back until there are 64 KiB.
  CHECK(server.requests().at(0).find("Connection: close") == std::string::npos);
}

TEST_CASE("a stream that nothing is written to ends with its deadline") {
  const BadServer server(answers_and_stays(fixture("logtail-nul-chunked.http")));
  const auto streamed = Client(options_for(server.url()))
                            .stream(
                                "/logtail/a", [](std::string_view) { return true; }, after(100ms));
  REQUIRE_FALSE(streamed);
  CHECK(streamed.error().kind == ErrorKind::timeout);
}

TEST_CASE("a stream of what is not there is not found, and a path with blanks is not sent") {
  const BadServer server(answers(fixture("404-get.http")));
  Client client(options_for(server.url()));
  const auto consumer = [](std::string_view) { return true; };
  CHECK(client.stream("/logtail/a", consumer, patient()).error().kind == ErrorKind::not_found);
  CHECK(client.stream("/a b", consumer, patient()).error().kind == ErrorKind::invalid_argument);
  CHECK(client.stream("/a\r\nX: y", consumer, patient()).error().kind ==
        ErrorKind::invalid_argument);
  CHECK(server.requests().size() == 1);
}

}  // namespace
}  // namespace reeve::xmlrpc
