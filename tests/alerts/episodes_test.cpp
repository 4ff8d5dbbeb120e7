#include "alerts/episodes.h"

#include "support/catch.h"

namespace reeve::alerts {
namespace {

using namespace std::chrono_literals;
using Outcome = Episodes::Outcome;

const EpisodeKey front{"hung", "f1", {"", {"web", "front"}}};
const EpisodeKey back{"hung", "f2", {"", {"web", "back"}}};

AttemptConditions at(base::Duration now, bool cools_down = false, unsigned max_attempts = 1) {
  return {max_attempts, cools_down, base::SteadyTime(now)};
}

bool all_processes(const guards::Target& /*target*/) {
  return true;
}

/// An operation of this episode that has come so far.
control::Operation operation(const EpisodeKey& key, const std::string& id,
                             std::vector<control::OperationStep> steps, bool done) {
  control::Operation operation;
  operation.id = id;
  operation.command.target = key.target;
  operation.command.trigger.emplace();
  operation.command.trigger->rule = key.rule;
  operation.command.trigger->fingerprint = key.fingerprint;
  operation.state = done ? control::OperationState::done : control::OperationState::running;
  for (const control::OperationStep step : steps) {
    operation.steps.push_back({step, {}, ""});
  }
  return operation;
}

/// An episode with one attempt that acted, by the operation "1".
Episodes acted_once() {
  Episodes episodes;
  (void)episodes.reserve(front, at(0s));
  episodes.confirm(front, "1");
  episodes.finish_attempt("1", true);
  return episodes;
}

TEST_CASE("Episodes: of two requests at once only one reserves the episode") {
  Episodes episodes;
  CHECK(episodes.reserve(front, at(0s)).outcome == Outcome::reserved);
  CHECK(episodes.reserve(front, at(0s)).outcome == Outcome::duplicate);
  CHECK(episodes.reserve(back, at(0s)).outcome == Outcome::reserved);
}

TEST_CASE("Episodes: while an attempt is unfinished or cools down, the alert is a duplicate") {
  Episodes episodes;
  (void)episodes.reserve(front, at(0s));
  episodes.confirm(front, "1");
  CHECK(episodes.reserve(front, at(1s, false, 9)).outcome == Outcome::duplicate);
  CHECK(episodes.reserve(front, at(1s, false, 9)).last_operation == "1");
  episodes.finish_attempt("1", true);
  CHECK(episodes.reserve(front, at(2s, true, 9)).outcome == Outcome::duplicate);
  CHECK(episodes.reserve(front, at(2s, false, 9)).outcome == Outcome::reserved);
}

TEST_CASE("Episodes: after the rule's attempts an episode is exhausted until it is closed") {
  Episodes episodes = acted_once();
  const auto reply = episodes.reserve(front, at(1s));
  CHECK(reply.outcome == Outcome::exhausted);
  CHECK(reply.attempts == 1);
  episodes.close("hung", "f1", all_processes);
  CHECK(episodes.reserve(front, at(2s)).outcome == Outcome::reserved);
}

TEST_CASE("Episodes: an operation that did not act was no attempt") {
  Episodes episodes;
  (void)episodes.reserve(front, at(0s));
  episodes.confirm(front, "1");
  CHECK(episodes.unfinished_operations() == std::vector<std::string>{"1"});
  episodes.finish_attempt("1", false);
  CHECK(episodes.empty());
  CHECK(episodes.reserve(front, at(1s)).outcome == Outcome::reserved);
  CHECK(episodes.reserve(front, at(1s)).attempts == 0);
}

TEST_CASE("Episodes: a released reservation leaves nothing") {
  Episodes episodes;
  (void)episodes.reserve(front, at(0s));
  episodes.release(front);
  CHECK(episodes.empty());
  CHECK(episodes.reserve(front, at(1s)).outcome == Outcome::reserved);
}

TEST_CASE("Episodes: an attempt of a dry run is finished at once") {
  Episodes episodes;
  (void)episodes.reserve(front, at(0s));
  episodes.confirm(front, "");
  CHECK(episodes.unfinished_operations().empty());
  CHECK(episodes.reserve(front, at(1s, true)).outcome == Outcome::duplicate);
  CHECK(episodes.reserve(front, at(1s)).outcome == Outcome::exhausted);
}

TEST_CASE("Episodes: an episode expires when its alert was not received for longer than the ttl") {
  Episodes episodes = acted_once();
  episodes.expire(base::SteadyTime(6h), 6h);
  (void)episodes.reserve(front, at(6h));
  episodes.expire(base::SteadyTime(12h), 6h);
  CHECK(episodes.size() == 1);
  episodes.expire(base::SteadyTime(12h + 1s), 6h);
  CHECK(episodes.empty());
}

TEST_CASE(
    "Episodes: an attempt confirmed after the alert was resolved belongs to the closed episode") {
  Episodes episodes;
  (void)episodes.reserve(front, at(0s));
  episodes.close("hung", "f1", all_processes);
  episodes.confirm(front, "1");
  CHECK(episodes.empty());
  episodes.add_journalled(operation(front, "1", {control::OperationStep::stop_requested}, true),
                          {});
  CHECK(episodes.empty());
}

TEST_CASE("Episodes: a resolved alert closes the episodes of its own rule alone") {
  Episodes episodes = acted_once();
  episodes.close("hung", "f2", all_processes);
  episodes.close("other", "f1", all_processes);
  CHECK(episodes.size() == 1);
}

TEST_CASE("Episodes: a sender closes the episodes of processes that it may act on") {
  Episodes episodes = acted_once();
  (void)episodes.reserve({"hung", "f1", back.target}, at(0s));
  episodes.close("hung", "f1", [](const guards::Target& target) { return target == back.target; });
  CHECK(episodes.size() == 1);
  CHECK(episodes.reserve(front, at(1s)).outcome == Outcome::exhausted);
}

TEST_CASE("Episodes: what was saved is parsed, with its attempts unfinished") {
  const Episodes before = acted_once();
  auto episodes = Episodes::parse(before.text(), base::SteadyTime(1h));
  REQUIRE(episodes);
  CHECK(episodes->text() == before.text());
  CHECK(episodes->unfinished_operations() == std::vector<std::string>{"1"});
  CHECK(episodes->reserve(front, at(1h)).outcome == Outcome::duplicate);
  episodes->finish_attempt("1", true);
  CHECK(episodes->reserve(front, at(1h)).outcome == Outcome::exhausted);
}

TEST_CASE("Episodes: a reservation is not saved") {
  Episodes before;
  (void)before.reserve(front, at(0s));
  CHECK(Episodes::parse(before.text(), {})->empty());
}

TEST_CASE("Episodes: attempts that only the journal has are added") {
  using control::OperationStep;
  Episodes episodes = acted_once();
  episodes.add_journalled(
      operation(front, "1", {OperationStep::looked, OperationStep::stop_requested}, true), {});
  CHECK(episodes.reserve(front, at(0s)).attempts == 1);
  episodes.add_journalled(operation(back, "2", {OperationStep::looked}, false), {});
  CHECK(episodes.reserve(back, at(0s)).outcome == Outcome::duplicate);
  episodes.add_journalled(
      operation({"hung", "f3", front.target}, "3", {OperationStep::looked}, true), {});
  CHECK(episodes.size() == 2);
  control::Operation of_a_person = operation(back, "4", {OperationStep::stop_requested}, true);
  of_a_person.command.trigger.reset();
  episodes.add_journalled(of_a_person, {});
  CHECK(episodes.size() == 2);
}

TEST_CASE("Episodes: operations of closed episodes open none again") {
  Episodes before = acted_once();
  before.close("hung", "f1", all_processes);
  auto episodes = Episodes::parse(before.text(), {});
  REQUIRE(episodes);
  episodes->add_journalled(operation(front, "1", {control::OperationStep::stop_requested}, true),
                           {});
  CHECK(episodes->empty());
}

TEST_CASE("Episodes: only the newest operations of closed episodes are kept") {
  Episodes episodes;
  for (std::size_t i = 0; i <= Episodes::max_closed; ++i) {
    const std::chrono::seconds time(i);
    (void)episodes.reserve(front, at(time));
    episodes.confirm(front, std::to_string(i));
    episodes.close("hung", "f1", all_processes);
  }
  const std::string text = episodes.text();
  CHECK(text.find("\"0\"") == std::string::npos);
  CHECK(text.find("\"1000\"") != std::string::npos);
}

TEST_CASE("Episodes: a text of another form is not parsed") {
  for (const char* text :
       {"", "{", "[]", "{}", R"({"version":2,"episodes":[],"closed":[]})",
        R"({"version":1,"closed":[]})", R"({"version":1,"episodes":[]})",
        R"({"version":1,"episodes":[1],"closed":[]})",
        R"({"version":1,"episodes":[],"closed":[1]})",
        R"({"version":1,"episodes":[{"rule":"a","fingerprint":"f","supervisor":"","group":"g",)"
        R"("name":"n"}],"closed":[]})",
        R"({"version":1,"episodes":[{"rule":1,"fingerprint":"f","supervisor":"","group":"g",)"
        R"("name":"n","operations":[]}],"closed":[]})"}) {
    INFO(text);
    CHECK_FALSE(Episodes::parse(text, {}));
  }
}

}  // namespace
}  // namespace reeve::alerts
