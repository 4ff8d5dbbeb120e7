// The coordinator's threads against a server that says what etcd says, or something else; with the
// real one: tests/contract.

#include "coordination/etcd_coordinator.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <sstream>
#include <stdexcept>

#include "coordination/etcd_keys.h"
#include "http/base64.h"
#include "support/bad_server.h"
#include "support/catch.h"
#include "support/eventually.h"
#include "support/recording_sink.h"

namespace reeve::coordination {
namespace {

using namespace std::chrono_literals;
using tests::BadConnection;
using tests::BadServer;
using tests::eventually;

constexpr auto patience = 60s;

/// The time of now; what pauses does not wait for it, or only for its stop.
class PausingClock final : public base::Clock {
 public:
  explicit PausingClock(bool stays) : stays_(stays) {}

  [[nodiscard]] base::SteadyTime steady_now() const override { return system_.steady_now(); }
  [[nodiscard]] base::SystemTime system_now() const override { return system_.system_now(); }
  // NOLINTNEXTLINE(modernize-use-nodiscard): as in the interface
  bool wait_until(base::SteadyTime, const std::stop_token& stop) const override {
    ++pauses_;
    return !stays_ || system_.wait_until(steady_now() + patience, stop);
  }
  [[nodiscard]] int pauses() const { return pauses_; }

 private:
  base::SystemClock system_;
  bool stays_;
  mutable std::atomic<int> pauses_ = 0;
};

/// Answers as an etcd that has nothing, and grants the lease 7; a watch as `watch` says.
struct LittleEtcd {
  explicit LittleEtcd(BadServer::Script its_watch)
      : watch(std::move(its_watch)), server([this](BadConnection& each) { answer(each); }) {}

  void answer(BadConnection& connection) {
    if (!connection.read_request()) {
      return;
    }
    const std::string& request = connection.request();
    const auto asks = [&](std::string_view path) {
      return request.starts_with("POST " + std::string(path) + " ");
    };
    if (asks("/v3/watch")) {
      watch(connection);
    } else if (asks("/v3/lease/grant")) {
      connection.send(tests::http_ok(R"({"ID":"7","TTL":"300"})"));
    } else if (asks("/v3/lease/keepalive")) {
      keepalive(connection);
    } else if (asks("/v3/kv/txn")) {
      connection.send(tests::http_ok(R"({"succeeded":)" + std::string(commits ? "true" : "false") +
                                     R"(,"header":{"revision":"1"}})"));
    } else {
      connection.send(tests::http_ok(range.copy()));
    }
  }
  [[nodiscard]] std::size_t asked(const std::string& path, const std::string& body = "") const {
    const auto all = server.requests();
    return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](const auto& each) {
      return each.starts_with("POST " + path + " ") && each.find(body) != std::string::npos;
    }));
  }
  [[nodiscard]] Options options() const {
    Options made;
    made.etcd.endpoints = {base::Endpoint::parse(server.url(), "/").value()};
    made.etcd.timeout = 30s;  // the machine is busy
    made.member.name = "one";
    made.lease = 300s;
    return made;
  }

  BadServer::Script watch;
  std::atomic<bool> commits = true;
  base::Guarded<std::string> range{R"({"header":{"revision":"1","cluster_id":"7"}})"};
  BadServer::Script keepalive = [](BadConnection& connection) {
    connection.send(tests::http_ok(R"({"result":{"ID":"7","TTL":"300"}})"));
  };
  BadServer server;
};

constexpr auto created =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    "1c\r\n{\"result\":{\"created\":true}}\n\r\n";

BadServer::Script created_and_stays() {
  return [](BadConnection& connection) {
    connection.send(created);
    connection.wait_until_closed();
  };
}

TEST_CASE("EtcdCoordinator: a release that was not possible is made when it stops") {
  const LittleEtcd etcd(created_and_stays());
  const base::SystemClock clock;
  EtcdCoordinator one(etcd.options(), clock, {});
  one.release({"web", 0, 11, 12}, base::Deadline::after(clock, 0s));
  CHECK(etcd.asked("/v3/lease/revoke") == 0);
  one.stop(base::Deadline::after(clock, patience));
  CHECK(etcd.asked("/v3/lease/revoke", R"("ID":"11")") == 1);
  CHECK(etcd.asked("/v3/lease/revoke", R"("ID":"12")") == 1);
}

TEST_CASE("EtcdCoordinator: a budget entry is given back before its slot") {
  const LittleEtcd etcd(created_and_stays());
  const base::SystemClock clock;
  EtcdCoordinator one(etcd.options(), clock, {});
  one.release({"web", 0, 11, 12}, base::Deadline::after(clock, patience));
  const auto all = etcd.server.requests();
  REQUIRE(all.size() == 2);
  CHECK(all[0].find(R"("ID":"12")") != std::string::npos);
  CHECK(all[1].find(R"("ID":"11")") != std::string::npos);
}

