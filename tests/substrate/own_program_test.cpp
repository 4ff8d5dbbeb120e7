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

TEST_CASE("runs_reeve: Reeve's own program is recognised behind whatever runs it") {
  for (const char* command : {"sh -c 'exec reeve serve'",
                              "/bin/bash -lc \"cd /srv && exec /usr/bin/reeve serve -v\"",
                              "sh -c \"exec 'reeve' serve\"",
                              "sh -c 'umask 077; reeve --config /etc/r.yaml serve'",
                              "sudo -u reeve /usr/bin/reeve serve",
                              "sudo sh -c 'nice reeve serve'",
                              "/usr/bin/nice -n 10 /usr/bin/reeve relay-events",
                              "nice -10 reeve serve",
                              "env -S 'reeve serve'",
                              "env --split-string='reeve serve'",
                              "LANG=C reeve serve",
                              "setpriv --reuid reeve --init-groups reeve serve",
                              "stdbuf -oL reeve serve",
                              "timeout -k 5 1h reeve serve",
                              "su reeve -s /bin/sh -c '/usr/bin/reeve serve'",
                              "runuser -u reeve -- reeve serve",
                              "setsid nohup reeve serve",
                              "exec -a agent reeve serve",
                              "chroot --userspec=1:1 /srv /bin/reeve serve",
                              "pidproxy /run/reeve.pid reeve serve",
                              "/lib64/ld-linux-x86-64.so.2 /opt/reeve serve",
                              "tini -- reeve serve",
                              "reeve --log-level debug serve",
                              "/opt/my\\ tools/reeve serve"}) {
    CAPTURE(command);
    CHECK(runs(command));
  }
}

TEST_CASE("runs_reeve: what merely mentions reeve is not Reeve's own program") {
  CHECK_FALSE(runs(""));
  CHECK_FALSE(runs("reeve list"));
  CHECK_FALSE(runs("/usr/bin/tail -f reeve serve"));
  CHECK_FALSE(runs("/srv/reeve-shop/bin/web serve"));
  CHECK_FALSE(runs("env"));
  CHECK_FALSE(runs("reeve tail -f serve"));
  CHECK_FALSE(runs("sudo -u reeve tail -f serve"));
  CHECK_FALSE(runs("sh -c 'reeve list; serve'"));
  CHECK_FALSE(runs("sh -c 'echo \"reeve serve\"'"));
  CHECK_FALSE(runs("sh -c \"sh -c 'sh -c"));
}

TEST_CASE("runs_reeve: a running process is Reeve by its name or its executable, and serves") {
  CHECK(runs_reeve({"/opt/reeve", "--config", "x", "serve"}, false));
  CHECK(runs_reeve({"agent", "relay-events"}, true));
  CHECK_FALSE(runs_reeve({"agent", "serve"}, false));
  CHECK_FALSE(runs_reeve({"agent", "healthcheck"}, true));
  CHECK_FALSE(runs_reeve({}, true));
}

TEST_CASE("runs_reeve: a program whose command is not told is not Reeve's own") {
  CHECK_FALSE(runs_reeve(ProgramConfig{}));
}

}  // namespace
}  // namespace reeve::substrate
