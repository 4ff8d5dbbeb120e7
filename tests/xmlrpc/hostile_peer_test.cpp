#include <filesystem>
#include <thread>

#include "support/eventually.h"
#include "xmlrpc/client_fixture.h"

namespace reeve::xmlrpc {
namespace {

using namespace std::chrono_literals;

ErrorKind kind_against(BadServer::Script script, const base::Deadline& deadline = patient()) {
  const BadServer server(std::move(script));
  return failure(options_for(server.url()), deadline).kind;
}

std::size_t entries(const char* folder) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) {
    ++count;
  }
  return count;
}

TEST_CASE("a peer that never answers is given up at the deadline") {
  CHECK(kind_against(tests::stays_silent(), after(100ms)) == ErrorKind::timeout);
}

TEST_CASE("a peer that drips is given up at the deadline, in the header and in the body") {
  CHECK(kind_against(tests::drips("HTTP/1.1 200 OK\r\nX: " + std::string(9000, 'x')),
                     after(100ms)) == ErrorKind::timeout);
  CHECK(kind_against(tests::drips(http_ok(std::string(9000, ' '))), after(200ms)) ==
        ErrorKind::timeout);
}

TEST_CASE("a peer that drips and ends in time is read") {
  const BadServer server(tests::drips(fixture("200-http11.http")));
  CHECK(Client(options_for(server.url())).call(get_state, patient()));
}

TEST_CASE("a peer that announces more than it sends is given up at the deadline") {
  CHECK(kind_against(answers_and_stays("HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n" +
                                       fixture("getState.xml")),
                     after(100ms)) == ErrorKind::timeout);
}

TEST_CASE("a connection closed before, or in the middle of, the answer is unreachable") {
  const std::string whole = fixture("200-http11.http");
  CHECK(kind_against(tests::closes_at_once()) == ErrorKind::unreachable);
  CHECK(kind_against(answers("")) == ErrorKind::unreachable);
  CHECK(kind_against(answers(whole.substr(0, 50))) == ErrorKind::unreachable);
  CHECK(kind_against(answers(whole.substr(0, 300))) == ErrorKind::unreachable);
  CHECK(kind_against(tests::resets(whole.substr(0, 300))) == ErrorKind::unreachable);
}

TEST_CASE("a truncated answer whose length is not announced is malformed") {
  CHECK(kind_against(answers("HTTP/1.0 200 OK\r\n\r\n" + fixture("getState.xml").substr(0, 200))) ==
        ErrorKind::malformed);
}

TEST_CASE("a web page where an answer should be is malformed, and shown") {
  const BadServer server(answers_and_stays(http_ok("<html><body>It works!</body></html>")));
  const base::Error error = failure(options_for(server.url()));
  CHECK(error.kind == ErrorKind::malformed);
  CHECK(error.message == server.url() +
                             ": not an XML-RPC answer: it begins with "
                             "'<html><body>It works!</body></html>'");
}

TEST_CASE("a peer that speaks another protocol is malformed") {
  CHECK(kind_against(answers_and_stays("SSH-2.0-OpenSSH_9.2p1\r\n")) == ErrorKind::malformed);
}

TEST_CASE("an answer beyond the bound is refused, announced or not") {
  constexpr std::size_t size = std::size_t{200} * 1024 * 1024;
  CHECK(kind_against(tests::floods(
            "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n", size)) ==
        ErrorKind::malformed);
  CHECK(kind_against(tests::floods("HTTP/1.1 200 OK\r\n\r\n", size)) == ErrorKind::malformed);
}

TEST_CASE("a flood of header is refused after sixteen kilobytes") {
  constexpr std::size_t size = std::size_t{200} * 1024 * 1024;
  CHECK(kind_against(tests::floods("HTTP/1.1 200 ", size)) == ErrorKind::malformed);
  CHECK(kind_against(tests::floods("HTTP/1.1 200 OK\r\nX: ", size)) == ErrorKind::malformed);
}

TEST_CASE("a NUL in the answer reaches the caller") {
  const BadServer server(answers(http_ok(fixture("tail-with-nul.xml"))));
  const auto answer = Client(options_for(server.url())).call(get_state, patient());
  REQUIRE(answer);
  CHECK(answer->value()->as_array()->at(0) == Value(std::string("before\0after\nnext line\n", 23)));
}

TEST_CASE("a refusal that comes before the request was read reaches the caller") {
  const BadServer server([](tests::BadConnection& connection) {
    connection.send(fixture("401.http"));
    connection.wait_until_closed();
  });
  CHECK(failure(options_for(server.url())).kind == ErrorKind::denied);
}

TEST_CASE("a stop from another thread ends a call that hangs") {
  const BadServer server(tests::stays_silent());
  std::stop_source stop;
  ErrorKind kind = ErrorKind::internal;
  {
    const std::jthread caller(
        [&] { kind = failure(options_for(server.url()), after(1h, stop.get_token())).kind; });
    CHECK(tests::eventually(10s, [&] { return server.requests().size() == 1; }));
    stop.request_stop();
  }
  CHECK(kind == ErrorKind::cancelled);
}

TEST_CASE("a stop that came before the call ends it at once") {
  const BadServer server(tests::stays_silent());
  std::stop_source stop;
  stop.request_stop();
  for (const std::string& url : {std::string("http://reeve.invalid:1"), server.url()}) {
    CHECK(failure(options_for(url), after(1h, stop.get_token())).kind == ErrorKind::cancelled);
  }
}

TEST_CASE("a thousand calls that fail leave no descriptor and no thread behind") {
  const BadServer silent(tests::stays_silent());
  const BadServer cutting(tests::closes_at_once());
  std::string refusing;
  { refusing = BadServer(tests::closes_at_once()).url(); }
  const std::size_t descriptors = entries("/proc/self/fd");
  const std::size_t threads = entries("/proc/self/task");
  for (int i = 0; i < 500; ++i) {
    CHECK(failure(options_for(refusing)).kind == ErrorKind::unreachable);
    CHECK(failure(options_for(cutting.url())).kind == ErrorKind::unreachable);
  }
  for (int i = 0; i < 100; ++i) {
    CHECK(failure(options_for(silent.url()), after(1ms)).kind == ErrorKind::timeout);
  }
  CHECK(tests::eventually(10s, [&] { return entries("/proc/self/fd") <= descriptors; }));
  CHECK(tests::eventually(10s, [&] { return entries("/proc/self/task") <= threads; }));
}

}  // namespace
}  // namespace reeve::xmlrpc