TEST_CASE("EtcdCoordinator: an etcd that was put in another's place is read anew") {
  const std::string other = GENERATE(as<std::string>(), R"("revision":"0")",
                                     R"("revision":"1","cluster_id":"17801134699010623715")");
  const std::string line = R"({"result":{"created":true,"header":{)" + other + "}}}\n";
  std::ostringstream chunk;
  chunk << "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        << std::hex << line.size() << "\r\n"
        << line << "\r\n";
  const LittleEtcd etcd([text = chunk.str()](BadConnection& connection) {
    connection.send(text);
    connection.wait_until_closed();
  });
  const PausingClock clock(false);
  EtcdCoordinator one(etcd.options(), clock, {});
  one.start();
  CHECK(eventually(patience, [&] { return etcd.asked("/v3/kv/range") > 2; }));
  CHECK_FALSE(one.view()->current);
}

TEST_CASE("EtcdCoordinator: where its own lease is not known all is read anew") {
  std::atomic<bool> is_known = true;
  LittleEtcd etcd(created_and_stays());
  etcd.keepalive = [&](BadConnection& connection) {
    connection.send(tests::http_ok(is_known.exchange(true) ? R"({"result":{"ID":"7","TTL":"3"}})"
                                                           : R"({"result":{"ID":"7"}})"));
  };
  Options options = etcd.options();
  options.lease = 3s;
  const base::SystemClock clock;
  EtcdCoordinator one(options, clock, {});
  one.start();
  REQUIRE(eventually(patience, [&] { return one.view()->current; }));
  const auto readings = [&] {
    const auto all = etcd.server.requests();
    return std::count_if(all.begin(), all.end(), [](const std::string& each) {
      return each.starts_with("POST /v3/kv/range ") && each.find("count_only") == std::string::npos;
    });
  };
  const auto before = readings();
  is_known = false;
  CHECK(eventually(patience, [&] { return readings() > before && one.view()->current; }));
}

/// An answer that tells of these keys and values.
std::string told(const std::vector<std::pair<std::string, std::string>>& all) {
  std::string kvs;
  for (const auto& [key, value] : all) {
    kvs += (kvs.empty() ? R"({"key":")" : R"(,{"key":")") + http::encode_base64(key) +
           R"(","value":")" + http::encode_base64(value) + R"(","mod_revision":"1","lease":"7"})";
  }
  return R"({"header":{"revision":"1","cluster_id":"7"},"kvs":[)" + kvs + "]}";
}

