// The bounds of what people change for all hosts; the changes themselves with the real etcd:
// tests/contract.

#include "coordination/etcd_changes.h"

#include <nlohmann/json.hpp>

#include "http/base64.h"
#include "support/bad_server.h"
#include "support/catch.h"

namespace reeve::coordination::etcd {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t replaced_lease = 7;

SharedMaintenance window_of(const std::string& actor, const std::string& scope) {
  return {scope, "disks", actor, "one", base::SystemTime(1'800'000'000s), 1h};
}

/// Grants the lease 9, and says of each transaction that it took the place of a key of another.
std::string one_for_all() {
  return tests::http_ok(R"({"ID":"9","TTL":"300","succeeded":true,"header":{"revision":"2"},)"
                        R"("responses":[{"response_range":{"kvs":[{"key":")" +
                        http::encode_base64("/reeve/default/maintenance/x") +
                        R"(","value":"","lease":"7"}]}}]})");
}

class Changes {
 public:
  base::Result<void> make(const Change& change) {
    return carry_out(change, {.gateway = gateway_,
                              .keys = keys_,
                              .claims = claims_,
                              .seen = seen,
                              .deadline = base::Deadline::after(clock_, 60s),
                              .abandoned = abandoned});
  }

  View seen;
  std::vector<std::int64_t> abandoned;

 private:
  [[nodiscard]] EtcdOptions options() const {
    EtcdOptions made;
    made.endpoints = {base::Endpoint::parse(server_.url(), "/").value()};
    made.timeout = 30s;
    return made;
  }

  base::SystemClock clock_;
  tests::BadServer server_{tests::answers(one_for_all())};
  Keys keys_{"default"};
  Gateway gateway_{options(), clock_};
  Claims claims_{gateway_, keys_, 300s};
};

TEST_CASE("SetMaintenance: an actor has half of the places, others have the rest") {
  Changes test;
  for (std::size_t i = 0; i < SharedMaintenance::max_windows / 2; ++i) {
    test.seen.maintenance.push_back(window_of("ann", "p" + std::to_string(i)));
  }
  const auto refused = test.make(SetMaintenance{window_of("ann", "one-more")});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == base::ErrorKind::conflict);
  CHECK_THAT(refused.error().message, Catch::Contains("clear one"));
  CHECK(test.make(SetMaintenance{window_of("ann", "p0")}));  // replaces its own: takes no place
  CHECK(test.make(SetMaintenance{window_of("ann", "*")}));
  CHECK(test.make(SetMaintenance{window_of("bob", "one-more")}));
}

TEST_CASE("SetMaintenance: where all places are taken the scope * can still be set") {
  Changes test;
  for (std::size_t i = 0; i < SharedMaintenance::max_windows; ++i) {
    test.seen.maintenance.push_back(window_of(i % 2 == 0 ? "ann" : "bob", "p" + std::to_string(i)));
  }
  CHECK_FALSE(test.make(SetMaintenance{window_of("eve", "one-more")}));
  CHECK(test.make(SetMaintenance{window_of("eve", "*")}));
}

TEST_CASE("SetMaintenance, ClearMaintenance: the lease of what they replace is given up") {
  Changes test;
  REQUIRE(test.make(SetMaintenance{window_of("ann", "x")}));
  CHECK(test.abandoned == std::vector<std::int64_t>{replaced_lease});
  REQUIRE(test.make(ClearMaintenance{"x"}));
  CHECK(test.abandoned == std::vector<std::int64_t>{replaced_lease, replaced_lease});
}

}  // namespace
}  // namespace reeve::coordination::etcd
