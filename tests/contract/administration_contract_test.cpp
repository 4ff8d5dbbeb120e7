// What every manager's Administration does: held against the fake and the real thing.

#include <algorithm>
#include <tuple>

#include "contract/contract.h"

namespace reeve::tests {
namespace {

TEMPLATE_TEST_CASE("a manager describes itself", "", FakeManager, RealManager) {
  Contract<TestType> it;
  const auto described = it.manager.administration().describe(it.soon());
  REQUIRE(described);
  CHECK_FALSE(described->version.empty());
  CHECK(described->api_version == "3.0");
  CHECK_FALSE(described->identification.empty());
}

TEMPLATE_TEST_CASE("the configured programs are told with their command and their times", "",
                   FakeManager, RealManager) {
  Contract<TestType> it;
  const auto programs = it.manager.administration().programs(it.soon());
  REQUIRE(programs);
  CHECK(programs->size() == contract_programs().size());
  const auto slow = std::find_if(programs->begin(), programs->end(), [](const auto& program) {
    return program.name == named("slow_start");
  });
  REQUIRE(slow != programs->end());
  CHECK(slow->in_use);
  CHECK_FALSE(slow->autostart);
  CHECK(slow->start_seconds == std::chrono::seconds(1));
  CHECK(slow->stop_wait_seconds == std::chrono::seconds(2));
  CHECK(slow->command == "/bin/sleep 100000");
}

TEMPLATE_TEST_CASE("a signal reaches what runs; no signal and nothing to be signalled are refused",
                   "", FakeManager, RealManager) {
  Contract<TestType> it;
  substrate::Administration& administration = it.manager.administration();
  REQUIRE(it.becomes(named("backoff"), InstanceState::backoff));
  CHECK(kind_of(administration.signal(named("running"), "FOO", it.soon())) ==
        ErrorKind::invalid_argument);
  CHECK(kind_of(administration.signal(named("stopped_never"), "HUP", it.soon())) ==
        ErrorKind::conflict);
  CHECK(kind_of(administration.signal(named("backoff"), "HUP", it.soon())) == ErrorKind::conflict);
  CHECK(it.start(named("obedient")) == Outcome::changed);
  CHECK(administration.signal(named("obedient"), "SIGURG", it.soon()));
  // Sent more than once: between fork and exec supervisord's own handlers swallow a signal.
  CHECK(it.manager.eventually([&] {
    std::ignore = administration.signal(named("obedient"), "TERM", it.soon());
    return it.look(named("obedient")).state == InstanceState::exited;
  }));
  CHECK(it.look(named("obedient")).exit_status == -1);
}

TEMPLATE_TEST_CASE("a changed configuration is found by a reread and taken over group by group", "",
                   FakeManager, RealManager) {
  Contract<TestType> it;
  substrate::Administration& administration = it.manager.administration();
  CHECK(administration.reread(it.soon()) == substrate::ConfigChanges{});

  FakeProgram fresh;
  fresh.name = named("fresh");
  fresh.start_seconds = std::chrono::seconds(0);
  std::vector<FakeProgram> programs = contract_programs();
  programs.push_back(fresh);
  it.manager.configure(programs);
  CHECK(administration.reread(it.soon()) == substrate::ConfigChanges{{"fresh"}, {}, {}});
  CHECK(kind_of(it.substrate.get_instance(fresh.name, it.soon())) == ErrorKind::not_found);
  CHECK(administration.add_group("fresh", it.soon()));
  CHECK(administration.add_group("fresh", it.soon()));
  CHECK(it.becomes(fresh.name, InstanceState::running));

  programs.back().stop_wait_seconds = std::chrono::seconds(3);
  it.manager.configure(programs);
  CHECK(administration.reread(it.soon()) == substrate::ConfigChanges{{}, {"fresh"}, {}});
  it.manager.configure(contract_programs());
  CHECK(administration.reread(it.soon()) == substrate::ConfigChanges{{}, {}, {"fresh"}});
  CHECK(kind_of(administration.remove_group("fresh", it.soon())) == ErrorKind::conflict);
  CHECK(it.stop(fresh.name) == Outcome::changed);
  CHECK(administration.remove_group("fresh", it.soon()));
  CHECK(kind_of(it.substrate.get_instance(fresh.name, it.soon())) == ErrorKind::not_found);
  CHECK(kind_of(administration.remove_group("fresh", it.soon())) == ErrorKind::not_found);
  CHECK(kind_of(administration.add_group("fresh", it.soon())) == ErrorKind::not_found);
}

TEMPLATE_TEST_CASE("a survey tells what a listing tells, and the manager's log", "", FakeManager,
                   RealManager) {
  Contract<TestType> it;
  substrate::PollSource& poll_source = it.manager.poll_source();
  const substrate::LogRange beginning{substrate::LogRange::From::start, 0, 1000000};
  const auto survey = poll_source.survey({"a mark: 日本 <&>", beginning}, it.soon());
  REQUIRE(survey);
  const auto listing = it.substrate.list_instances(it.soon());
  REQUIRE(listing);
  CHECK(survey->listing.rejected == listing->rejected);
  CHECK(std::equal(survey->listing.instances.begin(), survey->listing.instances.end(),
                   listing->instances.begin(), listing->instances.end(),
                   [](const auto& left, const auto& right) { return left.name == right.name; }));
  REQUIRE(survey->log);
  CHECK(survey->log->find("supervisord started with pid") != std::string::npos);

  const substrate::LogRange end{substrate::LogRange::From::end, 0, 5};
  CHECK(poll_source.survey({"mark", end}, it.soon())->log->ends_with('\n'));
}

TEMPLATE_TEST_CASE("a survey has no text of a log if it was asked for none, or for no whole text",
                   "", FakeManager, RealManager) {
  Contract<TestType> it;
  using From = substrate::LogRange::From;
  const auto log = [&](const std::optional<substrate::LogRange>& range) {
    const auto survey = it.manager.poll_source().survey({"mark", range}, it.soon());
    REQUIRE(survey);
    return survey->log;
  };
  CHECK_FALSE(log(std::nullopt));
  CHECK(log(substrate::LogRange{From::start, 0, 0}) == "");
  CHECK(log(substrate::LogRange{From::start, 1U << 30U, 100}) == "");
  const std::uint64_t inside =
      log(substrate::LogRange{From::start, 0, 1000000}).value().find("日本") + 1;
  CHECK_FALSE(log(substrate::LogRange{From::start, 0, inside}));
}

TEMPLATE_TEST_CASE("a survey whose mark cannot be sent is refused", "", FakeManager, RealManager) {
  Contract<TestType> it;
  CHECK(kind_of(it.manager.poll_source().survey({std::string("\1", 1), {}}, it.soon())) ==
        ErrorKind::invalid_argument);
}

TEMPLATE_TEST_CASE(
    "PollSource: a poll tells the pid, the state, the listing and the rest of the log", "",
    FakeManager, RealManager) {
  Contract<TestType> it;
  substrate::PollSource& poll_source = it.manager.poll_source();
  const substrate::LogRange beginning{substrate::LogRange::From::start, 0, 1000000};
  for (const std::optional<std::string>& mark :
       {std::optional<std::string>(), std::optional<std::string>("a mark")}) {
    const auto answer = poll_source.poll({.mark = mark, .log = beginning}, it.soon());
    REQUIRE(answer);
    CHECK(answer->pid == it.substrate.connect(it.soon()));
    CHECK(answer->state == substrate::ManagerState{1, "RUNNING"});
    CHECK(answer->listing.rejected == 0);
    CHECK(answer->listing.instances.size() ==
          it.substrate.list_instances(it.soon())->instances.size());
    REQUIRE(answer->log);
    CHECK(answer->log->find("supervisord started with pid") != std::string::npos);
  }
}

TEMPLATE_TEST_CASE("PollSource: a poll's log is empty past its end and an error inside a character",
                   "", FakeManager, RealManager) {
  Contract<TestType> it;
  using From = substrate::LogRange::From;
  const auto log = [&](const std::optional<substrate::LogRange>& range) {
    auto answer = it.manager.poll_source().poll({.mark = std::nullopt, .log = range}, it.soon());
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
