// Bodies that are made while they are sent, and the clients that read them badly.

#include <atomic>
#include <optional>
#include <thread>

#include "base/guarded.h"
#include "http/raw_client.h"
#include "http/running_server.h"
#include "support/eventually.h"

namespace reeve::http {
namespace {

using namespace std::chrono_literals;
using tests::eventually;

constexpr std::string_view get = "GET /feed HTTP/1.1\r\nHost: here\r\n\r\n";

/// Answers /feed with a feed, of which the test has the other end, and all else at once.
class StreamHandler {
 public:
  explicit StreamHandler(StreamOptions options = {}) : options_(std::move(options)) {}

  Response operator()(const Request& request) const {
    if (request.path != "/feed") {
      return text_response("fine");
    }
    auto stream = make_stream(options_);
    stream.writer.on_disconnect([gone = gone_] { *gone = true; });
    feed_->with([&](auto& feed) { feed = stream.writer; });
    Response response;
    response.headers = {{"Content-Type", "text/plain"}};
    response.body = std::move(stream.reader);
    return response;
  }
  /// Once somebody has asked for it.
  [[nodiscard]] StreamWriter feed() const {
    REQUIRE(eventually(60s, [&] { return feed_->copy().has_value(); }));
    return *feed_->copy();
  }
  [[nodiscard]] bool client_is_gone() const {
    return eventually(60s, [&] { return gone_->load(); });
  }

