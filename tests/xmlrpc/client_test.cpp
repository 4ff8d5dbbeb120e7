#include "xmlrpc/client.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <httplib.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "reeve/base/deadline.h"
#include "support/bad_server.h"
#include "support/catch.h"
#include "support/eventually.h"
#include "support/fixture.h"
#include "support/temporary_folder.h"

namespace reeve::xmlrpc {
namespace {

using namespace std::chrono_literals;
using base::ErrorKind;
using tests::answers;
using tests::answers_and_stays;
using tests::BadServer;
using tests::fixture;
using tests::http_ok;

const Call get_state{"supervisor.getState", {}};

ClientOptions options_for(const std::string& url) {
  const auto endpoint = base::Endpoint::parse(url, "/RPC2");
  if (!endpoint) {
    throw std::runtime_error(endpoint.error().message);
  }
  ClientOptions options;
  options.endpoint = *endpoint;
  return options;
}

base::Deadline after(base::Duration span, std::stop_token stop = {}) {
  static const base::SystemClock clock;
  return base::Deadline::after(clock, span, std::move(stop));
}

/// Longer than any test lasts.
base::Deadline patient() {
  return after(std::chrono::seconds(60));
}

/// The error of a call that must fail.
base::Error failure(const ClientOptions& options, const base::Deadline& deadline = patient()) {
  const auto answer = Client(options).call(get_state, deadline);
  if (answer) {
    throw std::runtime_error("the call has not failed");
  }
  return answer.error();
}

/// A unix socket with a full queue, from which no connection is accepted.
class UnacceptedSocket {
 public:
  explicit UnacceptedSocket(const std::string& path);
  ~UnacceptedSocket();
  UnacceptedSocket(const UnacceptedSocket&) = delete;
  UnacceptedSocket& operator=(const UnacceptedSocket&) = delete;

 private:
  std::vector<int> sockets_;
};

/// Listens on ::1 alone and never accepts. No port where there is no IPv6.
class Ipv6Listener {
 public:
  Ipv6Listener();
  ~Ipv6Listener();
  Ipv6Listener(const Ipv6Listener&) = delete;
  Ipv6Listener& operator=(const Ipv6Listener&) = delete;
  [[nodiscard]] std::optional<std::uint16_t> port() const { return port_; }

 private:
  int socket_;
  std::optional<std::uint16_t> port_;
};

UnacceptedSocket::UnacceptedSocket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  const auto open = [&] {
    return sockets_.emplace_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  };
  const int listener = open();
  if (::bind(listener, generic, sizeof address) != 0 || ::listen(listener, 0) != 0) {
    throw std::runtime_error("cannot listen on " + path);
  }
  while (::connect(open(), generic, sizeof address) == 0) {
  }
}

UnacceptedSocket::~UnacceptedSocket() {
  for (const int socket : sockets_) {
    ::close(socket);
  }
}

Ipv6Listener::Ipv6Listener() : socket_(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(socket_, generic, size) == 0 && ::listen(socket_, 1) == 0 &&
      ::getsockname(socket_, generic, &size) == 0) {
    port_ = ::ntohs(address.sin6_port);
  }
}

Ipv6Listener::~Ipv6Listener() {
  ::close(socket_);
}

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

