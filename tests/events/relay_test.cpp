#include "events/relay.h"

#include <csignal>
#include <thread>

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "events/listener_fixture.h"
#include "events/relay_end.h"
#include "http/listening_socket.h"
#include "support/eventually.h"
#include "support/temporary_folder.h"

namespace reeve::events {
namespace {

using namespace std::chrono_literals;
using base::ErrorKind;

constexpr auto patience = 60s;

/// An agent, and what it got so far.
class Agent : public RelayEnd {
 public:
  using RelayEnd::RelayEnd;

  /// All serials of the events so far, and for each gap the events lost, negative.
  [[nodiscard]] const std::vector<std::int64_t>& seen() {
    for (const Arrival& arrival : take()) {
      last_at_ = arrival.at;
      last_source_ = *arrival.source;
      const Event* const event = std::get_if<Event>(&arrival.what);
      seen_.push_back(event != nullptr
                          ? static_cast<std::int64_t>(event->serials.serial)
                          : -static_cast<std::int64_t>(std::get<Gap>(arrival.what).events));
    }
    return seen_;
  }
  [[nodiscard]] bool sees(const std::vector<std::int64_t>& expected) {
    return tests::eventually(patience, [&] { return seen() == expected; });
  }
  [[nodiscard]] const EventSource& last_source() const { return last_source_; }
  [[nodiscard]] const ReceiptTime& last_at() const { return last_at_; }

 private:
  std::vector<std::int64_t> seen_;
  EventSource last_source_;
  ReceiptTime last_at_{};
};

/// A relay on its thread.
class Relay {
 public:
  explicit Relay(const std::string& socket, std::size_t buffer_bytes = 1'000'000,
                 EventSource source = {"unix:///run/s.sock", "1.1"}, base::Duration drain = 1s) {
    ::signal(SIGPIPE, SIG_IGN);
    thread_ =
        std::jthread([this, socket, buffer_bytes, source, drain](const std::stop_token& stop) {
          RelayOptions options;
          options.socket = socket;
          options.buffer_bytes = buffer_bytes;
          options.drain = drain;
          result_ = relay_events(pipes_.take_streams(), source, options, clock_, base::Log(), stop);
        });
    REQUIRE(pipes_.hear(ready.size()) == ready);
  }
  /// One event, as supervisord sends it: the answer comes before the next.
  void tell(std::uint64_t serial, std::uint64_t pool_serial) {
    pipes_.send(tick_event(serial, pool_serial));
    REQUIRE(pipes_.hear(acknowledged.size()) == acknowledged);
  }
  void tell(std::uint64_t serial) { tell(serial, serial); }
  base::Result<void> end() {
    pipes_.close_input();
    thread_.join();
    return result_;
  }
  void stop() { thread_ = {}; }
  [[nodiscard]] Pipes& pipes() { return pipes_; }

 private:
  base::SystemClock clock_;
  Pipes pipes_;
  base::Result<void> result_;
  std::jthread thread_;
};

struct Scene {
  tests::TemporaryFolder folder;
  std::string socket = folder.path() + "/events.sock";
  Agent agent{socket};
};

TEST_CASE("Relay: a relay's events reach the agent in order, with their source and their time") {
  Scene scene;
  scene.agent.start();
  Relay relay(scene.socket);
  const base::SystemClock clock;
  const auto before = clock.steady_now();
  relay.tell(1);
  relay.tell(2);
  CHECK(scene.agent.sees({1, 2}));
  CHECK(scene.agent.last_source() == EventSource{"unix:///run/s.sock", "1.1"});
  CHECK(scene.agent.last_at().steady >= before - 1ms);
  CHECK(scene.agent.last_at().steady <= clock.steady_now());
}

TEST_CASE("Relay: supervisord does not wait for the agent, and no event is lost") {
  Scene scene;
  Relay relay(scene.socket);
  for (std::uint64_t i = 1; i <= 50; ++i) {
    relay.tell(i);
  }
  scene.agent.start();
  std::vector<std::int64_t> all(50);
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i] = static_cast<std::int64_t>(i) + 1;
  }
  CHECK(scene.agent.sees(all));
}