 private:
  StreamOptions options_;
  std::shared_ptr<base::Guarded<std::optional<StreamWriter>>> feed_ =
      std::make_shared<base::Guarded<std::optional<StreamWriter>>>();
  std::shared_ptr<std::atomic<bool>> gone_ = std::make_shared<std::atomic<bool>>(false);
};

StreamOptions with_heartbeat() {
  StreamOptions options;
  options.heartbeat = ":\n\n";
  options.heartbeat_interval = 10ms;
  return options;
}

TEST_CASE("Server: a stream arrives piece by piece, in chunks, and its end is seen") {
  const StreamHandler handler;
  const RunningServer server(on_loopback(), handler);
  const RawClient client(server.port());
  client.send(get);
  const std::string head = client.receive_until("\r\n\r\n");
  CHECK(head ==
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n"
        "Connection: close\r\n\r\n");
  const StreamWriter feed = handler.feed();
  feed.write("first");
  CHECK(client.receive_until("first\r\n") == "5\r\nfirst\r\n");
  feed.write("a second piece");
  CHECK(client.receive_until("piece\r\n") == "e\r\na second piece\r\n");
  feed.write("last");
  feed.end();
  CHECK(client.receive_all() == "4\r\nlast\r\n0\r\n\r\n");
}

TEST_CASE("Server: a client of HTTP/1.0 gets the bare bytes until the connection ends") {
  const StreamHandler handler;
  const RunningServer server(on_loopback(), handler);
  const RawClient client(server.port());
  client.send("GET /feed HTTP/1.0\r\n\r\n");
  const StreamWriter feed = handler.feed();
  feed.write("bytes");
  feed.end();
  const std::string answer = client.receive_all();
  CHECK(answer.find("Transfer-Encoding") == std::string::npos);
  CHECK(answer.find("Content-Length") == std::string::npos);
  CHECK(answer.ends_with("\r\n\r\nbytes"));
}

TEST_CASE("Server: HEAD gets no body, and the stream is disconnected") {
  const StreamHandler handler;
  const RunningServer server(on_loopback(), handler);
  const RawClient client(server.port());
  client.send("HEAD /feed HTTP/1.1\r\nHost: here\r\n\r\n");
  CHECK(client.receive_all().ends_with("Connection: close\r\n\r\n"));
  CHECK(handler.client_is_gone());
}

TEST_CASE("Server: a client that disconnects while there is nothing to send is noticed") {
  const StreamHandler handler;
  const RunningServer server(on_loopback(), handler);
  RawClient client(server.port());
  client.send(get);
  CHECK(client.receive_until("\r\n\r\n").starts_with("HTTP/1.1 200 "));
  SECTION("closing its connection") {
    client.close();
  }
  SECTION("closing its end alone") {
    client.send_end();
  }
  SECTION("with more requests in flight") {
    client.send(std::string(get) + std::string(get));
    client.close();
  }
  CHECK(handler.client_is_gone());
  CHECK_FALSE(handler.feed().write("x"));
  CHECK(eventually(60s, [&] { return server->stats().open_connections == 0; }));
}

TEST_CASE(
    "Server: a client that reads too slowly is disconnected in the middle, and blocks no other") {
  const StreamHandler handler;
  const RunningServer server(on_loopback(), handler);
  const RawClient client(server.port());
  client.send(get);
  const StreamWriter feed = handler.feed();
  const std::string piece(64 * 1024, 'x');
  CHECK(eventually(60s, [&] {
    for (int i = 0; i < 1000; ++i) {
      if (!feed.write(piece)) {
        return true;
      }
    }
    return false;
  }));
  CHECK(handler.client_is_gone());
  CHECK(RawClient(server.port()).get("/", "fine").ends_with("fine"));
  CHECK_FALSE(client.receive_all().ends_with("0\r\n\r\n"));
}

TEST_CASE("Server: a client that reads nothing is closed after the write timeout") {
  const StreamHandler handler;
  ListenerOptions options = on_loopback();
  options.write_timeout = 50ms;
  const RunningServer server(options, handler);
  const RawClient client(server.port());
  client.send(get);
  handler.feed().write(std::string(32 * 1024 * 1024, 'x'));
  CHECK(handler.client_is_gone());
  CHECK_FALSE(client.receive_all().ends_with("0\r\n\r\n"));
}

TEST_CASE("Server: a producer that waits for room sends a slow client everything") {
  StreamOptions narrow;
  narrow.max_waiting = 1000;
  const StreamHandler handler(narrow);
  const RunningServer server(on_loopback(), handler);
  const RawClient client(server.port());
  client.send("GET /feed HTTP/1.0\r\n\r\n");
  const StreamWriter feed = handler.feed();
  const std::jthread producer([&] {
    for (int i = 0; i < 20'000; ++i) {
      feed.write(std::string(999, 'x') + "\n", 10s);
    }
    feed.end();
  });
  const std::string answer = client.receive_all();
  CHECK(answer.size() - answer.find("\r\n\r\n") - 4 == 20'000'000);
}

TEST_CASE("Server: while there is nothing to send there are heartbeats") {
  const StreamHandler handler(with_heartbeat());
  const RunningServer server(on_loopback(), handler);
  const RawClient client(server.port());
  client.send(get);
  CHECK(client.receive_until("3\r\n:\n\n\r\n3\r\n:\n\n\r\n").ends_with("3\r\n:\n\n\r\n"));
  const StreamWriter feed = handler.feed();
  feed.write("news");
  feed.end();
  CHECK(client.receive_all().find("4\r\nnews\r\n") != std::string::npos);
}

TEST_CASE("Server: a stop ends a stream properly, with the bytes written before") {
  const StreamHandler handler;
  const RunningServer server(on_loopback(), handler);
  const RawClient client(server.port());
  client.send(get);
  CHECK(client.receive_until("\r\n\r\n").starts_with("HTTP/1.1 200 "));
  handler.feed().write("last words");
  const std::jthread stopper([&] { server.stop(1h); });
  CHECK(client.receive_all().ends_with("last words\r\n0\r\n\r\n"));
  CHECK(handler.client_is_gone());
}

TEST_CASE("Server: a producer that never ends does not hold up a stop of the server") {
  const StreamHandler handler;
  const RunningServer server(on_loopback(), handler);
  const RawClient client(server.port());
  client.send(get);
  const StreamWriter feed = handler.feed();
  const std::jthread producer([&] {
    while (feed.write("more and more ", 10s)) {
    }
  });
  const std::jthread stopper([&] { server.stop(1h); });
  CHECK(client.receive_all().ends_with("\r\n0\r\n\r\n"));
  CHECK(handler.client_is_gone());
}

TEST_CASE("Server: a stream that is never sent is disconnected") {
  const StreamHandler handler;
  ListenerOptions options = on_loopback();
  options.workers = {1};
  std::atomic<bool> running = false;
  std::atomic<bool> released = false;
  const RunningServer server(options, [&](const Request& request) {
    running = true;
    static_cast<void>(eventually(100s, [&] { return released.load(); }));
    return handler(request);
  });
  {
    const RawClient client(server.port());
    client.send(get);
    CHECK(eventually(60s, [&] { return running.load(); }));
  }
  released = true;
  CHECK(handler.client_is_gone());
}

TEST_CASE("Server: a stream's writer may outlive the server") {
  const StreamHandler handler;
  RunningServer server(on_loopback(), handler);
  const RawClient client(server.port());
  client.send(get);
  const StreamWriter feed = handler.feed();
  server.destroy();
  CHECK_FALSE(feed.write("nobody hears"));
  feed.end();
}

}  // namespace
}  // namespace reeve::http
