#include "substrate/own_program.h"

#include "support/catch.h"

namespace reeve::substrate {
namespace {

bool runs(const char* command) {
  ProgramConfig program;
  program.command = command;
  return runs_reeve(program);
}

TEST_CASE(
    "runs_reeve: a program that serves or relays with an executable named reeve is Reeve's own") {
  CHECK(runs("reeve serve"));
  CHECK(runs("/usr/bin/reeve serve --config /etc/reeve/config.yaml"));
  CHECK(runs("/opt/reeve --config /etc/reeve/config.yaml serve"));
  CHECK(runs("/usr/bin/reeve relay-events"));
  CHECK(runs("\"/opt/my tools/reeve\" serve"));
}

TEST_CASE("runs_reeve: Reeve's own program is recognised behind env and exec") {
  CHECK(runs("env LANG=C.UTF-8 reeve serve"));
  CHECK(runs("/usr/bin/env -i HOME=/ /usr/bin/reeve serve"));
  CHECK(runs("exec reeve serve"));
}

TEST_CASE("runs_reeve: what merely mentions reeve is not Reeve's own program") {
  CHECK_FALSE(runs(""));
  CHECK_FALSE(runs("reeve list"));
  CHECK_FALSE(runs("/usr/bin/tail -f reeve serve"));
  CHECK_FALSE(runs("/srv/reeve-shop/bin/web serve"));
  CHECK_FALSE(runs("env"));
}

TEST_CASE("runs_reeve: a program whose command is not told is not Reeve's own") {
  CHECK_FALSE(runs_reeve(ProgramConfig{}));
}

}  // namespace
}  // namespace reeve::substrate
