// The server against clients that are slow, greedy or gone.

#include <array>
#include <atomic>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>

#include "base/guarded.h"
#include "http/raw_client.h"
#include "http/running_server.h"
#include "support/eventually.h"

namespace reeve::http {
namespace {

using namespace std::chrono_literals;
using tests::eventually;

Response fine(const Request&) {
  return text_response("fine");
}

ListenerOptions impatient() {
  ListenerOptions options = on_loopback();
  options.header_timeout = 100ms;
  options.body_timeout = 100ms;
  options.write_timeout = 100ms;
  options.idle_timeout = 100ms;
  return options;
}

/// Without the deadline under test, what comes would end in "…" after the client's patience.
bool gave_up_waiting(const std::string& received) {
  return received.ends_with("…");
}

std::size_t open_descriptors() {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    static_cast<void>(entry);
    ++count;
  }
  return count;
}

std::vector<RawClient> half_open_clients(std::uint16_t port, std::size_t count) {
  std::vector<RawClient> clients;
  while (clients.size() < count) {
    clients.emplace_back(port);
    clients.back().send("GET /metrics HTTP/1.1\r\nHost: ");
  }
  return clients;
}

TEST_CASE("Server: 600 half-open clients neither delay a scrape nor starve the other listener") {
  ListenerOptions metrics_options = on_loopback();
  metrics_options.header_timeout = 1min;  // they are evicted, not timed out
  const RunningServer metrics(metrics_options, fine);
  ListenerOptions control_options = on_loopback();
  control_options.workers = {2};
  const RunningServer control(control_options, fine);
  const auto clients = half_open_clients(metrics.port(), 600);
  CHECK(RawClient(metrics.port()).get("/metrics", "fine").ends_with("fine"));
  CHECK(RawClient(control.port()).get("/api", "fine").ends_with("fine"));
  CHECK(metrics->stats().rejected_connections() == 0);
  CHECK(metrics->stats().evicted_connections() >= 600 + 1 - 128);
  CHECK(control->stats().evicted_connections() == 0);
}

TEST_CASE("Server: a connection that was served is kept while half-open ones can make room") {
  ListenerOptions options = on_loopback();
  options.max_connections = 10;
  options.header_timeout = 1min;
  const RunningServer server(options, fine);
  const RawClient scraper(server.port());
  CHECK(scraper.get("/", "fine").ends_with("fine"));
  const auto clients = half_open_clients(server.port(), 50);
  CHECK(eventually(60s, [&] { return server->stats().evicted_connections() == 41; }));
  CHECK(scraper.get("/", "fine").ends_with("fine"));
}

TEST_CASE("Server: when all connections are being answered, one more gets a 503") {
  std::atomic<bool> release = false;
  ListenerOptions options = on_loopback();
  options.max_connections = 2;
  options.workers = {2};
  const RunningServer server(options, [&](const Request&) {
    static_cast<void>(eventually(100s, [&] { return release.load(); }));
    return text_response("fine");
  });
  const std::array<RawClient, 2> busy = {RawClient(server.port()), RawClient(server.port())};
  for (const RawClient& client : busy) {
    client.send("GET / HTTP/1.1\r\nHost: here\r\n\r\n");
  }
  const auto is_refused = [&] {
    return RawClient(server.port()).receive_until("\n").starts_with("HTTP/1.1 503 ");
  };
  CHECK(eventually(60s, is_refused));
  CHECK(server->stats().rejected_connections() >= 1);
  release = true;
  for (const RawClient& client : busy) {
    CHECK(client.receive_until("fine").ends_with("fine"));
  }
}

TEST_CASE("Server: one address cannot take more than its share") {
  ListenerOptions options = on_loopback();
  options.max_connections_per_address = 3;
  options.header_timeout = 1min;
  const RunningServer server(options, fine);
  const auto clients = half_open_clients(server.port(), 5);
  CHECK(eventually(60s, [&] { return server->stats().evicted_connections() == 2; }));
  CHECK(eventually(60s, [&] { return server->stats().open_connections == 3; }));
  CHECK(eventually(60s, [&] { return clients[0].is_closed() && clients[1].is_closed(); }));
  CHECK_FALSE(clients[4].is_closed());
}

TEST_CASE("Server: a silent client is closed without an answer, an incomplete request gets a 408") {
  const RunningServer server(impatient(), fine);
  const RawClient silent(server.port());
  const RawClient half(server.port());
  half.send("GET / HT");
  const RawClient body(server.port());
  body.send("POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 10\r\n\r\nabc");
  CHECK(silent.receive_all().empty());
  CHECK(half.receive_all().starts_with("HTTP/1.1 408 Request Timeout\r\n"));
  CHECK(body.receive_all().starts_with("HTTP/1.1 408 Request Timeout\r\n"));
}

TEST_CASE("Server: a client that sends byte by byte is cut at the deadline") {
  const RunningServer server(impatient(), fine);
  const std::string header = "GET / HTTP/1.1\r\nHost: here\r\nX: ";
  const std::string body =
      "POST / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n";
  for (const auto& drip : {std::pair(header, "x"), std::pair(body, "1\r\nx\r\n")}) {
    const RawClient client(server.port());
    client.send(drip.first);
    CHECK(eventually(60s, [&] { return !client.send(drip.second) || client.is_closed(); }));
  }
}

TEST_CASE("Server: an idle connection is closed after its time") {
  const RunningServer server(impatient(), fine);
  const RawClient client(server.port());
  CHECK(client.get("/", "fine").ends_with("fine"));
  CHECK(client.receive_all().empty());
}

TEST_CASE("Server: a client that does not read its answer is cut at the deadline") {
  ListenerOptions options = impatient();
  const auto large = std::make_shared<const std::string>(32 * 1024 * 1024, 'x');
  std::atomic<bool> asked = false;
  const RunningServer server(options, [&](const Request&) {
    asked = true;
    Response response;
    response.body = std::vector<SharedBytes>{large};
    return response;
  });
  const RawClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: here\r\n\r\n");
  CHECK(eventually(60s, [&] { return asked.load(); }));
  CHECK(eventually(60s, [&] { return server->stats().open_connections == 0; }));
  CHECK(client.receive_all().size() < large->size());
}

TEST_CASE("Server: each breach of a bound is answered by its status and the end") {
  ListenerOptions options = on_loopback();
  options.max_header_bytes = 512;
  options.max_body_bytes = 100;
  const RunningServer server(options, fine);
  const std::string get = "GET / HTTP/1.1\r\nHost: here\r\n";
  const std::string chunked = get + "Transfer-Encoding: chunked\r\n\r\n";
  const std::array<std::pair<std::string, std::string>, 7> breaches = {{
      {"GET /" + std::string(1000, 'a'), "414"},
      {get + "X: " + std::string(1000, 'a'), "431"},
      {get + "Content-Length: 101\r\n\r\n" + std::string(101, 'a'), "413"},
      {chunked + "65\r\n" + std::string(101, 'a') + "\r\n0\r\n\r\n", "413"},
      {get + "Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx", "415"},
      {get + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
      {"\x16\x03\x01\x02", "400"},
  }};
  for (const auto& [request, status] : breaches) {
    const RawClient client(server.port());
    client.send(request);
    const std::string answer = client.receive_all();
    CAPTURE(request, answer);
    CHECK(answer.starts_with("HTTP/1.1 " + status + " "));
    CHECK(answer.find("\r\nConnection: close\r\n") != std::string::npos);
    CHECK_FALSE(gave_up_waiting(answer));
  }
}

/// Objects to every path but /.
HeadResult refuse_other_paths(const Request& head) {
  if (head.path == "/" && head.peer == "127.0.0.1") {
    return {};
  }
  Response refused = text_response("no");
  refused.status = 401;
  return {.refusal = std::move(refused)};
}

TEST_CASE("Server: a request that its head condemns is answered before its body is sent") {
  std::atomic<int> handled = 0;
  const RunningServer server(
      on_loopback(),
      [&](const Request& request) {
        ++handled;
        return text_response(request.body);
      },
      refuse_other_paths);
  for (const std::string announcement :
       {"Content-Length: 1000000\r\n", "Transfer-Encoding: chunked\r\n",
        "Content-Length: 5\r\nExpect: 100-continue\r\n"}) {
    const std::string head = " HTTP/1.1\r\nHost: here\r\n" + announcement + "\r\n";
    const RawClient refused(server.port());
    refused.send("POST /no" + head);
    const std::string answer = refused.receive_all();
    CAPTURE(announcement, answer);
    CHECK(answer.starts_with("HTTP/1.1 401 "));
    CHECK(answer.find("\r\nConnection: close\r\n") != std::string::npos);
    CHECK_FALSE(gave_up_waiting(answer));
  }
  CHECK(handled == 0);
  const RawClient kept(server.port());
  CHECK(kept.get("/no", "no").starts_with("HTTP/1.1 401 "));
  kept.send("POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 4\r\n\r\nfine");
  CHECK(kept.receive_until("fine").starts_with("HTTP/1.1 200 "));
}

TEST_CASE("Server: a listener without bodies refuses each that is announced, whatever its form") {
  ListenerOptions options = on_loopback();
  options.max_body_bytes = 0;
  const RunningServer server(options, fine);
  for (const std::string announcement :
       {"Content-Length: 1\r\n", "Transfer-Encoding: chunked\r\n"}) {
    const RawClient client(server.port());
    client.send("GET / HTTP/1.1\r\nHost: here\r\n" + announcement + "\r\n");
    CHECK(client.receive_all().starts_with("HTTP/1.1 413 "));
  }
  const RawClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: here\r\nContent-Length: 0\r\n\r\n");
  CHECK(client.receive_until("fine").starts_with("HTTP/1.1 200 "));
}

/// Clients of one page that is larger than what the kernel keeps, which they never read.
std::vector<RawClient> deaf_clients(std::uint16_t port, std::size_t count) {
  std::string requests;
  for (int i = 0; i < 100; ++i) {
    requests += "GET / HTTP/1.1\r\nHost: here\r\n\r\n";
  }
  std::vector<RawClient> clients;
  while (clients.size() < count) {
    clients.emplace_back(port);
    clients.back().send(requests);
  }
  return clients;
}

TEST_CASE("Server: clients that never read take no place from those that do") {
  const auto page = std::make_shared<const std::string>(500'000, 'x');
  std::atomic<std::uint64_t> asked = 0;
  ListenerOptions options = on_loopback();
  options.max_connections = 20;
  const RunningServer server(options, [&](const Request& request) {
    ++asked;
    Response response = text_response("fine");
    if (request.path == "/") {
      response.body = std::vector<SharedBytes>{page};
    }
    return response;
  });
  const auto clients = deaf_clients(server.port(), 20);
  CHECK(eventually(60s, [&] { return asked == 20; }));
  CHECK(RawClient(server.port()).get("/small", "fine").ends_with("fine"));
  CHECK(server->stats().evicted ==
        std::array<std::uint64_t, 4>{0, 1, 0, 0});  // of which the second is not_read
  CHECK(server->stats().rejected_connections() == 0);
  CHECK(asked == 21);  // no pipelined request is looked at behind an answer that waits
}

TEST_CASE("Server: clients whose failed logins are held back take no place from others") {
  ListenerOptions options = on_loopback();
  options.max_connections = 5;
  std::atomic<int> failed = 0;
  const RunningServer server(options, [&](const Request& request) {
    Response response = text_response("fine");
    if (request.path == "/wrong") {
      response.delay = 1h;
      ++failed;
    }
    return response;
  });
  std::vector<RawClient> clients;
  for (int i = 0; i < 5; ++i) {
    clients.emplace_back(server.port());
    clients.back().send("GET /wrong HTTP/1.1\r\nHost: here\r\n\r\n");
  }
  CHECK(eventually(60s, [&] { return failed == 5; }));
  CHECK(RawClient(server.port()).get("/", "fine").ends_with("fine"));
}

/// A server whose answers come when they are completed.
struct LateServer {
  explicit LateServer(std::size_t places)
      : server(with(places), [this](const Request& request) {
          Response response = text_response("fine");
          if (request.path == "/later") {
            const DeferredResponse deferred(1h, [] { return text_response("otherwise"); });
            response.body = deferred;
            asked.with([&](auto& all) { all.push_back(deferred); });
          }
          return response;
        }) {}
  static ListenerOptions with(std::size_t places) {
    ListenerOptions options = on_loopback();
    options.max_connections = places;
    return options;
  }
  [[nodiscard]] std::vector<DeferredResponse> deferred() const { return asked.copy(); }

  base::Guarded<std::vector<DeferredResponse>> asked;
  RunningServer server;
};

constexpr std::string_view ask_later = "GET /later HTTP/1.1\r\nHost: here\r\n\r\n";

TEST_CASE("Server: clients that left while they waited take no place from others") {
  LateServer late(5);
  for (int i = 0; i < 5; ++i) {
    RawClient client(late.server.port());
    client.send(ask_later);
    CHECK(
        eventually(60s, [&] { return late.deferred().size() == static_cast<std::size_t>(i) + 1; }));
  }
  CHECK(RawClient(late.server.port()).get("/", "fine").ends_with("fine"));
  CHECK(late.server->stats().rejected_connections() == 0);
}

TEST_CASE("Server: a client that is gone for good is not waited for") {
  LateServer late(5);
  {
    RawClient client(late.server.port());
    client.send("GET / HTTP/1.1\r\nHost: here\r\n\r\n");
    CHECK(eventually(60s, [&] { return late.server->stats().accepted_connections == 1; }));
    client.send(ask_later);
    CHECK(eventually(60s, [&] { return late.deferred().size() == 1; }));
  }  // with a response unread: the connection is reset
  CHECK(eventually(60s, [&] { return late.server->stats().open_connections == 0; }));
}

TEST_CASE("Server: a client that has ended its side alone is answered") {
  LateServer late(5);
  const RawClient client(late.server.port());
  client.send(ask_later);
  client.send_end();
  CHECK(eventually(60s, [&] { return late.deferred().size() == 1; }));
  late.deferred()[0].complete(text_response("at last"));
  CHECK(client.receive_until("at last").ends_with("at last"));
}

TEST_CASE("Server: no owner's bodies keep another from sending one") {
  std::atomic<int> held = 0;
  std::atomic<bool> release = false;
  ListenerOptions options = on_loopback();
  options.max_body_bytes_in_all = 1'600'000;
  options.workers = {8};
  const RunningServer server(
      options,
      [&](const Request& request) {
        ++held;
        static_cast<void>(eventually(100s, [&] { return release.load(); }));
        return text_response(std::to_string(request.body.size()) + "\n");
      },
      [](const Request& head) {
        return HeadResult{.refusal = std::nullopt,
                          .queueing = {.owner = std::string(head.header("Owner").value_or(""))}};
      });
  const auto request = [](const std::string& owner) {
    return "POST / HTTP/1.1\r\nHost: here\r\nOwner: " + owner +
           "\r\nContent-Length: 165000\r\n\r\n" + std::string(165'000, 'x');
  };
  std::vector<RawClient> greedy;
  for (int i = 0; i < 4; ++i) {
    greedy.emplace_back(server.port());
    greedy.back().send(request("a"));
    CHECK(eventually(60s, [&] { return held == i + 1; }));
  }
  const RawClient fifth(server.port());
  fifth.send(request("a"));
  CHECK(fifth.receive_all().starts_with("HTTP/1.1 503 "));
  const RawClient other(server.port());
  other.send(request("b"));
  CHECK(eventually(60s, [&] { return held == 5; }));
  release = true;
  CHECK(other.receive_until("165000\n").ends_with("165000\n"));
}

TEST_CASE("Server: bodies are bounded over all connections, and the next is told to come back") {
  std::atomic<int> held = 0;
  std::atomic<bool> release = false;
  ListenerOptions options = on_loopback();
  options.max_body_bytes_in_all = 100'000;
  options.workers = {1};
  const RunningServer server(options, [&](const Request& request) {
    ++held;
    static_cast<void>(eventually(100s, [&] { return release.load(); }));
    return text_response(std::to_string(request.body.size()) + "\n");
  });
  const std::string request =
      "POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 80000\r\n\r\n" + std::string(80'000, 'x');
  const RawClient first(server.port());
  first.send(request);
  CHECK(eventually(60s, [&] { return held == 1; }));
  const RawClient second(server.port());
  second.send(request);
  const std::string answer = second.receive_all();
  CHECK(answer.starts_with("HTTP/1.1 503 "));
  CHECK(answer.find("\r\nRetry-After: 1\r\n") != std::string::npos);
  release = true;
  CHECK(first.receive_until("80000\n").ends_with("80000\n"));
  // The first body's share is given back a moment after its response.
  CHECK(eventually(60s, [&] {
    const RawClient third(server.port());
    third.send(request);
    return third.receive_until("80000\n").ends_with("80000\n");
  }));
}

TEST_CASE("Server: a client of too large an upload reads its refusal while it is still sending") {
  const RunningServer server(on_loopback(), fine);
  const RawClient client(server.port());
  client.send("POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 2000000\r\n\r\n");
  client.send(std::string(2'000'000, 'x'));
  CHECK(client.receive_until("\n").starts_with("HTTP/1.1 413 "));
}

TEST_CASE("Server: a thousand connections cut in every phase leave no descriptor behind") {
  const auto large = std::make_shared<const std::string>(1024 * 1024, 'x');
  ListenerOptions options = on_loopback();
  options.workers = {2};
  const RunningServer server(options, [&](const Request& request) {
    Response response;
    response.body = std::vector<SharedBytes>{large};
    if (request.path == "/later") {
      response.body = DeferredResponse(200ms, [] { return text_response("late"); });
    }
    return response;
  });
  const std::array<std::string, 8> phases = {
      "",
      "GET",
      "GET / HTTP/1.1\r\nHost: here\r\n\r\n",
      "GET /later HTTP/1.1\r\nHost: here\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 10\r\n\r\nabc",
      "POST / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
      "HEAD / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n",
      "not HTTP at all\r\n\r\n",
  };
  const std::size_t before = open_descriptors();
  for (std::size_t i = 0; i < 1000; ++i) {
    const RawClient client(server.port());
    client.send(phases[i % phases.size()]);
    if (i % 3 == 0) {
      static_cast<void>(client.is_closed());  // reads what is there
    }
  }
  CHECK(eventually(60s, [&] { return server->stats().accepted_connections == 1000; }));
  CHECK(eventually(60s, [&] { return server->stats().open_connections == 0; }));
  CHECK(eventually(60s, [&] { return open_descriptors() == before; }));
  CHECK(RawClient(server.port()).get("/", "x").starts_with("HTTP/1.1 200"));
}

/// Until it is gone, the process may open one more descriptor: a client's, not the server's.
class OneMoreDescriptor {
 public:
  OneMoreDescriptor() {
    const int lowest_free = ::dup(0);
    ::close(lowest_free);
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit one_more = before_;
    one_more.rlim_cur = static_cast<rlim_t>(lowest_free) + 1;
    ::setrlimit(RLIMIT_NOFILE, &one_more);
  }
  OneMoreDescriptor(const OneMoreDescriptor&) = delete;
  OneMoreDescriptor& operator=(const OneMoreDescriptor&) = delete;
  ~OneMoreDescriptor() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST_CASE(
    "Server: out of descriptors, the server waits, logs it once, and then serves the clients that "
    "waited") {
  if (std::string_view(REEVE_SANITIZED_BY).find("undefined") != std::string_view::npos) {
    tests::skip("UBSan itself needs a pipe to look at an object");
    return;
  }
  const RunningServer server(on_loopback(), fine);
  std::optional<OneMoreDescriptor> limit(std::in_place);
  const RawClient client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: here\r\n\r\n");
  CHECK(eventually(60s, [&] { return server.log().entries().size() == 1; }));
  limit.reset();
  CHECK(client.receive_until("fine").ends_with("fine"));
  REQUIRE(server.log().entries().size() == 1);
  CHECK(server.log().entries()[0].message == "cannot accept connections for now");
}

}  // namespace
}  // namespace reeve::http
