#include "alerts/resolved.h"

#include <string>

#include "support/catch.h"

namespace reeve::alerts {
namespace {

using namespace std::chrono_literals;

base::SystemTime when(base::Duration time) {
  return base::SystemTime(time);
}

bool everybody(const std::string& /*sender*/) {
  return true;
}

bool has(const ResolvedAlerts& all, const std::string& fingerprint, base::Duration began = 0s) {
  return all.is_resolved("hung", fingerprint, when(began), everybody);
}

void add_many(ResolvedAlerts& all, const std::string& sender, std::size_t count) {
  for (std::size_t number = 0; number < count; ++number) {
    (void)all.add({"hung", sender + std::to_string(number), sender}, when(1s));
  }
}

TEST_CASE("ResolvedAlerts: what began before the alert's last end is over") {
  ResolvedAlerts all;
  CHECK(all.add({"hung", "f1", "am"}, when(10s)));
  CHECK_FALSE(all.add({"hung", "f1", "am"}, when(5s)));
  CHECK_FALSE(all.add({"hung", "f1", "am"}, when(10s)));
  CHECK(has(all, "f1", 10s));
  CHECK_FALSE(has(all, "f1", 11s));
  CHECK_FALSE(has(all, "f2"));
  CHECK_FALSE(all.is_resolved("other", "f1", when(0s), everybody));
  CHECK(all.add({"hung", "f1", "am"}, when(11s)));
  CHECK(has(all, "f1", 11s));
}

TEST_CASE("ResolvedAlerts: only a sender that speaks for the process ends its alert") {
  ResolvedAlerts all;
  (void)all.add({"hung", "f1", "stranger"}, when(10s));
  const auto not_the_stranger = [](const std::string& sender) { return sender != "stranger"; };
  CHECK_FALSE(all.is_resolved("hung", "f1", when(1s), not_the_stranger));
  (void)all.add({"hung", "f1", "am"}, when(5s));
  CHECK(all.is_resolved("hung", "f1", when(1s), not_the_stranger));
  CHECK_FALSE(all.is_resolved("hung", "f1", when(6s), not_the_stranger));
}

TEST_CASE("ResolvedAlerts: a sender forgets its own oldest, not those of others") {
  ResolvedAlerts all;
  (void)all.add({"hung", "f1", "am"}, when(1s));
  add_many(all, "noisy", 2 * ResolvedAlerts::max_alerts);
  CHECK(has(all, "f1"));
  CHECK(all.size() == 1 + ResolvedAlerts::max_alerts_of_sender);
  CHECK_FALSE(has(all, "noisy0"));
  CHECK(has(all, "noisy" + std::to_string(2 * ResolvedAlerts::max_alerts - 1)));
}

TEST_CASE("ResolvedAlerts: of too many the sender with most forgets one") {
  ResolvedAlerts all;
  add_many(all, "a", ResolvedAlerts::max_alerts_of_sender);
  add_many(all, "b", ResolvedAlerts::max_alerts_of_sender - 1);
  (void)all.add({"hung", "f1", "am"}, when(1s));
  (void)all.add({"hung", "f2", "am"}, when(1s));
  CHECK(all.size() == ResolvedAlerts::max_alerts);
  CHECK(has(all, "f1"));
  CHECK(has(all, "b0"));
  CHECK_FALSE(has(all, "a0"));
}

TEST_CASE("ResolvedAlerts: they come back from their text, none from the future") {
  ResolvedAlerts all;
  (void)all.add({"hung", "f1", "b"}, when(10s));
  (void)all.add({"hung", "f2", "a"}, when(20s));
  CHECK(ResolvedAlerts::parse(all.text(), when(1h)) == all);
  const auto earlier = ResolvedAlerts::parse(all.text(), when(15s));
  REQUIRE(earlier);
  CHECK(has(*earlier, "f2", 15s));
  CHECK_FALSE(has(*earlier, "f2", 16s));
  for (const char* text : {"", "{}", "[]", R"({"version":1})", R"({"version":2,"alerts":[]})",
                           R"({"version":1,"alerts":[{"rule":"a"}]})"}) {
    CAPTURE(text);
    CHECK_FALSE(ResolvedAlerts::parse(text, when(1h)));
  }
}

}  // namespace
}  // namespace reeve::alerts