TEST_CASE("Relay: a restart of the agent loses nothing and counts nothing twice") {
  Scene scene;
  scene.agent.start();
  Relay relay(scene.socket);
  std::vector<std::int64_t> all;
  for (std::uint64_t i = 1; i <= 300; ++i) {
    relay.tell(i);
    all.push_back(static_cast<std::int64_t>(i));
    if (i % 50 == 0) {
      scene.agent.stop();
      scene.agent.start();
    }
  }
  CHECK(scene.agent.sees(all));
}

TEST_CASE("Relay: unacknowledged events are delivered again to the next agent") {
  Scene scene;
  // Takes connections and never acknowledges.
  const auto silent = http::ListeningSocket::open_unix(scene.socket, 0600);
  REQUIRE(silent);
  Relay relay(scene.socket);
  relay.tell(1);
  relay.tell(2);
  std::string bytes;
  base::Descriptor connection;
  REQUIRE(tests::eventually(patience, [&] {
    if (!connection.valid()) {
      connection.reset(::accept(silent->descriptor(), nullptr, nullptr));
    }
    return connection.valid() && receive_some(connection, bytes) == Transfer::done;
  }));
  ::unlink(scene.socket.c_str());
  scene.agent.start();
  connection.reset();
  CHECK(scene.agent.sees({1, 2}));
}

TEST_CASE("Relay: events that do not fit the relay's buffer are a gap at the agent") {
  Scene scene;
  scene.agent.start();
  Relay relay(scene.socket, 1000);
  relay.tell(1);
  REQUIRE(scene.agent.sees({1}));
  scene.agent.pause();
  constexpr std::int64_t last = 5000;  // more than the socket itself can hold
  for (std::uint64_t i = 2; i <= last; ++i) {
    relay.tell(i);
  }
  scene.agent.go_on();
  REQUIRE(tests::eventually(patience, [&] { return scene.agent.seen().back() == last; }));
  std::int64_t delivered = 0;
  std::int64_t lost = 0;
  for (const std::int64_t each : scene.agent.seen()) {
    (each < 0 ? lost : delivered) += each < 0 ? -each : 1;
  }
  CHECK(lost > 0);
  CHECK(delivered + lost == last);
}

/// How many events these are, and how many they say are lost.
std::pair<std::int64_t, std::int64_t> delivered_and_lost(const std::vector<std::int64_t>& seen) {
  std::pair<std::int64_t, std::int64_t> all{0, 0};
  for (const std::int64_t each : seen) {
    all.first += each > 0 ? 1 : 0;
    all.second += each < 0 ? -each : 0;
  }
  return all;
}

TEST_CASE("Relay: events that were dropped while no agent ran are a gap at the next one, once") {
  Scene scene;
  Relay relay(scene.socket, 1000);
  constexpr std::int64_t last = 50;
  for (std::uint64_t i = 1; i <= last; ++i) {
    relay.tell(i);
  }
  scene.agent.start();
  REQUIRE(tests::eventually(patience, [&] {
    const auto [delivered, lost] = delivered_and_lost(scene.agent.seen());
    return delivered + lost == last && lost > 0;
  }));
  scene.agent.stop();
  scene.agent.start();
  relay.tell(last + 1);
  REQUIRE(tests::eventually(patience, [&] { return scene.agent.seen().back() == last + 1; }));
  const auto [delivered, lost] = delivered_and_lost(scene.agent.seen());
  CHECK(delivered + lost == last + 1);
  // Another agent has acknowledged what there was: the next one misses nothing.
  Agent next{scene.socket};
  scene.agent.stop();
  next.start();
  relay.tell(last + 2);
  CHECK(next.sees({last + 2}));
}

