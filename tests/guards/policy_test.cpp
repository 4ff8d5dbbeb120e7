#include "guards/policy.h"

#include "control/world.h"
#include "support/catch.h"

namespace reeve::guards {
namespace {

using base::ErrorKind;
using tests::World;

struct Question {
  World world;
  Command command = World::command(Action::restart, "web:front");
  Options options;
  std::vector<substrate::InstanceName> own_programs;
  base::Result<std::shared_ptr<const Programs>> programs = std::make_shared<const Programs>();
  OwnProcessCheck is_own_process = nullptr;

  [[nodiscard]] std::optional<Refusal> ask() const {
    return refuse(command, {world.snapshot, own_programs, [&] { return programs; }, is_own_process},
                  options);
  }
};

std::vector<substrate::Selector> selectors(std::initializer_list<const char*> texts) {
  std::vector<substrate::Selector> list;
  for (const char* text : texts) {
    list.push_back(*substrate::Selector::parse(text));
  }
  return list;
}

TEST_CASE("policy: what nothing forbids may be done") {
  CHECK_FALSE(Question().ask());
}

TEST_CASE(
    "policy: a command on a supervisord that is not configured is refused and told which are") {
  Question question;
  question.command.target.supervisor = "elsewhere";
  const auto refusal = question.ask();
  REQUIRE(refusal);
  CHECK(refusal->reason == Reason::no_target);
  CHECK(refusal->error.message == "no supervisord named 'elsewhere' is configured; there are: ");
}

TEST_CASE("policy: a process that the fleet has not seen is not found") {
  Question question;
  question.command.target.name = {"web", "sideways"};
  const auto refusal = question.ask();
  REQUIRE(refusal);
  CHECK(refusal->reason == Reason::no_target);
  CHECK(refusal->error.kind == ErrorKind::not_found);
}

TEST_CASE("policy: a star never addresses a group, even if a process were called so") {
  Question question;
  tests::FakeProgram star;
  star.name = {"web", "*"};
  question.world.supervisord->add(star);
  question.world.publish();
  question.command.target.name = star.name;
  const auto refusal = question.ask();
  REQUIRE(refusal);
  CHECK(refusal->reason == Reason::no_single_process);
}

TEST_CASE("policy: while supervisord is away nothing is accepted, and it is said why") {
  Question question;
  tests::FakeFailure down;
  down.error.message = "connection refused";
  question.world.supervisord->fail(down);
  question.world.publish();
  const auto refusal = question.ask();
  REQUIRE(refusal);
  CHECK(refusal->reason == Reason::unreachable);
  CHECK(refusal->error == base::Error{ErrorKind::unreachable,
                                      "supervisord at http://localhost:9001/RPC2 does not take"
                                      " calls: connection refused"});
}

TEST_CASE("policy: Reeve's own program is never acted on: its environment names it") {
  Question question;
  question.own_programs = {{"web", "front"}};
  REQUIRE(question.ask());
  CHECK(question.ask()->reason == Reason::own_program);
}

TEST_CASE("policy: Reeve's own program is never acted on: its command runs reeve") {
  Question question;
  substrate::ProgramConfig program;
  program.name = {"web", "front"};
  program.command = "/usr/bin/reeve serve";
  question.programs = std::make_shared<const Programs>(Programs{program});
  REQUIRE(question.ask());
  CHECK(question.ask()->reason == Reason::own_program);
}

TEST_CASE("policy: Reeve's own program is never acted on: the host's processes show it") {
  Question question;
  question.is_own_process = [](const auto&, const substrate::InstanceDetail& process) {
    return process.name == substrate::InstanceName{"web", "back"};
  };
  CHECK_FALSE(question.ask());
  question.command.target.name = {"web", "back"};
  REQUIRE(question.ask());
  CHECK(question.ask()->reason == Reason::own_program);
  question.command.target.name = {"web", ""};
  question.command.group_order = GroupOrder::rolling;
  REQUIRE(question.ask());
  CHECK(question.ask()->reason == Reason::own_program);
}

TEST_CASE("policy: whether it is Reeve itself must be known: no answer is a refusal") {
  Question question;
  question.programs = base::failure(ErrorKind::timeout, "no answer within 5s");
  REQUIRE(question.ask());
  CHECK(question.ask()->reason == Reason::unreachable);
  CHECK(question.ask()->error.kind == ErrorKind::timeout);
}

TEST_CASE("policy: an actor acts on the processes of its own allow list, and by default on none") {
  Question question;
  question.command.actor_allow = selectors({"job", "web:f*"});
  CHECK_FALSE(question.ask());
  question.command.actor_allow = {};
  REQUIRE(question.ask());
  CHECK(question.ask()->reason == Reason::not_allowed);
  CHECK(question.ask()->error.message ==
        "'web:front' may not be acted on: it is not in the allow list of 'ops'");
}

TEST_CASE("policy: control.allow bounds everybody, and control.deny wins over it") {
  Question question;
  question.options.allow = selectors({"job"});
  REQUIRE(question.ask());
  CHECK(question.ask()->error.message ==
        "'web:front' may not be acted on: it is not in control.allow");
  question.options.allow = selectors({"*"});
  question.options.deny = selectors({"web:*"});
  REQUIRE(question.ask());
  CHECK(question.ask()->error.message == "'web:front' may not be acted on: it is in control.deny");
  question.options.deny = selectors({"web"});  // all of it, to be on the safe side
  CHECK(question.ask());
}

TEST_CASE(
    "policy: only the signals that the configuration lists are sent, under any of their names") {
  Question question;
  question.command.action = Action::signal;
  for (const char* allowed : {"HUP", "SIGHUP", "hup", "sigusr1"}) {
    question.command.signal = allowed;
    CHECK_FALSE(question.ask());
  }
  for (const char* other : {"KILL", "TERM", "1", "", "HUP ", "SIG", "SIGSIGHUP"}) {
    question.command.signal = other;
    CAPTURE(other);
    REQUIRE(question.ask());
    CHECK(question.ask()->reason == Reason::signal_not_allowed);
  }
}

TEST_CASE(
    "policy: a run that is known to be over is stale; one that the snapshot cannot know yet is "
    "not") {
  Question question;
  const auto current = *question.world.look("web:front").incarnation();
  question.command.if_incarnation = current;
  CHECK_FALSE(question.ask());
  question.command.if_incarnation = {{1}, current.start - std::chrono::seconds(10)};
  REQUIRE(question.ask());
  CHECK(question.ask()->reason == Reason::stale);
  question.command.if_incarnation = {{1}, current.start + std::chrono::seconds(10)};
  CHECK_FALSE(question.ask());
}

TEST_CASE("policy: a rehearsal for a run of what does not run is refused as the action would be") {
  Question question;
  question.command.if_incarnation = question.world.look("job").incarnation();
  question.command.target.name = {"job", "job"};
  (void)question.world.carry_out(World::command(Action::stop, "job"));
  question.world.publish();
  CHECK_FALSE(question.ask());
  question.command.dry_run = true;
  REQUIRE(question.ask());
  CHECK(question.ask()->reason == Reason::stale);
  const auto acted_on = question.world.carry_out([&] {
    Command command = question.command;
    command.dry_run = false;
    return command;
  }());
  CHECK(question.ask()->error == acted_on.error);
}

TEST_CASE("policy: the order of the checks is fixed: the actor's list, the process, control.deny") {
  Question question;
  question.options.deny = selectors({"web"});
  const auto refusal_of = [&](const char* process) {
    question.command.target.name = {"web", process};
    REQUIRE(question.ask());
    return *question.ask();
  };
  CHECK(refusal_of("sideways").reason == Reason::no_target);
  CHECK(refusal_of("front").reason == Reason::not_allowed);
  question.command.actor_allow = {};
  CHECK(refusal_of("sideways").reason == Reason::not_allowed);
  CHECK(refusal_of("sideways").error.message.find("allow list of") != std::string::npos);
}

}  // namespace
}  // namespace reeve::guards
