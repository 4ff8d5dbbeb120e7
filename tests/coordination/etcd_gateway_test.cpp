// The gateway against servers that lie, hang and refuse; with the real one: tests/contract.

#include "coordination/etcd_gateway.h"

#include <algorithm>
#include <atomic>

#include <nlohmann/json.hpp>

#include "coordination/etcd_keys.h"
#include "support/bad_server.h"
#include "support/catch.h"

namespace reeve::coordination::etcd {
namespace {

using namespace std::chrono_literals;
using base::ErrorKind;
using tests::BadConnection;
using tests::BadServer;

const base::SystemClock the_clock;

base::Deadline soon() {
  return base::Deadline::after(the_clock, 60s);
}

std::string response(int status, const std::string& body) {
  return "HTTP/1.1 " + std::to_string(status) + " x\r\nContent-Type: application/json\r\n" +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

EtcdOptions options_for(const std::vector<std::string>& urls, base::Duration timeout = 30s) {
  EtcdOptions options;
  for (const std::string& url : urls) {
    options.endpoints.push_back(base::Endpoint::parse(url, "/").value());
  }
  options.timeout = timeout;
  return options;
}

base::Error error_of(const std::string& answer) {
  const BadServer server(tests::answers(answer));
  Gateway gateway(options_for({server.url()}), the_clock);
  const auto result = gateway.call(Call::range, get("a"), soon());
  REQUIRE_FALSE(result);
  CHECK_THAT(result.error().message, Catch::Contains("http://127.0.0.1:"));
  return result.error();
}

TEST_CASE("Gateway: each refusal of etcd says what to do") {
  struct Case {
    int status;
    std::string body;
    ErrorKind kind;
    std::string says;
  };
  const std::vector<Case> cases = {
      {404, "404 page not found", ErrorKind::not_implemented, "enable-grpc-gateway: true"},
      {404, R"({"error":"etcdserver: requested lease not found","code":5})", ErrorKind::not_found,
       "requested lease not found"},
      {400, R"({"error":"etcdserver: user name is empty","code":3})", ErrorKind::denied,
       "coordination.etcd.username"},
      {400, R"({"error":"CommonName of client sending a request against gateway","code":3})",
       ErrorKind::denied, "common name (CN)"},
      {401, R"({"error":"etcdserver: invalid auth token","code":16})", ErrorKind::denied, "token"},
      // As etcd 3.5 says it.
      {400, R"({"code":3, "message":"etcdserver: user name is empty"})", ErrorKind::denied,
       "coordination.etcd.username"},
      {429, R"({"code":8, "message":"etcdserver: mvcc: database space exceeded"})",
       ErrorKind::unreachable, "database space exceeded"},
      {403, R"({"error":"etcdserver: permission denied","code":7})", ErrorKind::denied,
       "READWRITE on the keys of /reeve/"},
      {421, "", ErrorKind::denied, "--host-whitelist"},
      {429, R"({"error":"etcdserver: mvcc: database space exceeded","code":8})",
       ErrorKind::unreachable, "database space exceeded"},
      {503, R"({"error":"etcdserver: no leader","code":14})", ErrorKind::unreachable, "no leader"},
      {500, R"({"error":"context deadline exceeded","code":2})", ErrorKind::unreachable,
       "deadline exceeded"},
      {500, "<html>", ErrorKind::unreachable, "HTTP 500"},
      {200, "<html>", ErrorKind::malformed, "something else than JSON"},
      {200, "[]", ErrorKind::malformed, "something else than JSON"},
  };
  for (const Case& each : cases) {
    CAPTURE(each.status, each.body);
    const auto error = error_of(response(each.status, each.body));
    CHECK(error.kind == each.kind);
    CHECK_THAT(error.message, Catch::Contains(each.says));
  }
}

TEST_CASE("Gateway: an endpoint that hangs costs its timeout, and the next one is asked") {
  const BadServer hangs(tests::answers_and_stays(""));
  const BadServer good(tests::answers(response(200, R"({"header":{"revision":"1"}})")));
  Gateway gateway(options_for({hangs.url(), good.url()}, 2s), the_clock);
  // Both have the short timeout, and the machine is busy: again until the good one was in time.
  const auto until = soon();
  auto answer = gateway.call(Call::range, get("a"), until);
  while (!answer && !until.expired()) {
    answer = gateway.call(Call::range, get("a"), until);
  }
  REQUIRE(answer);
  CHECK(revision(*answer) == 1);
  CHECK(gateway.contact().up);
  CHECK(gateway.counts()[{"range", "timeout"}] >= 1);
  // From now on the one that answered is asked first.
  const std::size_t asked = hangs.requests().size();
  CHECK(gateway.call(Call::range, get("a"), soon()));
  CHECK(hangs.requests().size() == asked);
}

TEST_CASE("Gateway: etcd stays up where the next endpoint answers") {
  std::atomic<bool> has_leader = true;
  const BadServer first([&](BadConnection& connection) {
    if (connection.read_request()) {
      connection.send(has_leader ? response(200, "{}")
                                 : response(503, R"({"error":"no leader","code":14})"));
    }
  });
  const Gateway* self = nullptr;
  std::atomic<bool> was_up = false;
  const BadServer next([&](BadConnection& connection) {
    was_up = self->contact().up;  // after the first has failed
    if (connection.read_request()) {
      connection.send(response(200, "{}"));
    }
  });
  Gateway gateway(options_for({first.url(), next.url()}), the_clock);
  self = &gateway;
  REQUIRE(gateway.call(Call::range, get("a"), soon()));
  has_leader = false;
  CHECK(gateway.call(Call::range, get("a"), soon()));
  CHECK(gateway.counts()[{"range", "unreachable"}] == 1);
  CHECK(was_up);
}

TEST_CASE("Gateway: what etcd has decided is not asked again elsewhere") {
  const BadServer refuses(
      tests::answers(response(403, R"({"error":"etcdserver: permission denied","code":7})")));
  const BadServer other(tests::answers(response(200, "{}")));
  Gateway gateway(options_for({refuses.url(), other.url()}), the_clock);
  CHECK_FALSE(gateway.call(Call::range, get("a"), soon()));
  CHECK(other.requests().empty());
  CHECK(gateway.contact().up);  // it answered
}

TEST_CASE("Gateway: nothing is asked once the deadline is over, which says nothing of etcd") {
  const BadServer server(tests::answers(response(200, "{}")));
  Gateway gateway(options_for({server.url()}), the_clock);
  const auto late = base::Deadline::after(the_clock, 0s);
  REQUIRE(gateway.call(Call::range, get("a"), soon()));
  const auto answer = gateway.call(Call::range, get("a"), late);
  REQUIRE_FALSE(answer);
  CHECK(answer.error().kind == ErrorKind::timeout);
  CHECK(server.requests().size() == 1);
  CHECK(gateway.counts() == Gateway::Counts{{{"range", "success"}, 1}});
  CHECK(gateway.contact().up);
}

TEST_CASE("Gateway: a caller that cannot wait for an answer does not make etcd unreachable") {
  std::atomic<bool> hangs = false;
  const BadServer server([&](BadConnection& connection) {
    if (connection.read_request() && !hangs) {
      connection.send(response(200, "{}"));
      return;
    }
    connection.wait_until_closed();
  });
  Gateway gateway(options_for({server.url()}, 60s), the_clock);
  REQUIRE(gateway.call(Call::range, get("a"), soon()));
  hangs = true;
  const auto hurried = gateway.call(Call::range, get("a"), base::Deadline::after(the_clock, 50ms));
  REQUIRE_FALSE(hurried);
  CHECK(hurried.error().kind == ErrorKind::timeout);
  CHECK(gateway.contact().up);
  // One that gives etcd its whole time knows.
  Gateway patient(options_for({server.url()}, 50ms), the_clock);
  CHECK_FALSE(patient.call(Call::range, get("a"), soon()));
  CHECK_FALSE(patient.contact().up);
  CHECK_FALSE(patient.contact().error.empty());
}

TEST_CASE("Gateway: an etcd without space is not up until it grants a lease, whatever it reads") {
  std::atomic<bool> is_full = true;
  const BadServer server([&](BadConnection& connection) {
    if (!connection.read_request()) {
      return;
    }
    const bool grants = connection.request().starts_with("POST /v3/lease/grant ");
    connection.send(
        grants && is_full
            ? response(429, R"({"error":"etcdserver: mvcc: database space exceeded","code":8})")
            : response(200, "{}"));
  });
  Gateway gateway(options_for({server.url()}), the_clock);
  CHECK_FALSE(gateway.call(Call::grant, {}, soon()));
  CHECK(gateway.call(Call::range, get("a"), soon()));
  CHECK_FALSE(gateway.contact().up);
  CHECK_THAT(gateway.contact().error, Catch::Contains("space exceeded"));
  CHECK(gateway.contact().last);
  is_full = false;
  CHECK(gateway.call(Call::grant, {}, soon()));
  CHECK(gateway.contact().up);
  CHECK(gateway.contact().error.empty());
}

/// Answers to sign-ins with token after token, and to calls as `judge` says of their token.
struct Authority {
  using Judge = std::function<std::string(const std::string& token)>;

  explicit Authority(Judge judges)
      : judge(std::move(judges)),
        server([this](BadConnection& connection) { answer(connection); }) {}

  void answer(BadConnection& connection) {
    if (!connection.read_request()) {
      return;
    }
    const std::string& request = connection.request();
    if (request.find("/v3/auth/authenticate") != std::string::npos) {
      connection.send(response(200, R"({"token":"token-)" + std::to_string(++signed_in) + "\"}"));
      return;
    }
    constexpr std::string_view field = "Authorization: ";
    const std::size_t found = request.find(field);
    const std::string token = found == std::string::npos
                                  ? ""
                                  : request.substr(found + field.size(), request.find('\r', found) -
                                                                             found - field.size());
    connection.send(judge(token));
  }

  [[nodiscard]] EtcdOptions options() const {
    EtcdOptions made = options_for({server.url()});
    made.username = "reeve";
    made.password = base::Secret("secret");
    return made;
  }

  Judge judge;
  std::atomic<int> signed_in = 0;
  BadServer server;
};

TEST_CASE("Gateway: it signs in once, and sends the token without a scheme") {
  Authority authority([](const std::string& token) {
    return token == "token-1" ? response(200, "{}") : response(401, R"({"code":16})");
  });
  Gateway gateway(authority.options(), the_clock);
  CHECK(gateway.call(Call::range, get("a"), soon()));
  CHECK(gateway.call(Call::range, get("a"), soon()));
  CHECK(authority.signed_in == 1);
}

TEST_CASE("Gateway: a token that is not accepted any more is replaced, once") {
  std::atomic<bool> expired = false;
  Authority authority([&](const std::string& token) {
    return token == "token-1" && expired
               ? response(401, R"({"error":"etcdserver: invalid auth token","code":16})")
               : response(200, "{}");
  });
  Gateway gateway(authority.options(), the_clock);
  CHECK(gateway.call(Call::range, get("a"), soon()));
  expired = true;
  CHECK(gateway.call(Call::range, get("a"), soon()));
  CHECK(authority.signed_in == 2);
}

TEST_CASE("Gateway: a connection that closes on a bad token means the same") {
  std::atomic<bool> expired = false;
  Authority authority([&](const std::string& token) {
    return token == "token-1" && expired ? std::string() : response(200, "{}");
  });
  Gateway gateway(authority.options(), the_clock);
  CHECK(gateway.call(Call::range, get("a"), soon()));
  expired = true;
  CHECK(gateway.call(Call::range, get("a"), soon()));
  CHECK(authority.signed_in == 2);
}

TEST_CASE("Gateway: no token is ever accepted: it signs in again once, and gives up") {
  Authority authority([](const std::string&) {
    return response(401, R"({"error":"etcdserver: invalid auth token","code":16})");
  });
  Gateway gateway(authority.options(), the_clock);
  CHECK_FALSE(gateway.call(Call::range, get("a"), soon()));
  const auto again = gateway.call(Call::range, get("a"), soon());
  REQUIRE_FALSE(again);
  CHECK(again.error().kind == ErrorKind::denied);
  CHECK(authority.signed_in == 2);
}

TEST_CASE("Gateway: a wrong password is a refusal, and is in no message") {
  const BadServer server(tests::answers(response(
      400,
      R"({"error":"etcdserver: authentication failed, invalid user ID or password","code":3})")));
  EtcdOptions options = options_for({server.url()});
  options.username = "reeve";
  options.password = base::Secret("pa55word");
  Gateway gateway(options, the_clock);
  const auto answer = gateway.call(Call::range, get("a"), soon());
  REQUIRE_FALSE(answer);
  CHECK(answer.error().kind == ErrorKind::denied);
  CHECK(answer.error().message.find("pa55word") == std::string::npos);
}

TEST_CASE("Gateway: a watch asks for a leader, and its lines are handed on whole") {
  const BadServer server([](BadConnection& connection) {
    if (connection.read_request() &&
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                        "b\r\n{\"result\":{\r\n")) {
      connection.send("6\r\n}}\n{\"r\r\n");
      connection.send("b\r\nesult\":{}}\n\r\n0\r\n\r\n");
    }
  });
  Gateway gateway(options_for({server.url()}), the_clock);
  std::vector<Json> lines;
  CHECK(gateway.watch(
      {{"create_request", get("a")}},
      [&](const Json& line) {
        lines.push_back(line);
        return true;
      },
      soon()));
  CHECK(lines.size() == 2);
  REQUIRE(server.requests().size() == 1);
  CHECK_THAT(server.requests().front(), Catch::Contains("Grpc-Metadata-hasleader: true"));
}

TEST_CASE("Gateway: a watch that fails is asked of the next endpoint the next time") {
  const BadServer bad(tests::answers(response(503, R"({"error":"no leader","code":14})")));
  const BadServer good(tests::answers(response(200, "{\"result\":{}}\n")));
  Gateway gateway(options_for({bad.url(), good.url()}), the_clock);
  const auto any = [](const Json&) { return true; };
  const auto first = gateway.watch({}, any, soon());
  REQUIRE_FALSE(first);
  CHECK(first.error().kind == ErrorKind::unreachable);
  CHECK(gateway.watch({}, any, soon()));
}

}  // namespace
}  // namespace reeve::coordination::etcd
