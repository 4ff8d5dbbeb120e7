#include "guards/programs.h"

#include "control/world.h"
#include "support/catch.h"

namespace reeve::guards {
namespace {

using base::ErrorKind;
using namespace std::chrono_literals;
using tests::World;

struct CatalogueQuestion {
  World world;
  ProgramCatalogue catalogue{world.clock};
  monitor::Member member = tests::member_of("", world.supervisord);

  [[nodiscard]] auto ask(base::Duration timeout = 30s) {
    return catalogue.of(member, timeout, std::stop_token());
  }
  [[nodiscard]] std::size_t asked() const {
    return world.supervisord->count(tests::Operation::programs);
  }
};

TEST_CASE(
    "ProgramCatalogue: a supervisord of many programs may take as long for them as for a full "
    "poll") {
  CatalogueQuestion question;
  REQUIRE(10s > question.member.call_timeout);
  question.world.supervisord->fail({.operation = tests::Operation::programs, .late_by = 10s});
  const auto programs = question.ask();
  REQUIRE(programs);
  CHECK((*programs)->size() == 3);
}

TEST_CASE("ProgramCatalogue: a command waits for the list of programs as long as its options say") {
  World world;
  world.supervisord->fail({.operation = tests::Operation::programs, .late_by = 10s});
  CHECK(world.controller.submit(World::command(Action::stop, "job")));
}

TEST_CASE("ProgramCatalogue: programs are asked for once a minute") {
  CatalogueQuestion question;
  CHECK(question.ask());
  question.world.manual.advance(59s);
  CHECK(question.ask());
  CHECK(question.asked() == 1);
  question.world.manual.advance(2s);
  CHECK(question.ask());
  CHECK(question.asked() == 2);
}

TEST_CASE(
    "ProgramCatalogue: a supervisord that did not tell its programs in time is left alone for a "
    "while") {
  CatalogueQuestion question;
  question.world.supervisord->fail({.operation = tests::Operation::programs, .late_by = 10s});
  CHECK(question.ask(5s).error().kind == ErrorKind::timeout);
  CHECK(question.ask(5s).error().kind == ErrorKind::timeout);
  CHECK(question.asked() == 1);
  question.world.manual.advance(6s);
  CHECK(question.ask(5s));
}

}  // namespace
}  // namespace reeve::guards
