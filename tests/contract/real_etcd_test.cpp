// What only real nodes of etcd can show: quorum, leaders, leases, tokens, and claims from many
// hosts at once.

#include "support/real_etcd.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <thread>

#include "coordination/etcd_coordinator.h"
#include "coordination/etcd_keys.h"
#include "http/base64.h"
#include "http/client.h"
#include "support/bad_server.h"
#include "support/catch.h"
#include "support/eventually.h"
#include "support/recording_sink.h"

namespace reeve::coordination {
namespace {

using namespace std::chrono_literals;
using base::Deadline;
using tests::eventually;
using tests::RealEtcd;

constexpr auto patience = 100s;
const base::SystemClock the_clock;

Deadline soon() {
  return Deadline::after(the_clock, patience);
}

Options options_for(const std::vector<base::Endpoint>& endpoints, const std::string& name) {
  Options options;
  options.etcd.endpoints = endpoints;
  options.etcd.timeout = 30s;  // the machine is busy
  options.member.name = name;
  options.lease = 300s;
  return options;
}

ClaimRequest request_of(const std::string& operation, const std::string& host = "one") {
  return {.limit = "web",
          .holder = {host, "web:web", operation, base::SystemTime(1'700'000'000s), false}};
}

/// Held slots and used budget entries, asked of etcd.
std::pair<std::size_t, std::size_t> taken(const RealEtcd& etcd) {
  const etcd::Keys keys("default");
  const auto count = [&](const etcd::KeyRange& range) {
    const std::string answer = etcd.post(
        "/v3/kv/range", R"({"key":")" + http::encode_base64(range.first) + R"(","range_end":")" +
                            http::encode_base64(range.end) + "\"}");
    std::size_t found = 0;
    for (std::size_t at = answer.find("\"key\""); at != std::string::npos;
         at = answer.find("\"key\"", at + 1)) {
      ++found;
    }
    return found;
  };
  return {count(keys.slots("web")), count(keys.budget_entries("web"))};
}

bool skipped() {
  if (RealEtcd::is_installed()) {
    return false;
  }
  tests::skip("etcd is not installed");
  return true;
}

TEST_CASE("three nodes: a hundred claim at once, exactly three win, then two, then none") {
  if (skipped()) {
    return;
  }
  // On a busy machine they would elect another leader meanwhile.
  const RealEtcd etcd(3, {"--heartbeat-interval", "500", "--election-timeout", "5000"});
  EtcdCoordinator one(options_for(etcd.endpoints(), "one"), the_clock, {});
  REQUIRE(one.change(SetLimit{"web", {.at_once = 3, .budget = Budget{5, 1h}}}, soon()));
  std::size_t round = 0;
  for (const auto& [wins, otherwise] : {std::pair{3U, ClaimOutcome::no_free_slot},
                                        {2U, ClaimOutcome::budget_used_up},
                                        {0U, ClaimOutcome::budget_used_up}}) {
    std::mutex mutex;
    std::vector<Slot> won;
    std::vector<ClaimOutcome> lost;
    ++round;
    {
      std::vector<std::jthread> claimers;
      for (int i = 0; i < 100; ++i) {
        claimers.emplace_back([&, i] {
          const auto result =
              one.claim(request_of(std::to_string(round) + "-" + std::to_string(i)), soon());
          const std::scoped_lock lock(mutex);
          if (result.outcome == ClaimOutcome::won) {
            won.push_back(result.slot);
          } else {
            lost.push_back(result.outcome);
          }
        });
      }
    }
    CHECK(won.size() == wins);
    CHECK(std::all_of(lost.begin(), lost.end(),
                      [&, otherwise = otherwise](ClaimOutcome each) { return each == otherwise; }));
    CHECK(taken(etcd).first == wins);
    for (Slot& slot : won) {
      slot.budget_lease = 0;  // it acted
      one.release(slot, soon());
    }
  }
  CHECK(taken(etcd) == std::pair<std::size_t, std::size_t>(0, 5));
  const auto requests = one.stats().requests;
  const auto found = requests.find({"transaction", "success"});
  REQUIRE(found != requests.end());
  // One read for each claimer, and a few tries: no storm of them.
  CHECK(found->second < 300 * 5);
}

TEST_CASE("three nodes: without a quorum a claim fails closed, and wins when it is back") {
  if (skipped()) {
    return;
  }
  RealEtcd etcd(3);
  Options options = options_for(etcd.endpoints(), "one");
  EtcdCoordinator one(options, the_clock, {});
  REQUIRE(one.change(SetLimit{"web", {.at_once = 1, .budget = std::nullopt}}, soon()));
  etcd.freeze(1);
  etcd.freeze(2);
  options.etcd.timeout = 500ms;
  EtcdCoordinator hasty(options, the_clock, {});
  const auto lost = hasty.claim(request_of("1"), Deadline::after(the_clock, 2s));
  CHECK(lost.outcome == ClaimOutcome::unreachable);
  CHECK_FALSE(lost.detail.empty());
  CHECK_FALSE(hasty.stats().up);
  etcd.thaw(1);
  etcd.thaw(2);
  CHECK(eventually(
      patience, [&] { return one.claim(request_of("2"), soon()).outcome == ClaimOutcome::won; }));
}

TEST_CASE("three nodes: the leader is killed, claims and the watch go on with the others") {
  if (skipped()) {
    return;
  }
  RealEtcd etcd(3);
  Options options = options_for(etcd.endpoints(), "one");
  EtcdCoordinator one(options, the_clock, {});
  one.start();
  REQUIRE(one.change(SetLimit{"web", {.at_once = 1, .budget = std::nullopt}}, soon()));
  REQUIRE(eventually(patience, [&] { return one.view()->limits.contains("web"); }));
  std::optional<std::size_t> leader;
  REQUIRE(eventually(patience, [&] {
    leader = etcd.leader();
    return leader.has_value();
  }));
  etcd.kill(*leader);
  std::optional<Slot> slot;
  CHECK(eventually(patience, [&] {
    const auto result = one.claim(request_of("1"), soon());
    slot = result.slot;
    return result.outcome == ClaimOutcome::won;
  }));
  CHECK(eventually(patience, [&] {
    const auto view = one.view();
    return view->current && view->limits.at("web").held.size() == 1;
  }));
}

TEST_CASE("a slot of an agent that died is free after its lease, and not before") {
  if (skipped()) {
    return;
  }
  const RealEtcd etcd;
  Options options = options_for(etcd.endpoints(), "two");
  EtcdCoordinator other(options, the_clock, {});
  REQUIRE(other.change(SetLimit{"web", {.at_once = 1, .budget = std::nullopt}}, soon()));
  options.lease = 15s;
  options.member.name = "one";
  Slot lost;
  {
    EtcdCoordinator dies(options, the_clock, {});
    const auto won = dies.claim(request_of("1"), soon());
    REQUIRE(won.outcome == ClaimOutcome::won);
    lost = won.slot;
  }
  CHECK(other.claim(request_of("2"), soon()).outcome == ClaimOutcome::no_free_slot);
  CHECK(eventually(
      patience, [&] { return other.claim(request_of("2"), soon()).outcome == ClaimOutcome::won; }));
}

TEST_CASE("a slot is kept for longer than its lease while its agent lives") {
  if (skipped()) {
    return;
  }
  const RealEtcd etcd;
  Options options = options_for(etcd.endpoints(), "one");
  options.lease = 15s;
  EtcdCoordinator one(options, the_clock, {});
  one.start();
  REQUIRE(one.change(SetLimit{"web", {.at_once = 1, .budget = std::nullopt}}, soon()));
  const auto won = one.claim(request_of("1"), soon());
  REQUIRE(won.outcome == ClaimOutcome::won);
  const auto keepalives = [&] {
    const auto requests = one.stats().requests;
    const auto found = requests.find({"keepalive", "success"});
    return found == requests.end() ? 0 : found->second;
  };
  // Of the member's own lease and of the slot's: more than two leases of 15 s, renewed every 5 s.
  CHECK(eventually(patience, [&] { return keepalives() >= 14; }));
  CHECK(one.claim(request_of("2"), soon()).outcome == ClaimOutcome::no_free_slot);
}

TEST_CASE(
    "two agents of one name: the second is not entered, says so, and may claim all the same") {
  if (skipped()) {
    return;
  }
  const RealEtcd etcd;
  const auto sink = std::make_shared<tests::RecordingSink>();
  const auto says = [&](const std::string& text) {
    const auto entries = sink->entries();
    return std::any_of(entries.begin(), entries.end(), [&](const auto& entry) {
      return entry.message.find(text) != std::string::npos;
    });
  };
  Options options = options_for(etcd.endpoints(), "one");
  options.member.metrics = "first:9180";
  EtcdCoordinator first(options, the_clock, {});
  first.start();
  const auto entered = [&](const std::string& metrics) {
    const auto all = first.members(soon());
    return all && all->size() == 1 && all->front().alive && all->front().info.metrics == metrics;
  };
  REQUIRE(eventually(patience, [&] { return entered("first:9180"); }));
  options.member.metrics = "second:9180";
  EtcdCoordinator second(options, the_clock, base::Log(sink));
  second.start();
  CHECK(eventually(patience, [&] { return says("another agent has this member's name"); }));
  CHECK(entered("first:9180"));
  REQUIRE(second.change(SetLimit{"web", {.at_once = 1, .budget = std::nullopt}}, soon()));
  CHECK(second.claim(request_of("1"), soon()).outcome == ClaimOutcome::won);
  first.stop(soon());
  CHECK(eventually(patience, [&] { return says("the member's name is free"); }));
  CHECK(entered("second:9180"));
}

TEST_CASE("etcd's tokens are lost: the coordinator signs in again and goes on") {
  if (skipped()) {
    return;
  }
  RealEtcd etcd;
  REQUIRE_FALSE(etcd.post("/v3/auth/user/add", R"({"name":"root","password":"r"})").empty());
  REQUIRE_FALSE(etcd.post("/v3/auth/user/add", R"({"name":"reeve","password":"pw"})").empty());
  REQUIRE_FALSE(etcd.post("/v3/auth/role/add", R"({"name":"root"})").empty());
  REQUIRE_FALSE(etcd.post("/v3/auth/role/add", R"({"name":"reeve"})").empty());
  REQUIRE_FALSE(
      etcd.post("/v3/auth/role/grant", R"({"name":"reeve","perm":{"permType":"READWRITE","key":")" +
                                           http::encode_base64("/reeve/") + R"(","range_end":")" +
                                           http::encode_base64("/reeve0") + "\"}}")
          .empty());
  REQUIRE_FALSE(etcd.post("/v3/auth/user/grant", R"({"user":"root","role":"root"})").empty());
  REQUIRE_FALSE(etcd.post("/v3/auth/user/grant", R"({"user":"reeve","role":"reeve"})").empty());
  REQUIRE_FALSE(etcd.post("/v3/auth/enable", "{}").empty());

  Options options = options_for(etcd.endpoints(), "one");
  EtcdCoordinator nobody(options, the_clock, {});
  const auto refused = nobody.change(SetLimit{"web", {}}, soon());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == base::ErrorKind::denied);
  CHECK_THAT(refused.error().message, Catch::Contains("coordination.etcd.username"));

  options.etcd.username = "reeve";
  options.etcd.password = base::Secret("wrong");
  EtcdCoordinator wrong(options, the_clock, {});
  CHECK_FALSE(wrong.change(SetLimit{"web", {}}, soon()));

  options.etcd.password = base::Secret("pw");
  EtcdCoordinator one(options, the_clock, {});
  one.start();
  REQUIRE(one.change(SetLimit{"web", {}}, soon()));
  REQUIRE(eventually(patience, [&] { return one.view()->limits.contains("web"); }));
  etcd.kill(0);  // simple tokens are in its memory alone
  etcd.start(0);
  CHECK(eventually(patience, [&] {
    return one.change(SetLimit{"db", {}}, soon()).has_value() &&
           one.view()->limits.contains("db") && one.view()->current;
  }));
}

/// Hands each request on to a node of etcd, and the answer back unless it is to be kept. A watch
/// says nothing.
class Proxy {
 public:
  Proxy(base::Endpoint node, std::string silent_on)
      : silent_on_(std::move(silent_on)),
        node_(std::move(node)),
        server_([this](tests::BadConnection& connection) { serve(connection); }) {}

