// Handlers that take their time, responses that come later, and the end of the server.

#include <atomic>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include "base/guarded.h"
#include "http/raw_client.h"
#include "http/response_body.h"
#include "http/running_server.h"
#include "support/eventually.h"

namespace reeve::http {
namespace {

using namespace std::chrono_literals;
using tests::eventually;

constexpr std::string_view get_request = "GET / HTTP/1.1\r\nHost: here\r\n\r\n";

ListenerOptions with_workers(std::size_t workers) {
  ListenerOptions options = on_loopback();
  options.workers = {workers};
  return options;
}

/// A handler that answers /slow once it is released, and all else at once.
class SlowHandler {
 public:
  Response operator()(const Request& request) const {
    if (request.path == "/slow") {
      ++state_->running;
      static_cast<void>(eventually(100s, [&] { return state_->released.load(); }));
    }
    return text_response("fine");
  }
  void release() const { state_->released = true; }
  [[nodiscard]] bool is_running() const { return state_->running > 0; }

 private:
  struct State {
    std::atomic<bool> released = false;
    std::atomic<int> running = 0;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

/// Hands out Laters and keeps their handles, to be completed by the test.
class DeferredHandler {
 public:
  explicit DeferredHandler(std::chrono::nanoseconds patience) : patience_(patience) {}
  Response operator()(const Request&) const {
    const DeferredResponse deferred(patience_, [] { return text_response("otherwise"); });
    given_->with([&](auto& given) { given = deferred; });
    Response response;
    response.body = deferred;
    return response;
  }
  [[nodiscard]] std::optional<DeferredResponse> given() const { return given_->copy(); }

