#include <atomic>
#include <vector>

#include <httplib.h>

#include "http/client.h"
#include "http/made_certificate.h"
#include "http/raw_client.h"
#include "http/running_server.h"
#include "http/slow_handshake.h"
#include "support/eventually.h"
#include "support/fixture.h"
#include "support/plenty.h"

namespace reeve::http {
namespace {

using namespace std::chrono_literals;
using base::ErrorKind;
using tests::eventually;

std::string file(const char* name) {
  return tests::fixture_path("tls/" + std::string(name));
}

TlsOptions localhost() {
  TlsOptions tls;
  tls.cert_file = file("localhost.pem");
  tls.key_file = file("localhost.key");
  return tls;
}

ListenerOptions with(const TlsOptions& tls) {
  ListenerOptions options = on_loopback();
  options.tls = tls;
  return options;
}

Response names(const Request& request) {
  std::string text = request.encrypted ? "encrypted" : "plain";
  for (const std::string& name : request.client_names) {
    text += " " + name;
  }
  return text_response(text);
}

/// The body of an answer; empty if there is none.
std::string get(httplib::SSLClient& client) {
  client.enable_server_certificate_verification(false);
  const auto answer = client.Get("/");
  return answer ? answer->body : "";
}

base::Error error_of(const TlsOptions& tls) {
  const auto opened = Server::open(with(tls), names, {});
  REQUIRE_FALSE(opened);
  return opened.error();
}

TEST_CASE("Server: TLS clients that say nothing useful close no handshake that goes on") {
  ListenerOptions options = with(localhost());
  options.max_connections_per_address = 8;
  options.header_timeout = 1min;
  const RunningServer server(options, names);
  const SlowHandshake scraper(server.port());
  CHECK(scraper.is_answered());
  std::vector<RawClient> others;
  for (const char* begin : {"\x16", "\x16\x03\x01\x02\x05\x01"}) {
    for (int i = 0; i < 20; ++i) {
      others.emplace_back(server.port());
      others.back().send(begin);
    }
  }
  CHECK(eventually(60s, [&] { return server->stats().evicted_connections() == 33; }));
  CHECK(scraper.get().starts_with("HTTP/1.1 200 "));
}

TEST_CASE("Server: over TLS a body may be streamed, and its client may disconnect") {
  std::atomic<bool> gone = false;
  const RunningServer server(with(localhost()), [&](const Request& request) {
    const ResponseStream stream = make_stream();
    stream.writer.write("first ");
    if (request.path == "/whole") {
      stream.writer.write("last");
      stream.writer.end();
    } else {
      stream.writer.on_disconnect([&] { gone = true; });
    }
    Response response;
    response.body = stream.reader;
    return response;
  });
  httplib::SSLClient client("localhost", server.port());
  client.enable_server_certificate_verification(false);
  const auto whole = client.Get("/whole");
  REQUIRE(whole);
  CHECK(whole->body == "first last");
  CHECK_FALSE(client.Get("/endless", [](const char*, std::size_t) { return false; }));
  client.stop();
  CHECK(eventually(60s, [&] { return gone.load(); }));
}

TEST_CASE(
    "Server: over TLS a client is served as without, large answers and kept connections too") {
  const RunningServer server(with(localhost()), [](const Request& request) {
    return text_response(std::string(3'000'000, request.encrypted ? 'x' : '-'));
  });
  httplib::SSLClient client("localhost", server.port());
  client.set_ca_cert_path(file("localhost.pem").c_str());
  client.enable_server_certificate_verification(true);
  client.set_keep_alive(true);
  for (int i = 0; i < 3; ++i) {
    const auto answer = client.Get("/");
    REQUIRE(answer);
    CHECK(answer->body == std::string(3'000'000, 'x'));
  }
  CHECK(server->stats().accepted_connections == 1);
}

TEST_CASE("Server: a client's certificate is optional or required, and its names are known") {
  TlsOptions tls = localhost();
  tls.client_ca_file = file("client-ca.pem");
  for (const bool required : {false, true}) {
    CAPTURE(required);
    tls.client_certificate_required = required;
    const RunningServer server(with(tls), names);
    httplib::SSLClient anonymous("localhost", server.port());
    CHECK(get(anonymous) == (required ? "" : "encrypted"));
    httplib::SSLClient known("localhost", server.port(), file("client.pem"), file("client.key"));
    CHECK(get(known) ==
          "encrypted DNS:ops.example IP:192.0.2.7 IP:2001:db8::7 URI:spiffe://example/ops "
          "email:ops@example.org");
    httplib::SSLClient foreign("localhost", server.port(), file("other.pem"), file("other.key"));
    CHECK(get(foreign).empty());
  }
}

TEST_CASE("Server: a name of a client's certificate has its kind, and no NUL") {
  const MadeCertificate made("ops.example", {{NameKind::dns, "OPS.example"},
                                             {NameKind::dns, "10.0.0.1"},
                                             {NameKind::uri, "ops.example"},
                                             {NameKind::email, "10.0.0.1"},
                                             {NameKind::dns, std::string("ops.example\0.evil", 17)},
                                             {NameKind::address, "10.0.0.1"}});
  TlsOptions tls = localhost();
  tls.client_ca_file = made.cert_file;
  const RunningServer server(with(tls), names);
  httplib::SSLClient client("localhost", server.port(), made.cert_file, made.key_file);
  CHECK(get(client) ==
        "encrypted DNS:ops.example DNS:10.0.0.1 URI:ops.example email:10.0.0.1 IP:10.0.0.1");
}

/// The error of http::Client's request to a server on loopback with this certificate, trusted;
/// "" if it is answered.
std::string refusal_of(const MadeCertificate& made, const std::string& host) {
  TlsOptions tls;
  tls.cert_file = made.cert_file;
  tls.key_file = made.key_file;
  const RunningServer server(with(tls), names);
  ::setenv("SSL_CERT_FILE", made.cert_file.c_str(), 1);
  const auto endpoint =
      base::Endpoint::parse("https://" + host + ":" + std::to_string(server.port()), "/");
  REQUIRE(endpoint);
  Client client(*endpoint);
  const auto response = client.send({.method = "GET", .path = "/", .headers = {}, .body = ""},
                                    {.body_bytes = 100}, tests::plenty());
  ::unsetenv("SSL_CERT_FILE");
  CHECK((response || response.error().kind == ErrorKind::denied));
  return response ? "" : response.error().message;
}

TEST_CASE("Client: a server's certificate names it by DNS or by address, and by nothing else") {
  const std::string localhost_dns = "LOCALHOST";
  CHECK(refusal_of({"x", {{NameKind::dns, localhost_dns}}}, "localhost").empty());
  CHECK(refusal_of({"x", {{NameKind::address, "127.0.0.1"}}}, "127.0.0.1").empty());
  CHECK_FALSE(refusal_of({"x", {{NameKind::dns, "127.0.0.1"}}}, "127.0.0.1").empty());
  CHECK_FALSE(refusal_of({"x", {{NameKind::address, "127.0.0.1"}}}, "localhost").empty());
  CHECK_FALSE(refusal_of({"localhost", {{NameKind::address, "127.0.0.2"}}}, "localhost").empty());
  CHECK_FALSE(refusal_of({"localhost", {}}, "localhost").empty());
  CHECK_FALSE(
      refusal_of({"x", {{NameKind::uri, "localhost"}, {NameKind::email, "localhost"}}}, "localhost")
          .empty());
  CHECK_FALSE(refusal_of({"x", {{NameKind::dns, std::string("localhost\0.evil", 15)}}}, "localhost")
                  .empty());
}

TEST_CASE("Server: without a client authority, no certificate has names") {
  const RunningServer server(with(localhost()), names);
  httplib::SSLClient client("localhost", server.port(), file("client.pem"), file("client.key"));
  CHECK(get(client) == "encrypted");
}

TEST_CASE("Server: new certificates are used for new connections once applied, if they are valid") {
  const RunningServer server(with(localhost()), names);
  const auto is_localhost = [&] {
    httplib::SSLClient client("localhost", server.port());
    client.set_ca_cert_path(file("localhost.pem").c_str());
    client.enable_server_certificate_verification(true);
    return static_cast<bool>(client.Get("/"));
  };
  httplib::SSLClient kept("localhost", server.port());
  kept.set_keep_alive(true);
  CHECK(get(kept) == "encrypted");
  CHECK(is_localhost());
  TlsOptions other = localhost();
  other.cert_file = file("other.pem");
  CHECK_FALSE(server->prepare_tls(other));  // the key is not its own
  other.key_file = file("other.key");
  const auto put_to_use = server->prepare_tls(other);
  REQUIRE(put_to_use);
  CHECK(is_localhost());
  (*put_to_use)();
  CHECK_FALSE(is_localhost());
  CHECK(get(kept) == "encrypted");
}

TEST_CASE("Server: TLS cannot be turned on while running") {
  const RunningServer server(on_loopback(), names);
  const auto prepared = server->prepare_tls(localhost());
  REQUIRE_FALSE(prepared);
  CHECK(prepared.error().kind == ErrorKind::invalid_argument);
}

TEST_CASE("Server: an error in a certificate file names the file") {
  TlsOptions tls = localhost();
  tls.cert_file = file("none.pem");
  CHECK(error_of(tls).kind == ErrorKind::not_found);
  CHECK(error_of(tls).message.find(file("none.pem")) != std::string::npos);
  const auto is_about = [](const base::Error& error, const std::string& path) {
    CAPTURE(error.message);
    return error.kind == ErrorKind::invalid_argument &&
           error.message.find(path) != std::string::npos;
  };
  tls = localhost();
  tls.cert_file = file("localhost.key");
  CHECK(is_about(error_of(tls), file("localhost.key")));
  for (const char* key : {"other.key", "encrypted.key", "localhost.pem"}) {
    tls = localhost();
    tls.key_file = file(key);
    CHECK(is_about(error_of(tls), file(key)));
  }
  tls = localhost();
  tls.client_ca_file = file("client.key");
  CHECK(is_about(error_of(tls), file("client.key")));
  tls.client_ca_file = "";
  tls.client_certificate_required = true;
  CHECK(is_about(error_of(tls), "client_ca_file"));
  tls = localhost();
  tls.min_version = "TLS10";
  CHECK(is_about(error_of(tls), "TLS10"));
}

TEST_CASE("Server: a client without a TLS handshake is closed at the header's deadline") {
  ListenerOptions options = with(localhost());
  options.header_timeout = 100ms;
  const RunningServer server(options, names);
  const RawClient silent(server.port());
  const RawClient plain(server.port());
  plain.send("GET / HTTP/1.1\r\nHost: here\r\n\r\n");
  CHECK(silent.receive_all().empty());
  CHECK(plain.receive_all().find("HTTP") == std::string::npos);
  CHECK(eventually(60s, [&] { return server->stats().open_connections == 0; }));
}

}  // namespace
}  // namespace reeve::http
