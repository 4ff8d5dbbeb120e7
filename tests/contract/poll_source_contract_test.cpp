// What every manager's PollSource does: held against the fake and the real thing.

#include <algorithm>

#include "contract/contract.h"

namespace reeve::tests {
namespace {

TEMPLATE_TEST_CASE(
    "PollSource: a poll tells the pid, the listing and the rest of the log, with a mark or without",
    "", FakeManager, RealManager) {
  Contract<TestType> it;
  substrate::PollSource& poll_source = it.manager.poll_source();
  const substrate::LogRange beginning{substrate::LogRange::From::start, 0, 1000000};
  for (const std::optional<std::string>& mark :
       {std::optional<std::string>(), std::optional<std::string>("a mark: 日本 <&>")}) {
    const auto answer = poll_source.poll({.mark = mark, .log = beginning}, it.soon());
    REQUIRE(answer);
    CHECK(answer->pid == it.substrate.connect(it.soon()));
    const auto listing = it.substrate.list_instances(it.soon());
    REQUIRE(listing);
    CHECK(answer->listing.rejected == listing->rejected);
    CHECK(std::equal(answer->listing.instances.begin(), answer->listing.instances.end(),
                     listing->instances.begin(), listing->instances.end(),
                     [](const auto& left, const auto& right) { return left.name == right.name; }));
    REQUIRE(answer->log);
    CHECK(answer->log->find("supervisord started with pid") != std::string::npos);
    const substrate::LogRange end{substrate::LogRange::From::end, 0, 5};
    CHECK(poll_source.poll({.mark = mark, .log = end}, it.soon())->log->ends_with('\n'));
  }
}

TEMPLATE_TEST_CASE("PollSource: a poll's log is empty past its end and an error inside a character",
                   "", FakeManager, RealManager) {
  Contract<TestType> it;
  using From = substrate::LogRange::From;
  const std::optional<std::string> mark =
      GENERATE(std::optional<std::string>(), std::optional<std::string>("mark"));
  const auto log = [&](const std::optional<substrate::LogRange>& range) {
    auto answer = it.manager.poll_source().poll({.mark = mark, .log = range}, it.soon());
    REQUIRE(answer);
    return std::move(answer->log);
  };
  CHECK(log(std::nullopt) == "");
  CHECK(log(substrate::LogRange{From::start, 0, 0}) == "");
  CHECK(log(substrate::LogRange{From::start, 1U << 30U, 100}) == "");
  const std::uint64_t inside =
      it.manager.logs().read_manager_log({From::start, 0, 1000000}, it.soon())->find("日本") + 1;
  CHECK(kind_of(log(substrate::LogRange{From::start, 0, inside})) == ErrorKind::fault);
}

TEMPLATE_TEST_CASE("PollSource: a poll whose mark cannot be sent is refused", "", FakeManager,
                   RealManager) {
  Contract<TestType> it;
  CHECK(kind_of(it.manager.poll_source().poll({.mark = std::string("\1", 1), .log = {}},
                                              it.soon())) == ErrorKind::invalid_argument);
}

}  // namespace
}  // namespace reeve::tests