 private:
  std::chrono::nanoseconds patience_;
  std::shared_ptr<base::Guarded<std::optional<DeferredResponse>>> given_ =
      std::make_shared<base::Guarded<std::optional<DeferredResponse>>>();
};

TEST_CASE("Server: while a handler takes its time, others are served") {
  const SlowHandler handler;
  const RunningServer server(with_workers(2), handler);
  const RawClient slow(server.port());
  slow.send("GET /slow HTTP/1.1\r\nHost: here\r\n\r\n");
  CHECK(eventually(60s, [&] { return handler.is_running(); }));
  CHECK(RawClient(server.port()).get("/", "fine").ends_with("fine"));
  handler.release();
  CHECK(slow.receive_until("fine").ends_with("fine"));
}

TEST_CASE("Server: more requests than may wait for a worker get a 503") {
  const SlowHandler handler;
  ListenerOptions options = with_workers(1);
  options.max_queued = 1;
  const RunningServer server(options, handler);
  const RawClient running(server.port());
  running.send("GET /slow HTTP/1.1\r\nHost: here\r\n\r\n");
  CHECK(eventually(60s, [&] { return handler.is_running(); }));
  const RawClient one(server.port());
  const RawClient other(server.port());
  one.send(get_request);
  other.send(get_request);
  CHECK(eventually(60s, [&] { return one.is_closed() || other.is_closed(); }));
  const RawClient& queued = one.is_closed() ? other : one;
  handler.release();
  CHECK(running.receive_until("fine").ends_with("fine"));
  CHECK(queued.receive_until("fine").ends_with("fine"));
  const std::string third = RawClient(server.port()).get("/", "fine");
  CHECK(third.ends_with("fine"));
}

TEST_CASE("Server: a worker's exception is a 500, and the worker lives on") {
  const RunningServer server(with_workers(1), [](const Request& request) -> Response {
    if (request.path == "/throw") {
      throw std::runtime_error("no");
    }
    return text_response("fine");
  });
  CHECK(RawClient(server.port()).get("/throw", "\n\n").starts_with("HTTP/1.1 500 "));
  CHECK(RawClient(server.port()).get("/", "fine").ends_with("fine"));
}

TEST_CASE("Server: a client may disconnect while its request is handled") {
  const SlowHandler handler;
  const RunningServer server(with_workers(1), handler);
  {
    const RawClient client(server.port());
    client.send("GET /slow HTTP/1.1\r\nHost: here\r\n\r\n");
    CHECK(eventually(60s, [&] { return handler.is_running(); }));
  }
  handler.release();
  CHECK(eventually(60s, [&] { return server->stats().open_connections == 0; }));
  CHECK(RawClient(server.port()).get("/", "fine").ends_with("fine"));
}

TEST_CASE("Server: a deferred response holds no worker") {
  const DeferredHandler handler(1h);
  const RunningServer server(with_workers(1), handler);
  std::vector<RawClient> clients;
  std::vector<DeferredResponse> responses;
  for (int i = 0; i < 5; ++i) {
    clients.emplace_back(server.port());
    clients.back().send(get_request);
    CHECK(eventually(60s, [&] {
      const auto given = handler.given();
      return given && (responses.empty() || *given != responses.back());
    }));
    responses.push_back(*handler.given());
  }
  for (std::size_t i = 5; i-- > 0;) {
    responses[i].complete(text_response("answer " + std::to_string(i)));
    CHECK(clients[i].receive_until(std::to_string(i)).ends_with("answer " + std::to_string(i)));
  }
}

TEST_CASE("Server: a deferred response that is complete already is sent at once") {
  const RunningServer server(on_loopback(), [](const Request&) {
    const DeferredResponse deferred(1h, [] { return text_response("otherwise"); });
    deferred.complete(text_response("already"));
    Response response;
    response.body = deferred;
    return response;
  });
  CHECK(RawClient(server.port()).get("/", "already").ends_with("already"));
}

TEST_CASE("Server: a deferred response that is not completed in time is replaced by its fallback") {
  const DeferredHandler handler(10ms);
  const RunningServer server(on_loopback(), handler);
  const RawClient client(server.port());
  CHECK(client.get("/", "otherwise").ends_with("otherwise"));
  handler.given()->complete(text_response("too late"));
  CHECK(client.get("/", "otherwise").ends_with("otherwise"));
}

TEST_CASE("Server: a deferred response may be completed after its client and its server are gone") {
  const DeferredHandler handler(1h);
  {
    RunningServer server(on_loopback(), handler);
    const RawClient client(server.port());
    client.send(get_request);
    CHECK(eventually(60s, [&] { return handler.given().has_value(); }));
    client.send_end();
    server.destroy();
  }
  handler.given()->complete(text_response("nobody hears"));
  CHECK_FALSE(handler.given()->ready());
}

TEST_CASE("Server: a delayed answer delays no other") {
  const RunningServer server(with_workers(1), [](const Request& request) {
    Response response = text_response("fine");
    if (request.path == "/login") {
      response.delay = 1h;
    }
    return response;
  });
  const RawClient intruder(server.port());
  intruder.send("GET /login HTTP/1.1\r\nHost: here\r\n\r\n");
  CHECK(RawClient(server.port()).get("/", "fine").ends_with("fine"));
  CHECK_FALSE(intruder.is_closed());
}

TEST_CASE("Server: a delayed answer comes after its delay") {
  const RunningServer server(on_loopback(), [](const Request&) {
    Response response = text_response("fine");
    response.delay = 20ms;
    return response;
  });
  CHECK(RawClient(server.port()).get("/", "fine").ends_with("fine"));
}

TEST_CASE("Server: a stop lets a request in progress finish, and closes idle connections") {
  const SlowHandler handler;
  const RunningServer server(with_workers(1), handler);
  const RawClient idle(server.port());
  CHECK(idle.get("/", "fine").ends_with("fine"));
  const RawClient half_open(server.port());
  half_open.send("GET /");
  const RawClient slow(server.port());
  slow.send("GET /slow HTTP/1.1\r\nHost: here\r\n\r\n");
  CHECK(eventually(60s, [&] { return handler.is_running(); }));
  const std::jthread stopper([&] { server.stop(10s); });
  CHECK(idle.receive_all().empty());
  CHECK(half_open.receive_all().empty());
  CHECK_FALSE(RawClient(server.port()).is_connected());
  handler.release();
  const std::string answer = slow.receive_all();
  CHECK(answer.ends_with("fine"));
  CHECK(answer.find("Connection: close\r\n") != std::string::npos);
}

TEST_CASE("Server: a stop sends deferred and delayed responses at once") {
  const DeferredHandler handler(1h);
  const RunningServer server(on_loopback(), [&](const Request& request) {
    if (request.path == "/delay") {
      Response response = text_response("delayed");
      response.delay = 1h;
      return response;
    }
    return handler(request);
  });
  const RawClient deferred(server.port());
  deferred.send(get_request);
  const RawClient delayed(server.port());
  delayed.send("GET /delay HTTP/1.1\r\nHost: here\r\n\r\n");
  CHECK(eventually(60s, [&] {
    return handler.given().has_value() && server->stats().accepted_connections == 2;
  }));
  const std::jthread stopper([&] { server.stop(10s); });
  CHECK(deferred.receive_all().ends_with("otherwise"));
}

TEST_CASE("Server: at its deadline a stop closes connections that still send or receive") {
  const auto large = std::make_shared<const std::string>(32 * 1024 * 1024, 'x');
  const RunningServer server(on_loopback(), [&](const Request&) {
    Response response;
    response.body = std::vector<SharedBytes>{large};
    return response;
  });
  const RawClient not_reading(server.port());
  not_reading.send(get_request);
  const RawClient not_sending(server.port());
  not_sending.send("POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 10\r\n\r\n");
  CHECK(eventually(60s, [&] { return server->stats().accepted_connections == 2; }));
  server.stop(50ms);
  CHECK(server->stats().open_connections == 0);
}

TEST_CASE("Server: a stop is cut short by its stop token") {
  const RunningServer server(on_loopback(), [](const Request&) { return text_response("fine"); });
  const RawClient client(server.port());
  client.send("POST / HTTP/1.1\r\nHost: here\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
  CHECK(client.receive_until("\r\n\r\n").starts_with("HTTP/1.1 100 "));
  std::stop_source hurry;
  const base::SystemClock clock;
  const std::jthread stopper(
      [&] { server->stop(base::Deadline::after(clock, 1h, hurry.get_token())); });
  CHECK(server->stats().open_connections == 1);
  hurry.request_stop();
  CHECK(client.receive_all().empty());
}

TEST_CASE("Server: stopping twice is harmless, and so is never having started") {
  const RunningServer server(on_loopback(), [](const Request&) { return text_response("fine"); });
  server.stop(1s);
  server.stop(1s);
  const auto unstarted = Server::open(on_loopback(), {}, {});
  REQUIRE(unstarted);
  const base::SystemClock clock;
  (*unstarted)->stop(base::Deadline::after(clock, 1s));
}

}  // namespace
}  // namespace reeve::http