TEST_CASE("EtcdCoordinator: a value that is too long is not kept, a slot is held all the same") {
  LittleEtcd etcd(created_and_stays());
  const etcd::Keys keys("default");
  const SharedMaintenance window{"*",   std::string(max_document_bytes, 'x'), "ann",
                                 "one", base::SystemTime(1'800'000'000s),     1h};
  etcd.range.with([&](std::string& answer) {
    answer = told({{keys.limit("web"), to_text(Limit{})},
                   {keys.slot("web", 0), std::string(max_document_bytes + 1, 'x')},
                   {keys.maintenance("*"), to_text(window)}});
  });
  const base::SystemClock clock;
  EtcdCoordinator one(etcd.options(), clock, {});
  one.start();
  REQUIRE(eventually(patience, [&] { return one.view()->current; }));
  CHECK(one.view()->maintenance.empty());
  REQUIRE(one.view()->limits.contains("web"));
  CHECK(one.view()->limits.at("web").held.size() == 1);
}

TEST_CASE("EtcdCoordinator: values are kept up to sixteen mebibytes in all") {
  LittleEtcd etcd(created_and_stays());
  const etcd::Keys keys("default");
  std::vector<std::pair<std::string, std::string>> all;
  for (int i = 0; i < 600; ++i) {
    const std::string scope = "p" + std::to_string(i);
    all.emplace_back(
        keys.maintenance(scope),
        to_text(SharedMaintenance{scope, std::string(std::size_t{30} * 1024, 'x'), "ann", "one",
                                  base::SystemTime(1'800'000'000s), 1h}));
  }
  etcd.range.with([&](std::string& answer) { answer = told(all); });
  const base::SystemClock clock;
  EtcdCoordinator one(etcd.options(), clock, {});
  one.start();
  REQUIRE(eventually(patience, [&] { return one.view()->current; }));
  std::size_t most = 0;
  for (std::size_t bytes = 0; bytes + all.front().second.size() <= std::size_t{16} * 1024 * 1024;
       bytes += all.front().second.size()) {
    ++most;
  }
  CHECK(one.view()->maintenance.size() > most - 10);
  CHECK(one.view()->maintenance.size() <= most);
}

TEST_CASE("EtcdCoordinator: an error in the place of an answer ends no lease") {
  LittleEtcd etcd(created_and_stays());
  etcd.keepalive = [](BadConnection& connection) {
    connection.send(tests::http_ok(R"({"error":{"message":"no leader"}})"));
  };
  Options options = etcd.options();
  options.lease = 3s;
  const base::SystemClock clock;
  EtcdCoordinator one(options, clock, {});
  one.start();
  REQUIRE(eventually(patience, [&] { return etcd.asked("/v3/lease/keepalive") >= 3; }));
  CHECK(etcd.asked("/v3/lease/grant") == 1);
}

TEST_CASE("EtcdCoordinator: a member whose key was deleted is entered anew") {
  LittleEtcd etcd(created_and_stays());
  const PausingClock clock(false);
  EtcdCoordinator one(etcd.options(), clock, {});
  one.start();
  REQUIRE(eventually(patience, [&] { return etcd.asked("/v3/kv/txn") == 1; }));
  etcd.commits = false;
  MemberReport report;
  report.groups["web"]["RUNNING"] = 1;
  one.report(report);
  REQUIRE(eventually(patience, [&] { return etcd.asked("/v3/kv/txn") > 1; }));
  etcd.commits = true;
  CHECK(eventually(patience, [&] { return etcd.asked("/v3/lease/grant") > 1; }));
}

TEST_CASE("EtcdCoordinator: a watch that ends at once is repeated after a pause") {
  const LittleEtcd etcd(
      [](BadConnection& connection) { connection.send(std::string(created) + "0\r\n\r\n"); });
  const PausingClock clock(true);
  EtcdCoordinator one(etcd.options(), clock, {});
  one.start();
  REQUIRE(eventually(patience, [&] { return clock.pauses() == 1; }));
  CHECK(etcd.asked("/v3/watch") == 1);
  CHECK(one.view()->read);
  CHECK_FALSE(one.view()->current);
}

TEST_CASE("EtcdCoordinator: a watch that was cut off is asked for again") {
  std::atomic<int> watches = 0;
  const LittleEtcd etcd([&](BadConnection& connection) {
    if (++watches == 1) {
      connection.send(std::string(created) + "0\r\n\r\n");
    } else {
      created_and_stays()(connection);
    }
  });
  const PausingClock clock(false);
  EtcdCoordinator one(etcd.options(), clock, {});
  one.start();
  CHECK(eventually(patience, [&] { return watches == 2 && one.view()->current; }));
}

TEST_CASE("EtcdCoordinator: while leases cannot be renewed nothing else is asked") {
  std::atomic<bool> is_lost = false;
  LittleEtcd etcd(created_and_stays());
  etcd.keepalive = [&](BadConnection& connection) {
    connection.send(is_lost ? "HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n"
                            : tests::http_ok(R"({"result":{"ID":"7","TTL":"3"}})"));
  };
  Options options = etcd.options();
  options.lease = 3s;  // renewed, and members counted, every second
  const base::SystemClock clock;
  EtcdCoordinator one(options, clock, {});
  one.start();
  const auto counts = [&] { return etcd.asked("/v3/kv/range", "count_only"); };
  REQUIRE(eventually(patience, [&] { return counts() >= 2; }));
  is_lost = true;
  const std::size_t keepalives = etcd.asked("/v3/lease/keepalive");
  REQUIRE(
      eventually(patience, [&] { return etcd.asked("/v3/lease/keepalive") >= keepalives + 2; }));
  const std::size_t counted = counts();
  const std::size_t asked = etcd.asked("/v3/lease/keepalive");
  REQUIRE(eventually(patience, [&] { return etcd.asked("/v3/lease/keepalive") >= asked + 3; }));
  CHECK(counts() == counted);
  is_lost = false;
  CHECK(eventually(patience, [&] { return counts() > counted; }));
}

/// Throws once, at this message.
class ThrowingSink final : public base::LogSink {
 public:
  explicit ThrowingSink(std::string message) : message_(std::move(message)) {}

  void write(const base::LogRecord& record) override {
    if (record.message == message_ && !has_thrown_.exchange(true)) {
      throw std::runtime_error("the disk is full");
    }
    kept_.write(record);
  }
  void configure(const base::LogOptions&) override {}
  [[nodiscard]] bool says(std::string_view text) const {
    const auto entries = kept_.entries();
    return std::any_of(entries.begin(), entries.end(), [&](const auto& entry) {
      return entry.message.find(text) != std::string::npos;
    });
  }

 private:
  std::string message_;
  std::atomic<bool> has_thrown_ = false;
  tests::RecordingSink kept_;
};

TEST_CASE("EtcdCoordinator: its threads outlive what a round of theirs throws") {
  const LittleEtcd etcd(created_and_stays());
  const PausingClock clock(false);
  const auto sink = std::make_shared<ThrowingSink>("etcd answers");
  EtcdCoordinator one(etcd.options(), clock, base::Log(sink));
  std::atomic<int> changes = 0;
  one.on_change([&] {
    if (++changes == 1) {
      throw std::runtime_error("no memory");
    }
  });
  one.start();
  CHECK(eventually(patience, [&] { return one.view()->current; }));
  CHECK(changes > 1);
  CHECK(eventually(patience, [&] { return sink->says("an exception ended a thread's work"); }));
  CHECK(eventually(patience, [&] { return sink->says("etcd answers"); }));
}

}  // namespace
}  // namespace reeve::coordination