TEST_CASE("Client: a call is one request on a connection of its own, in supervisord's spelling") {
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

TEST_CASE("Client: an answer is complete when it is, though the peer does not close") {
  const BadServer server(answers_and_stays(fixture("200-http11.http")));
  const auto answer = Client(options_for(server.url())).call(get_state, patient());
  REQUIRE(answer);
  CHECK(*answer->value()->member("statename") == Value("RUNNING"));
}

TEST_CASE(
    "Client: an answer that announces too few bytes is read whole, though the peer does not "
    "close") {
  const BadServer server(answers_and_stays(
      fixture("deferred-nonascii-startProcessGroup-content-length-too-small.http")));
  const auto answer = Client(options_for(server.url())).call(get_state, patient());
  REQUIRE(answer);
  CHECK(*answer->value()->as_array()->at(0).member("name") == Value("naïve-日本"));
}

TEST_CASE("Client: the Go reimplementation's chunked answer is read") {
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

TEST_CASE("Client: over a unix socket the host is localhost") {
  const tests::TemporaryFolder folder;
  const BadServer server(answers(fixture("200-http11.http")), folder.path() + "/s");
  REQUIRE(Client(options_for(server.url())).call(get_state, patient()));
  CHECK(server.requests().at(0).find("\r\nHost: localhost\r\n") != std::string::npos);
}

TEST_CASE(
    "Client: a missing socket, a forbidden one and one left behind are three different errors") {
  const tests::TemporaryFolder folder;
  const std::string path = folder.path() + "/s";
  CHECK(failure(options_for("unix://" + path)).kind == ErrorKind::socket_missing);
  {
    const BadServer server(answers(fixture("200-http11.http")), path);
    ::chmod(path.c_str(), 0);
    const Unprivileged unprivileged;
    const base::Error error = failure(options_for(server.url()));
    CHECK(error.kind == ErrorKind::denied);
    CHECK(error.message.find("chmod and chown in [unix_http_server]") != std::string::npos);
  }
  ::chmod(path.c_str(), 0700);
  CHECK(failure(options_for("unix://" + path)).kind == ErrorKind::unreachable);
}

TEST_CASE("Client: a socket whose queue is full is unreachable, not taken for connected") {
  const tests::TemporaryFolder folder;
  const UnacceptedSocket full(folder.path() + "/s");
  const base::Error error = failure(options_for("unix://" + folder.path() + "/s"));
  CHECK(error.kind == ErrorKind::unreachable);
  CHECK(error.message.find("too many connections wait") != std::string::npos);
}

TEST_CASE("Client: where no server listens the peer is unreachable, by each of its addresses") {
  std::string url;
  { url = BadServer(tests::closes_at_once()).url(); }
  CHECK(failure(options_for(url)).kind == ErrorKind::unreachable);
  url.replace(url.find("127.0.0.1"), 9, "localhost");
  const base::Error error = failure(options_for(url));
  CHECK(error.kind == ErrorKind::unreachable);
  CHECK(error.message.find(url) != std::string::npos);
}

TEST_CASE(
    "Client: a host without an address is unreachable, and not waited for beyond the deadline") {
  const ErrorKind kind = failure(options_for("http://reeve.invalid:9001"), after(200ms)).kind;
  CHECK((kind == ErrorKind::unreachable || kind == ErrorKind::timeout));
}

TEST_CASE("Client: the second address of a host is tried when the first refuses") {
  // localhost is 127.0.0.1, where this server is not, and ::1.
  const Ipv6Listener server;
  if (!server.port()) {
    tests::skip("this machine has no IPv6");
    return;
  }
  const auto kind =
      failure(options_for("http://localhost:" + std::to_string(*server.port())), after(200ms)).kind;
  CHECK(kind == ErrorKind::timeout);  // connected, and no answer
}

TEST_CASE("Client: no credentials, wrong ones, a wrong path and a fault are told apart") {
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
    CHECK(path.message.find("is it supervisord that listens there?") != std::string::npos);
  }
  CHECK(error_after(fixture("500-log-not-utf8.http")).kind == ErrorKind::fault);
  CHECK(error_after(fixture("411-no-content-length.http")).kind == ErrorKind::fault);
  CHECK(error_after("HTTP/1.1 502 Bad Gateway\r\n\r\n").kind == ErrorKind::unreachable);
  const base::Error redirect =
      error_after("HTTP/1.1 301 Moved\r\nLocation: https://elsewhere/\r\n\r\n");
  CHECK(redirect.kind == ErrorKind::not_found);
  CHECK(redirect.message.find("https://elsewhere/") != std::string::npos);
}

TEST_CASE("Client: a fault of supervisord is an answer, not an error") {
  const BadServer server(answers(http_ok(fixture("fault-BAD_NAME.xml"))));
  const auto answer = Client(options_for(server.url())).call(get_state, patient());
  REQUIRE(answer);
  CHECK(answer->fault()->code == 10);
}

TEST_CASE(
    "Client: parallel calls are under way at once, and their answers come in the calls' order") {
  std::atomic<int> arrived = 0;
  const BadServer server([&](tests::BadConnection& connection) {
    connection.read_request();
    ++arrived;
    if (tests::eventually(60s, [&] { return arrived == 3; })) {
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

TEST_CASE("Client: a stream hands on raw bytes until its consumer has enough") {
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

TEST_CASE("Client: a stream's path is beside that of the calls, also behind a prefix") {
  const BadServer server(answers(fixture("404-get.http")));
  for (const auto& [calls, path] :
       {std::pair("/supervisor/RPC2", "/supervisor/logtail/a"),
        std::pair("/a/b/RPC2/", "/a/b/logtail/a"), std::pair("/", "/logtail/a")}) {
    auto options = options_for(server.url());
    options.endpoint.path = calls;
    const auto streamed = Client(options).stream(
        "/logtail/a", [](std::string_view) { return true; }, patient());
    CHECK(streamed.error().kind == ErrorKind::not_found);
    CHECK(server.requests().back().starts_with(std::string("GET ") + path + " HTTP/1.1"));
  }
}

TEST_CASE("Client: a stream that nothing is written to ends with its deadline") {
  const BadServer server(answers_and_stays(fixture("logtail-nul-chunked.http")));
  const auto streamed = Client(options_for(server.url()))
                            .stream(
                                "/logtail/a", [](std::string_view) { return true; }, after(100ms));
  REQUIRE_FALSE(streamed);
  CHECK(streamed.error().kind == ErrorKind::timeout);
}

TEST_CASE(
    "Client: a stream of what is not there is not found, and a path with blanks is not sent") {
  const BadServer server(answers(fixture("404-get.http")));
  Client client(options_for(server.url()));
  const auto consumer = [](std::string_view) { return true; };
  CHECK(client.stream("/logtail/a", consumer, patient()).error().kind == ErrorKind::not_found);
  CHECK(client.stream("/a b", consumer, patient()).error().kind == ErrorKind::invalid_argument);
  CHECK(client.stream("/a\r\nX: y", consumer, patient()).error().kind ==
        ErrorKind::invalid_argument);
  CHECK(server.requests().size() == 1);
}

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

TEST_CASE("Client: a peer that never answers is given up at the deadline") {
  CHECK(kind_against(tests::stays_silent(), after(100ms)) == ErrorKind::timeout);
}

TEST_CASE("Client: a peer that drips is given up at the deadline, in the header and in the body") {
  CHECK(kind_against(tests::drips("HTTP/1.1 200 OK\r\nX: " + std::string(9000, 'x')),
                     after(100ms)) == ErrorKind::timeout);
  CHECK(kind_against(tests::drips(http_ok(std::string(9000, ' '))), after(200ms)) ==
        ErrorKind::timeout);
}

TEST_CASE("Client: a peer that drips and ends in time is read") {
  const BadServer server(tests::drips(fixture("200-http11.http")));
  CHECK(Client(options_for(server.url())).call(get_state, patient()));
}

TEST_CASE("Client: a peer that announces more than it sends is given up at the deadline") {
  CHECK(kind_against(answers_and_stays("HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n" +
                                       fixture("getState.xml")),
                     after(100ms)) == ErrorKind::timeout);
}

TEST_CASE("Client: a connection closed before, or in the middle of, the answer is unreachable") {
  const std::string whole = fixture("200-http11.http");
  CHECK(kind_against(tests::closes_at_once()) == ErrorKind::unreachable);
  CHECK(kind_against(answers("")) == ErrorKind::unreachable);
  CHECK(kind_against(answers(whole.substr(0, 50))) == ErrorKind::unreachable);
  CHECK(kind_against(answers(whole.substr(0, 300))) == ErrorKind::unreachable);
  CHECK(kind_against(tests::resets(whole.substr(0, 300))) == ErrorKind::unreachable);
}

TEST_CASE("Client: a truncated answer whose length is not announced is malformed") {
  CHECK(kind_against(answers("HTTP/1.0 200 OK\r\n\r\n" + fixture("getState.xml").substr(0, 200))) ==
        ErrorKind::malformed);
}

TEST_CASE("Client: a web page where an answer should be is malformed, and shown") {
  const BadServer server(answers_and_stays(http_ok("<html><body>It works!</body></html>")));
  const base::Error error = failure(options_for(server.url()));
  CHECK(error.kind == ErrorKind::malformed);
  CHECK(error.message == server.url() +
                             ": not an XML-RPC answer: it begins with "
                             "'<html><body>It works!</body></html>': is it supervisord that"
                             " listens there?");
  ClientOptions short_path = options_for(server.url());
  short_path.endpoint.path = "/";
  CHECK(failure(short_path).message.ends_with(": does the URL end in /RPC2?"));
}

TEST_CASE("Client: a peer that speaks another protocol is malformed") {
  CHECK(kind_against(answers_and_stays("SSH-2.0-OpenSSH_9.2p1\r\n")) == ErrorKind::malformed);
}

TEST_CASE("Client: an answer beyond the bound is refused, announced or not") {
  constexpr std::size_t size = std::size_t{200} * 1024 * 1024;
  CHECK(kind_against(tests::floods(
            "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n", size)) ==
        ErrorKind::malformed);
  CHECK(kind_against(tests::floods("HTTP/1.1 200 OK\r\n\r\n", size)) == ErrorKind::malformed);
}

TEST_CASE("Client: a flood of header is refused after sixteen kilobytes") {
  constexpr std::size_t size = std::size_t{200} * 1024 * 1024;
  CHECK(kind_against(tests::floods("HTTP/1.1 200 ", size)) == ErrorKind::malformed);
  CHECK(kind_against(tests::floods("HTTP/1.1 200 OK\r\nX: ", size)) == ErrorKind::malformed);
}

TEST_CASE("Client: a NUL in the answer reaches the caller") {
  const BadServer server(answers(http_ok(fixture("tail-with-nul.xml"))));
  const auto answer = Client(options_for(server.url())).call(get_state, patient());
  REQUIRE(answer);
  CHECK(answer->value()->as_array()->at(0) == Value(std::string("before\0after\nnext line\n", 23)));
}

TEST_CASE("Client: a refusal that comes before the request was read reaches the caller") {
  const BadServer server([](tests::BadConnection& connection) {
    connection.send(fixture("401.http"));
    connection.wait_until_closed();
  });
  CHECK(failure(options_for(server.url())).kind == ErrorKind::denied);
}

TEST_CASE("Client: a stop from another thread ends a call that hangs") {
  const BadServer server(tests::stays_silent());
  std::stop_source stop;
  ErrorKind kind = ErrorKind::internal;
  {
    const std::jthread caller(
        [&] { kind = failure(options_for(server.url()), after(1h, stop.get_token())).kind; });
    CHECK(tests::eventually(60s, [&] { return server.requests().size() == 1; }));
    stop.request_stop();
  }
  CHECK(kind == ErrorKind::cancelled);
}

TEST_CASE("Client: a stop that came before the call ends it at once") {
  const BadServer server(tests::stays_silent());
  std::stop_source stop;
  stop.request_stop();
  for (const std::string& url : {std::string("http://reeve.invalid:1"), server.url()}) {
    CHECK(failure(options_for(url), after(1h, stop.get_token())).kind == ErrorKind::cancelled);
  }
}

TEST_CASE("Client: a thousand calls that fail leave no descriptor and no thread behind") {
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
  CHECK(tests::eventually(60s, [&] { return entries("/proc/self/fd") <= descriptors; }));
  CHECK(tests::eventually(60s, [&] { return entries("/proc/self/task") <= threads; }));
}

const std::string certificate = tests::fixture_path("tls/localhost.pem");

/// Answers getState over TLS, with a certificate for localhost that signed itself.
class TlsServer {
 public:
  TlsServer() : server_(certificate.c_str(), tests::fixture_path("tls/localhost.key").c_str()) {
    server_.Post("/RPC2", [](const httplib::Request&, httplib::Response& response) {
      response.set_content(fixture("getState.xml"), "text/xml");
    });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::jthread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) {
      std::this_thread::yield();
    }
  }
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;
  ~TlsServer() { server_.stop(); }

  [[nodiscard]] std::string url(const std::string& host) const {
    return "https://" + host + ":" + std::to_string(port_);
  }

 private:
  httplib::SSLServer server_;
  int port_ = 0;
  std::jthread thread_;
};

/// Makes OpenSSL take the test's certificate for an authority, as an administrator would.
class TrustedCertificate {
 public:
  TrustedCertificate() { ::setenv("SSL_CERT_FILE", certificate.c_str(), 1); }
  TrustedCertificate(const TrustedCertificate&) = delete;
  TrustedCertificate& operator=(const TrustedCertificate&) = delete;
  ~TrustedCertificate() { ::unsetenv("SSL_CERT_FILE"); }
};

TEST_CASE("Client: over TLS a peer whose certificate is trusted answers") {
  const TlsServer server;
  const TrustedCertificate trusted;
  const auto answer = Client(options_for(server.url("localhost"))).call(get_state, patient());
  if (!answer) {
    FAIL(answer.error().message);
  }
  CHECK(*answer->value()->member("statename") == Value("RUNNING"));
}

TEST_CASE("Client: a certificate that is not trusted is refused with the reason") {
  const TlsServer server;
  const base::Error error = failure(options_for(server.url("localhost")));
  CHECK(error.kind == ErrorKind::denied);
  CHECK(error.message.find("self-signed certificate") != std::string::npos);
}

TEST_CASE("Client: a trusted certificate for another host is refused") {
  const TlsServer server;
  const TrustedCertificate trusted;
  CHECK(failure(options_for(server.url("127.0.0.1"))).kind == ErrorKind::denied);
}

std::string with_tls(std::string url) {
  return url.insert(4, 1, 's');
}

TEST_CASE("Client: https where http is spoken is malformed") {
  const tests::BadServer plain([](tests::BadConnection& connection) {
    connection.send("HTTP/1.1 400 Bad Request\r\n\r\n");
    connection.wait_until_closed();
  });
  CHECK(failure(options_for(with_tls(plain.url()))).kind == ErrorKind::malformed);
}

TEST_CASE("Client: https where http is spoken is said at once, though the server waits for more") {
  // As supervisord: what has no empty line is no request yet.
  const tests::BadServer plain([](tests::BadConnection& connection) {
    connection.read_request() && connection.send("HTTP/1.0 404 Not Found\r\n\r\n");
  });
  const base::Error error = failure(options_for(with_tls(plain.url())));
  CHECK(error.kind == ErrorKind::malformed);
  CHECK(error.message.ends_with(": plain HTTP is spoken there, use http:// in place of https://"));
}

TEST_CASE("Client: a slow handshake is not taken for plain HTTP") {
  // A server of TLS that refuses plain requests in plain words, and is slow otherwise.
  const tests::BadServer slow([](tests::BadConnection& connection) {
    connection.read_request() && connection.send("HTTP/1.0 400 Bad Request\r\n\r\n");
  });
  ClientOptions options = options_for(with_tls(slow.url()));
  CHECK(Client(options).call(get_state, after(2s)).error().kind == ErrorKind::timeout);
}

TEST_CASE("Client: http where TLS is spoken is named") {
  const std::string hint = "use https:// in place of http://";
  const tests::BadServer alerts(answers(std::string("\x15\x03\x01\0\x02\x02\x16", 7)));
  CHECK(failure(options_for(alerts.url())).message.ends_with(hint));
  const tests::BadServer explains(
      answers("HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"));
  CHECK(failure(options_for(explains.url())).message.find("is it https") != std::string::npos);
  const TlsServer server;
  std::string plain = server.url("127.0.0.1");
  CHECK(failure(options_for(plain.erase(4, 1))).message.find("https") != std::string::npos);
}

}  // namespace
}  // namespace reeve::xmlrpc