TEST_CASE("Relay: what the agent cannot take yet stays with the relay") {
  tests::TemporaryFolder folder;
  const std::string socket = folder.path() + "/events.sock";
  Relay relay(socket);
  constexpr std::size_t count = 3000;
  for (std::uint64_t i = 1; i <= count; ++i) {
    relay.tell(i);
  }
  // One read brings some hundred events.
  RelayEnd agent(socket, 2000);
  agent.start();
  std::size_t events = 0;
  std::size_t gaps = 0;
  CHECK(tests::eventually(patience, [&] {
    for (const Arrival& each : agent.take()) {
      ++(std::holds_alternative<Gap>(each.what) ? gaps : events);
    }
    return events == count;
  }));
  CHECK(gaps == 0);
}

TEST_CASE("Relay: events delivered twice are counted once, over any number of connections") {
  Scene scene;
  scene.agent.start();
  for (int i = 0; i < 3; ++i) {
    Relay relay(scene.socket);
    relay.tell(1);
    relay.tell(2);
    relay.stop();
  }
  Relay relay(scene.socket);
  relay.tell(5);
  CHECK(scene.agent.sees({1, 2, -2, 5}));
}

TEST_CASE("Relay: a new supervisord numbers its events anew, and is recognised") {
  Scene scene;
  scene.agent.start();
  {
    Relay relay(scene.socket, 1'000'000, {"unix:///s", "10.100"});
    relay.tell(40);
    REQUIRE(scene.agent.sees({40}));
  }
  Relay relay(scene.socket, 1'000'000, {"unix:///s", "10.200"});
  relay.tell(0);
  relay.tell(1);
  CHECK(scene.agent.sees({40, 0, 1}));
}

TEST_CASE("Relay: several relays deliver side by side, each with its own numbering") {
  Scene scene;
  scene.agent.start();
  Relay one(scene.socket, 1'000'000, {"unix:///one", "1.1"});
  Relay two(scene.socket, 1'000'000, {"unix:///two", "2.2"});
  one.tell(7);
  REQUIRE(scene.agent.sees({7}));
  two.tell(7);
  REQUIRE(scene.agent.sees({7, 7}));
  CHECK(scene.agent.last_source().server_url == "unix:///two");
}

TEST_CASE("Relay: when supervisord ends a relay, its buffer is delivered first") {
  Scene scene;
  Relay relay(scene.socket, 1'000'000, {"unix:///run/s.sock", "1.1"}, patience);
  relay.tell(1);
  scene.agent.start();
  CHECK(relay.end());
  CHECK(scene.agent.sees({1}));
}

TEST_CASE("Relay: a relay without an agent exits after its drain time") {
  Scene scene;
  Relay relay(scene.socket);
  relay.tell(1);
  CHECK(relay.end());
}

TEST_CASE("Relay: a malformed frame closes its connection, and no other") {
  Scene scene;
  scene.agent.start();
  Relay relay(scene.socket);
  relay.tell(1);
  const std::string words =
      GENERATE(std::string("GET / HTTP/1.1\r\n\r\n"), encode(RelayedEvent{1, {}, {"x", "y"}}));
  const auto stranger = connect_unix(scene.socket);
  REQUIRE(stranger);
  REQUIRE(send_some(*stranger, words).transfer == Transfer::done);
  std::string answer;
  CHECK(tests::eventually(patience,
                          [&] { return receive_some(*stranger, answer) == Transfer::closed; }));
  relay.tell(2);
  CHECK(scene.agent.sees({1, 2}));
}

