#include "api/recent_decisions.h"

#include <string>

#include "api/api_fixture.h"
#include "support/catch.h"

namespace reeve::api {
namespace {

using control::AuditEntry;
using tests::ApiFixture;
using tests::get;
using tests::json_of;

const base::SystemTime now{std::chrono::seconds(1'700'000'000)};

AuditEntry entry_about(const std::string& group, const std::string& name, std::string reason,
                       base::SystemTime at = now) {
  AuditEntry entry;
  entry.at = at;
  entry.target = guards::Target{"", {group, name}};
  entry.reason = std::move(reason);
  return entry;
}

TEST_CASE("RecentDecisions: about a process and its group, of the last day, oldest first") {
  RecentDecisions decisions;
  decisions.add({entry_about("web", "front", "old", now - std::chrono::hours(25)),
                 entry_about("web", "front", "second", now - std::chrono::hours(1)),
                 entry_about("web", "", "first", now - std::chrono::hours(2)),
                 entry_about("web", "back", "other"), AuditEntry()});
  const auto found = decisions.about({"", {"web", "front"}}, now);
  REQUIRE(found.size() == 2);
  CHECK(found[0].reason == "first");
  CHECK(found[1].reason == "second");
  CHECK(decisions.about({"", {"job", "job"}}, now).empty());
}

TEST_CASE("RecentDecisions: none displaces another's, and in all they are bounded") {
  RecentDecisions decisions;
  decisions.add({entry_about("quiet", "one", "kept")});
  for (int i = 0; i < 100; ++i) {
    decisions.add({entry_about("loud", "one", std::to_string(i))});
  }
  for (int i = 0; i < 400; ++i) {
    for (int j = 0; j < 20; ++j) {
      decisions.add({entry_about("many", std::to_string(i), "")});
    }
  }
  CHECK(decisions.about({"", {"quiet", "one"}}, now).size() == 1);
  const auto loud = decisions.about({"", {"loud", "one"}}, now);
  CHECK(loud.size() <= RecentDecisions::max_of_one);
  CHECK(loud.back().reason == "99");
  std::size_t all = 1 + loud.size();
  for (int i = 0; i < 400; ++i) {
    all += decisions.about({"", {"many", std::to_string(i)}}, now).size();
  }
  CHECK(all == RecentDecisions::max_entries);
}

TEST_CASE(
    "RecentDecisions: what an earlier run recorded is read once, and nothing is there twice") {
  RecentDecisions decisions;
  const AuditEntry since_start = entry_about("web", "front", "since");
  decisions.add({since_start});
  int reads = 0;
  const auto read = [&](base::SystemTime, std::size_t) -> base::Result<RecentDecisions::Entries> {
    if (++reads == 1) {
      return base::failure(base::ErrorKind::internal, "unreadable");
    }
    return RecentDecisions::Entries{
        entry_about("web", "front", "before", now - std::chrono::hours(1)), since_start};
  };
  CHECK_FALSE(decisions.load(read, now));
  CHECK(decisions.load(read, now));
  CHECK(decisions.load(read, now));
  CHECK(reads == 2);
  CHECK(decisions.about({"", {"web", "front"}}, now).size() == 2);
}

TEST_CASE("GET decisions: the audit's entries about a process, for those who may read of it") {
  ApiFixture fixture;
  const auto at = fixture.world.manual.system_now();
  fixture.audit->record({entry_about("web", "front", "before", at)});
  const std::string path = "/api/v1/processes/web:front/decisions";
  CHECK(json_of(fixture.api.handle(get(path))).size() == 1);
  const AuditEntry later = entry_about("web", "front", "later", at + std::chrono::seconds(1));
  fixture.world.manual.advance(std::chrono::seconds(2));
  fixture.api.observe({later});
  const auto list = json_of(fixture.api.handle(get(path, tests::web_token)));
  REQUIRE(list.size() == 2);
  CHECK(list[1]["reason"].get<std::string>() == "later");
  CHECK(fixture.api.handle(get("/api/v1/processes/job/decisions", tests::web_token)).status == 403);
  CHECK(fixture.api.handle(get("/api/v1/processes/nobody/decisions")).status == 200);
}

}  // namespace
}  // namespace reeve::api