  [[nodiscard]] base::Endpoint endpoint() const {
    return base::Endpoint::parse(server_.url(), "/").value();
  }
  void set_silent(bool silent) { is_silent_ = silent; }

 private:
  void serve(tests::BadConnection& connection) {
    if (!connection.read_request()) {
      return;
    }
    const std::string& text = connection.request();
    const std::string path = text.substr(5, text.find(' ', 5) - 5);
    const std::string body = text.substr(text.find("\r\n\r\n") + 4);
    if (path == "/v3/watch") {
      connection.wait_until_closed();
      return;
    }
    http::Client client(node_);
    const auto answer = client.send({.method = "POST", .path = path, .headers = {}, .body = body},
                                    {.body_bytes = 1 << 20}, soon());
    const bool keeps =
        is_silent_ && path == "/v3/kv/txn" && body.find(silent_on_) != std::string::npos;
    if (keeps || !answer) {
      connection.wait_until_closed();
      return;
    }
    connection.send("HTTP/1.1 " + std::to_string(answer->status) + " x\r\nContent-Length: " +
                    std::to_string(answer->body.size()) + "\r\n\r\n" + answer->body);
  }

  std::atomic<bool> is_silent_ = false;
  std::string silent_on_;
  base::Endpoint node_;
  tests::BadServer server_;
};

TEST_CASE("a claim that was carried out and not answered is found by its operation's id") {
  if (skipped()) {
    return;
  }
  const RealEtcd etcd;
  Proxy proxy(etcd.endpoints().front(), "request_put");
  Options options = options_for({proxy.endpoint(), etcd.endpoints().front()}, "one");
  options.etcd.timeout = 3s;
  EtcdCoordinator one(options, the_clock, {});
  REQUIRE(one.change(SetLimit{"web", {.at_once = 2, .budget = Budget{5, 1h}}}, soon()));
  proxy.set_silent(true);
  const auto won = one.claim(request_of("1"), soon());
  CHECK(won.outcome == ClaimOutcome::won);
  CHECK(taken(etcd) == std::pair<std::size_t, std::size_t>(1, 1));
}

TEST_CASE("a claim whose outcome cannot be found out leaves neither slot nor budget entry") {
  if (skipped()) {
    return;
  }
  const RealEtcd etcd;
  Proxy proxy(etcd.endpoints().front(), "request_put");
  Options options = options_for({proxy.endpoint()}, "one");
  EtcdCoordinator one(options, the_clock, {});
  REQUIRE(one.change(SetLimit{"web", {.at_once = 1, .budget = Budget{5, 1h}}}, soon()));
  options.etcd.timeout = 3s;
  EtcdCoordinator two(options, the_clock, {});
  two.start();
  proxy.set_silent(true);
  // The read back finds it: it won. Its deadline is over before the read: it is given up.
  const auto given_up = two.claim(request_of("1"), Deadline::after(the_clock, 2s));
  CHECK(given_up.outcome != ClaimOutcome::no_free_slot);
  if (given_up.outcome == ClaimOutcome::won) {
    two.release(given_up.slot, soon());
  }
  CHECK(eventually(patience, [&] { return taken(etcd).first == 0; }));
  if (given_up.outcome == ClaimOutcome::unreachable) {
    CHECK(eventually(patience, [&] { return taken(etcd).second == 0; }));
  }
}

TEST_CASE("a watch whose revisions are compacted reads anew and goes on") {
  if (skipped()) {
    return;
  }
  const RealEtcd etcd;
  // Says of the first watch what etcd says after a compaction; the others never end.
  std::atomic<int> watches = 0;
  tests::BadServer server([&](tests::BadConnection& connection) {
    if (!connection.read_request()) {
      return;
    }
    const std::string& text = connection.request();
    const std::string path = text.substr(5, text.find(' ', 5) - 5);
    if (path == "/v3/watch") {
      const std::string line =
          ++watches == 1
              ? R"({"result":{"header":{"revision":"9"},"canceled":true,"compact_revision":"8"}})"
              : R"({"result":{"header":{"revision":"9"},"created":true}})";
      connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
      connection.send("100\r\n" + line + std::string(0x100 - line.size() - 1, ' ') + "\n\r\n");
      connection.wait_until_closed();
      return;
    }
    http::Client client(etcd.endpoints().front());
    const auto answer = client.send({.method = "POST",
                                     .path = path,
                                     .headers = {},
                                     .body = text.substr(text.find("\r\n\r\n") + 4)},
                                    {.body_bytes = 1 << 20}, soon());
    if (answer) {
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(answer->body.size()) +
                      "\r\n\r\n" + answer->body);
    }
  });
  EtcdCoordinator direct(options_for(etcd.endpoints(), "direct"), the_clock, {});
  REQUIRE(direct.change(SetLimit{"web", {}}, soon()));
  EtcdCoordinator one(options_for({base::Endpoint::parse(server.url(), "/").value()}, "one"),
                      the_clock, {});
  one.start();
  CHECK(eventually(patience, [&] { return watches >= 2 && one.view()->current; }));
  CHECK(one.view()->limits.contains("web"));
}

}  // namespace
}  // namespace reeve::coordination
