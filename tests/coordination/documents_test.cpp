#include "coordination/documents.h"

#include "support/catch.h"

namespace reeve::coordination {
namespace {

using namespace std::chrono_literals;

TEST_CASE("documents: what is written is read again") {
  const Limit limit{.at_once = 3, .budget = Budget{5, 1h}, .hold_failed = 90s};
  CHECK(parse_limit(to_text(limit)) == limit);
  CHECK(parse_limit(to_text(Limit{})) == Limit{});
  const Holder holder{"host7", "web:web_00", "17-3", base::SystemTime(1'700'000'000s), true};
  CHECK(parse_holder(to_text(holder)) == holder);
  const SharedMaintenance window{
      "web:*", "new disks", "ann", "host7", base::SystemTime(1'700'000'000s), 600s};
  CHECK(parse_maintenance(to_text(window)) == window);
  const MemberInfo info{"host7", "host7:9180", "https://host7:9181", "1.2.3", {{"rack", "a"}}};
  CHECK(parse_member("host7", to_text(info)) == info);
  MemberReport report;
  report.groups["web"] = {{"RUNNING", 3}, {"FATAL", 1}};
  report.problems = {{"web:web_03", "FATAL"}};
  report.guards = 2;
  report.configuration_revision = "abc";
  CHECK(parse_report(to_text(report)) == report);
}

TEST_CASE("documents: a limit that is out of range is none") {
  for (const char* text :
       {"", "x", "[]", R"({"at_once":0})", R"({"at_once":1001})", R"({"at_once":"1"})",
        R"({"at_once":-1})", R"({"at_once":1,"budget":{"count":0,"window":60}})",
        R"({"at_once":1,"budget":{"count":1,"window":0}})", R"({"at_once":1,"hold_failed":-1})",
        R"({"at_once":1,"hold_failed":9223372036854775807})", R"({"at_once":1,"budget":7})"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_limit(text));
  }
}

TEST_CASE("documents: what others write is bounded, and cannot forge a line") {
  const auto holder =
      parse_holder(R"({"host":"a\nb\u001b[31m","process":")" + std::string(5000, 'p') +
                   R"(","operation":"1","since":"2026-01-01T00:00:00Z"})");
  REQUIRE(holder);
  CHECK(holder->host == "a?b?[31m");
  CHECK(holder->process.size() == 1024);
  CHECK_FALSE(parse_holder(std::string(max_document_bytes, ' ') + "{}"));
  CHECK_FALSE(parse_holder(R"({"host":"a","since":"yesterday"})"));
  CHECK_FALSE(parse_member("../x", "{}"));
  CHECK_FALSE(parse_member("", "{}"));
  const auto member = parse_member("a", R"({"labels":{"ok":"1","not ok":"2","__x":"3","7":"4"}})");
  REQUIRE(member);
  CHECK(member->labels == std::map<std::string, std::string>{{"__x", "3"}, {"ok", "1"}});
  CHECK_FALSE(parse_maintenance(R"({"scope":"a\nb","until":"2026-01-01T00:00:00Z"})"));
  CHECK_FALSE(parse_maintenance(R"({"scope":"","until":"2026-01-01T00:00:00Z"})"));
}

TEST_CASE("documents: a report is cut to its bounds") {
  MemberReport report;
  for (unsigned i = 0; i < 1000; ++i) {
    report.groups["group" + std::to_string(i)] = {{"RUNNING", i}};
    report.problems.push_back({"p" + std::to_string(i), "FATAL"});
  }
  const auto read = parse_report(to_text(report));
  REQUIRE(read);
  CHECK(read->groups.size() == MemberReport::max_groups);
  CHECK(read->problems.size() == MemberReport::max_problems);
  for (ProblemReport& each : report.problems) {
    each.process = std::string(4000, 'p');
  }
  const std::string text = to_text(report);
  CHECK(text.size() <= max_document_bytes);
  REQUIRE(parse_report(text));
  CHECK(parse_report(text)->groups.size() == MemberReport::max_groups);
}

TEST_CASE("documents: a budget is a number and a span") {
  CHECK(parse_budget("5/1h") == Budget{5, 1h});
  for (const char* text : {"", "5", "/1h", "0/1h", "1001/1h", "5/0s", "5/8760h", "x/1h", "5/x"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_budget(text));
  }
}

TEST_CASE("documents: of many holders the first are named") {
  std::vector<Holder> holders;
  for (int i = 0; i < 7; ++i) {
    holders.push_back(
        {"host" + std::to_string(i), "web:web", "9", base::SystemTime(1'700'000'000s), i == 0});
  }
  const std::string text = describe(holders);
  CHECK_THAT(text, Catch::Contains("host0 (web:web, operation 9, failed, held since 2023-11-14"));
  CHECK_THAT(text, Catch::Contains("host4"));
  CHECK_THAT(text, !Catch::Contains("host5"));
  CHECK_THAT(text, Catch::Contains("and 2 more"));
}

TEST_CASE("is_name: a part of a key is plain") {
  CHECK(is_name("web-1.x_Y"));
  for (const char* text : {"", "a/b", "a b", "ä", "a\n"}) {
    CAPTURE(text);
    CHECK_FALSE(is_name(text));
  }
  CHECK_FALSE(is_name(std::string(65, 'a')));
}

}  // namespace
}  // namespace reeve::coordination
