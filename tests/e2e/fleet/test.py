"""Several hosts, each a real supervisord with its agent: one list, and one after the other."""

import json
import os
import re
import secrets
import subprocess
import unittest

from support import REEVE, Agent, Scenario, until

PROGRAMS = """
[program:front]
command=sleep infinity
startsecs=1
[program:back]
command=sleep infinity
startsecs=1
[group:web]
programs=front,back
[program:late]
command=sleep infinity
autostart=false
[program:fragile]
command={folder}/run
startsecs=1
startretries=0
"""
CONFIG = """
supervisor: {{url: {url}, timeout: 1s}}
poll: {{interval: 200ms, timeout: 2s}}
metrics: {{listen: "127.0.0.1:{{metrics}}"}}
control:
  enabled: true
  listen: "127.0.0.1:{{control}}"
  tokens:
    - {{name: ops, file: {token}, scopes: [read, control]}}
"""


class Fleet(Scenario):
    def setUp(self):
        self.token = self.workspace.folder / "ops.token"
        self.token.write_text(secrets.token_hex(32))
        self.token.chmod(0o600)
        for name in ("s1", "s2"):
            program = self.workspace.folder / name / "run"
            program.parent.mkdir()
            program.write_text("#!/bin/sh\nexec sleep infinity\n")
            program.chmod(0o755)
        self.supervisords = [self.start_supervisord(PROGRAMS, name) for name in ("s1", "s2")]
        self.agents = [
            self.workspace.start(Agent, self.workspace.folder / f"reeve{number}",
                                 CONFIG.format(url=supervisord.url, token=self.token))
            for number, supervisord in enumerate(self.supervisords)]
        for agent in self.agents:
            until("all is seen", lambda each=agent: sum(
                each.samples().find("supervisord_process_up")) == 3)
        self.hosts = [f"127.0.0.1:{agent.control_port}" for agent in self.agents]
        self.urls = ",".join(f"http://{host}" for host in self.hosts)

    def reeve(self, *words, code=0):
        """What it printed on standard output and on standard error."""
        done = subprocess.run(
            [REEVE, "fleet", *words], text=True, timeout=120, stdin=subprocess.DEVNULL,
            capture_output=True, check=False,
            env={**os.environ, "REEVE_TOKEN_FILE": str(self.token)})
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout, done.stderr

    def test_one_list_of_all_hosts(self):
        table, _ = self.reeve("list", "web:*", "--agents", self.urls)
        self.assertEqual([line.split()[:3] for line in table.splitlines()[1:]],
                         [[host, name, "RUNNING"] for host in self.hosts
                          for name in ("web:back", "web:front")])
        self.agents[1].end()
        table, said = self.reeve("list", "--agents", self.urls, code=4)
        self.assertEqual({line.split()[0] for line in table.splitlines()[1:]}, {self.hosts[0]})
        self.assertIn(f"reeve: {self.hosts[1]}: the agent at", said)

    def test_a_rolling_restart_has_one_process_down_at_a_time(self):
        printed, said = self.reeve("restart", "web:*", "--agents", self.urls,
                                   "--reason", "new release")
        self.assertEqual(printed.splitlines(),
                         [f"{host}: {name}: restarted" for host in self.hosts
                          for name in ("web:back", "web:front")])
        self.assertIn("4 of 4 processes restarted", said)
        # From supervisord's own log: a process is stopped when the one before it has run long enough.
        for supervisord in self.supervisords:
            log = (supervisord.folder / "supervisord.log").read_text()
            told = re.findall(r"(stopped|success): (?:web:)?(front|back)\b", log)
            self.assertEqual(told[-4:], [("stopped", "back"), ("success", "back"),
                                         ("stopped", "front"), ("success", "front")])
        for agent in self.agents:
            entries = json.loads(agent.control("GET", "/api/v1/audit?kind=operation",
                                               token=self.token.read_text()).body)
            self.assertEqual([(each["actor"], each["reason"], each["result"]) for each in entries],
                             [("ops", "new release", "succeeded")] * 2)

    def test_a_failure_leaves_the_others_as_they_are(self):
        (self.supervisords[0].folder / "run").write_text("#!/bin/sh\nexit 1\n")
        pids = [self.supervisords[1].rpc("getProcessInfo", f"web:{name}")["pid"]
                for name in ("back", "front")]
        _, said = self.reeve("restart", "fragile", "web:*", "--agents", self.urls, code=7)
        self.assertIn("0 of 6 processes restarted, 1 failed, 5 left as they are", said)
        self.assertEqual(pids, [self.supervisords[1].rpc("getProcessInfo", f"web:{name}")["pid"]
                                for name in ("back", "front")])

    def test_what_can_be_reached_is_done_and_the_rest_told(self):
        self.agents[0].end()
        _, said = self.reeve("start", "late", "--agents", self.urls, code=4)
        self.assertIn(f"{self.hosts[0]}: the agent at", said)
        self.assertIn("1 of 1 processes started", said)
        self.assertEqual(self.supervisords[1].state("late"), "RUNNING")

    def test_a_dry_run_prints_the_order(self):
        printed, _ = self.reeve("stop", "all", "--agents", self.urls, "--dry-run")
        self.assertEqual(printed.splitlines(),
                         [f"{host}: {name}: would be stopped" for host in self.hosts
                          for name in ("fragile", "web:back", "web:front")])


if __name__ == "__main__":
    unittest.main()
