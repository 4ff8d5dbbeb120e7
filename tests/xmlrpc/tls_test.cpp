#include <cstdlib>
#include <thread>

#include <httplib.h>

#include "xmlrpc/client_fixture.h"

namespace reeve::xmlrpc {
namespace {

constexpr const char* certificate = REEVE_FIXTURES "/tls/localhost.pem";

/// Answers getState over TLS, with a certificate for localhost that signed itself.
class TlsServer {
 public:
  TlsServer() : server_(certificate, REEVE_FIXTURES "/tls/localhost.key") {
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
  TrustedCertificate() { ::setenv("SSL_CERT_FILE", certificate, 1); }
  TrustedCertificate(const TrustedCertificate&) = delete;
  TrustedCertificate& operator=(const TrustedCertificate&) = delete;
  ~TrustedCertificate() { ::unsetenv("SSL_CERT_FILE"); }
};

TEST_CASE("over TLS a peer whose certificate is trusted answers") {
  const TlsServer server;
  const TrustedCertificate trusted;
  const auto answer = Client(options_for(server.url("localhost"))).call(get_state, patient());
  if (!answer) {
    FAIL(answer.error().message);
  }
  CHECK(*answer->value()->member("statename") == Value("RUNNING"));
}

TEST_CASE("a certificate that nobody trusts is refused, and the reason is told") {
  const TlsServer server;
  const base::Error error = failure(options_for(server.url("localhost")));
  CHECK(error.kind == ErrorKind::denied);
  CHECK(error.message.find("self-signed certificate") != std::string::npos);
}

TEST_CASE("a trusted certificate for another host is refused") {
  const TlsServer server;
  const TrustedCertificate trusted;
  CHECK(failure(options_for(server.url("127.0.0.1"))).kind == ErrorKind::denied);
}

TEST_CASE("https where http is spoken is malformed") {
  const tests::BadServer plain([](tests::BadConnection& connection) {
    connection.send("HTTP/1.1 400 Bad Request\r\n\r\n");
    connection.wait_until_closed();
  });
  std::string https = plain.url();
  https.insert(4, 1, 's');
  CHECK(failure(options_for(https)).kind == ErrorKind::malformed);
}

}  // namespace
}  // namespace reeve::xmlrpc
