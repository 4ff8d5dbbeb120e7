#include "alerts/episodes.h"

#include "support/catch.h"

namespace reeve::alerts {
namespace {

using namespace std::chrono_literals;
using Standing = Episodes::Standing;

const EpisodeKey front{"hung", "f1", {"", {"web", "front"}}};
const EpisodeKey back{"hung", "f2", {"", {"web", "back"}}};

/// Of an alert that began at that time.
Terms at(base::Duration now, bool cools_down = false, unsigned max_attempts = 1) {
  return {max_attempts, cools_down, base::SteadyTime(now), base::SystemTime(now)};
}

base::SystemTime when(base::Duration time) {
  return base::SystemTime(time);
}

/// An operation of this episode that has come so far.
control::Operation operation(const EpisodeKey& key, const std::string& id,
                             std::vector<control::Step> steps, bool done) {
  control::Operation operation;
  operation.id = id;
  operation.command.target = key.target;
  operation.command.trigger.emplace();
  operation.command.trigger->rule = key.rule;
  operation.command.trigger->fingerprint = key.fingerprint;
  operation.state = done ? control::OperationState::done : control::OperationState::running;
  for (const control::Step step : steps) {
    operation.steps.push_back({step, {}, ""});
  }
  return operation;
}

/// An episode with one attempt that acted, by the operation "1".
Episodes acted_once() {
  Episodes episodes;
  (void)episodes.reserve(front, at(0s));
  episodes.confirm(front, "1");
  episodes.settle("1", true);
  return episodes;
}

TEST_CASE("of two posts at once only one may attempt anything") {
  Episodes episodes;
  CHECK(episodes.reserve(front, at(0s)).standing == Standing::reserved);
  CHECK(episodes.reserve(front, at(0s)).standing == Standing::duplicate);
  CHECK(episodes.reserve(back, at(0s)).standing == Standing::reserved);
}

TEST_CASE("while an attempt is under way or cools down, the alert is a duplicate") {
  Episodes episodes;
  (void)episodes.reserve(front, at(0s));
  episodes.confirm(front, "1");
  CHECK(episodes.reserve(front, at(1s, false, 9)).standing == Standing::duplicate);
  CHECK(episodes.reserve(front, at(1s, false, 9)).operation == "1");
  episodes.settle("1", true);
  CHECK(episodes.reserve(front, at(2s, true, 9)).standing == Standing::duplicate);
  CHECK(episodes.reserve(front, at(2s, false, 9)).standing == Standing::reserved);
}

TEST_CASE("beyond the rule's attempts an episode is exhausted until it is over") {
  Episodes episodes = acted_once();
  const auto reply = episodes.reserve(front, at(1s));
  CHECK(reply.standing == Standing::exhausted);
  CHECK(reply.attempts == 1);
  episodes.close("hung", "f1", when(1s));
  CHECK(episodes.reserve(front, at(2s)).standing == Standing::reserved);
}

TEST_CASE("an operation that did not act gives its attempt back") {
  Episodes episodes;
  (void)episodes.reserve(front, at(0s));
  episodes.confirm(front, "1");
  CHECK(episodes.under_way() == std::vector<std::string>{"1"});
  episodes.settle("1", false);
  CHECK(episodes.empty());
  CHECK(episodes.reserve(front, at(1s)).standing == Standing::reserved);
  CHECK(episodes.reserve(front, at(1s)).attempts == 0);
}

TEST_CASE("a reservation without an attempt leaves nothing") {
  Episodes episodes;
  (void)episodes.reserve(front, at(0s));
  episodes.release(front);
  CHECK(episodes.empty());
  CHECK(episodes.reserve(front, at(1s)).standing == Standing::reserved);
}

TEST_CASE("a rehearsed attempt is over at once") {
  Episodes episodes;
  (void)episodes.reserve(front, at(0s));
  episodes.confirm(front, "");
  CHECK(episodes.under_way().empty());
  CHECK(episodes.reserve(front, at(1s, true)).standing == Standing::duplicate);
  CHECK(episodes.reserve(front, at(1s)).standing == Standing::exhausted);
}

TEST_CASE("an episode is over when its alert was not told of for longer than the ttl") {
  Episodes episodes = acted_once();
  episodes.expire(base::SteadyTime(6h), 6h);
  (void)episodes.reserve(front, at(6h));
  episodes.expire(base::SteadyTime(12h), 6h);
  CHECK(episodes.size() == 1);
  episodes.expire(base::SteadyTime(12h + 1s), 6h);
  CHECK(episodes.empty());
}

TEST_CASE("an attempt made while the alert was resolved belongs to the episode that is over") {
  Episodes episodes;
  (void)episodes.reserve(front, at(0s));
  episodes.close("hung", "f1", when(1s));
  episodes.confirm(front, "1");
  CHECK(episodes.empty());
  episodes.adopt(operation(front, "1", {control::Step::stop_requested}, true), {});
  CHECK(episodes.empty());
}

TEST_CASE("a resolved alert ends its own rule's episodes alone") {
  Episodes episodes = acted_once();
  episodes.close("hung", "f2", when(1s));
  episodes.close("other", "f1", when(1s));
  CHECK(episodes.size() == 1);
}

TEST_CASE("a post of before an alert was resolved opens no episode, whoever sends it") {
  Episodes episodes = acted_once();
  episodes.close("hung", "f1", when(10s));
  episodes.close("hung", "f1", when(5s));
  CHECK(episodes.reserve(front, at(10s)).standing == Standing::stale);
  CHECK(episodes.empty());
  CHECK(episodes.reserve(front, at(11s)).standing == Standing::reserved);
}

TEST_CASE("only the newest of many resolved alerts are remembered") {
  Episodes episodes;
  for (std::size_t i = 0; i <= Episodes::max_resolved; ++i) {
    episodes.close("hung", std::to_string(i), when(1s));
  }
  CHECK(episodes.reserve({"hung", "0", front.target}, at(0s)).standing == Standing::reserved);
  CHECK(episodes.reserve({"hung", "1", front.target}, at(0s)).standing == Standing::stale);
}

TEST_CASE("episodes outlive the agent, and their attempts count until they are settled") {
  const Episodes before = acted_once();
  auto episodes = Episodes::parse(before.text(), base::SteadyTime(1h));
  REQUIRE(episodes);
  CHECK(episodes->text() == before.text());
  CHECK(episodes->under_way() == std::vector<std::string>{"1"});
  CHECK(episodes->reserve(front, at(1h)).standing == Standing::duplicate);
  episodes->settle("1", true);
  CHECK(episodes->reserve(front, at(1h)).standing == Standing::exhausted);
}

TEST_CASE("a reservation does not outlive the agent") {
  Episodes before;
  (void)before.reserve(front, at(0s));
  CHECK(Episodes::parse(before.text(), {})->empty());
}

TEST_CASE("attempts that only the journal knows of are taken from it") {
  using control::Step;
  Episodes episodes = acted_once();
  episodes.adopt(operation(front, "1", {Step::looked, Step::stop_requested}, true), {});
  CHECK(episodes.reserve(front, at(0s)).attempts == 1);
  episodes.adopt(operation(back, "2", {Step::looked}, false), {});
  CHECK(episodes.reserve(back, at(0s)).standing == Standing::duplicate);
  episodes.adopt(operation({"hung", "f3", front.target}, "3", {Step::looked}, true), {});
  CHECK(episodes.size() == 2);
  control::Operation of_a_person = operation(back, "4", {Step::stop_requested}, true);
  of_a_person.command.trigger.reset();
  episodes.adopt(of_a_person, {});
  CHECK(episodes.size() == 2);
}

TEST_CASE("operations of episodes that are over open none again") {
  Episodes before = acted_once();
  before.close("hung", "f1", when(1s));
  auto episodes = Episodes::parse(before.text(), {});
  REQUIRE(episodes);
  episodes->adopt(operation(front, "1", {control::Step::stop_requested}, true), {});
  CHECK(episodes->empty());
}

TEST_CASE("only the newest operations of what is over are kept") {
  Episodes episodes;
  for (std::size_t i = 0; i <= Episodes::max_closed; ++i) {
    const std::chrono::seconds time(i);
    (void)episodes.reserve(front, at(time));
    episodes.confirm(front, std::to_string(i));
    episodes.close("hung", "f1", when(time));
  }
  const std::string text = episodes.text();
  CHECK(text.find("\"0\"") == std::string::npos);
  CHECK(text.find("\"1000\"") != std::string::npos);
}

TEST_CASE("a text that is none of ours is not read") {
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