TEST_CASE("Relay: a process of another user is refused, even with permission on the socket") {
  if (::geteuid() != 0) {
    return;  // nobody else to be
  }
  Scene scene;
  scene.agent.start();
  ::chmod(scene.folder.path().c_str(), 0755);
  ::chmod(scene.socket.c_str(), 0666);
  const pid_t stranger = ::fork();
  REQUIRE(stranger >= 0);
  if (stranger == 0) {
    constexpr uid_t nobody = 65534;
    const auto connection =
        ::setuid(nobody) == 0 ? connect_unix(scene.socket) : base::Result<base::Descriptor>{};
    pollfd closed{connection ? connection->get() : -1, POLLIN, 0};
    std::string answer;
    const bool put_out =
        ::poll(&closed, 1, 20'000) == 1 && receive_some(*connection, answer) == Transfer::closed;
    ::_exit(put_out ? 0 : 1);
  }
  int status = -1;
  REQUIRE(::waitpid(stranger, &status, 0) == stranger);
  CHECK(status == 0);
}

TEST_CASE("RelayServer: only one agent can have the socket, and a stale one is replaced") {
  tests::TemporaryFolder folder;
  const std::string socket = folder.path() + "/events.sock";
  const base::SystemClock clock;
  Inbox inbox([] {});
  {
    const auto first = RelayServer::listen(socket, inbox, clock, {});
    REQUIRE(first);
    struct stat status {};
    REQUIRE(::stat(socket.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777U) == 0600U);
    const auto second = RelayServer::listen(socket, inbox, clock, {});
    REQUIRE_FALSE(second);
    CHECK(second.error().kind == ErrorKind::conflict);
  }
  CHECK(::access(socket.c_str(), F_OK) != 0);
  {
    const auto abandoned = http::ListeningSocket::open_unix(socket, 0600);
    REQUIRE(abandoned);
    REQUIRE(::rename(socket.c_str(), (socket + ".aside").c_str()) == 0);
  }
  REQUIRE(::rename((socket + ".aside").c_str(), socket.c_str()) == 0);
  REQUIRE(::access(socket.c_str(), F_OK) == 0);
  CHECK(RelayServer::listen(socket, inbox, clock, {}));
}

TEST_CASE("RelayServer: a socket file that another agent has replaced is left alone") {
  tests::TemporaryFolder folder;
  const std::string socket = folder.path() + "/events.sock";
  const base::SystemClock clock;
  Inbox inbox([] {});
  auto first = RelayServer::listen(socket, inbox, clock, {});
  REQUIRE(first);
  ::unlink(socket.c_str());
  const auto second = RelayServer::listen(socket, inbox, clock, {});
  REQUIRE(second);
  first->reset();
  CHECK(connect_unix(socket));
}

TEST_CASE("RelayServer: an impossible socket path is an error") {
  tests::TemporaryFolder folder;
  const base::SystemClock clock;
  Inbox inbox([] {});
  const auto kind = [&](const std::string& path) {
    const auto server = RelayServer::listen(path, inbox, clock, {});
    REQUIRE_FALSE(server);
    return server.error().kind;
  };
  CHECK(kind(folder.path() + "/no/folder") == ErrorKind::invalid_argument);
  CHECK(kind(folder.path() + "/" + std::string(200, 'x')) == ErrorKind::invalid_argument);
  CHECK(kind("") == ErrorKind::invalid_argument);
  CHECK(kind(folder.write("file", "precious")) == ErrorKind::conflict);
  // Somebody's datagram socket, which nobody can connect to as to ours.
  const std::string other = folder.path() + "/notify";
  const base::Descriptor datagrams(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  other.copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
  REQUIRE(::bind(datagrams.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
          0);
  CHECK(kind(other) == ErrorKind::conflict);
  CHECK(::access(other.c_str(), F_OK) == 0);
}

TEST_CASE("source_of_listener: a listener's source names its parent process") {
  const EventSource source = source_of_listener("unix:///s");
  CHECK(source.server_url == "unix:///s");
  const std::string pid = std::to_string(::getppid()) + ".";
  REQUIRE(source.daemon.starts_with(pid));
  CHECK(source.daemon.size() > pid.size());
  CHECK(source.daemon.find_first_not_of("0123456789.") == std::string::npos);
}

}  // namespace
}  // namespace reeve::events
