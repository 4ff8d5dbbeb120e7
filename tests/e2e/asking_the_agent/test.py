"""Somebody at a shell asks a running agent: maintenance, guards, the record."""

import json
import os
import signal
import subprocess
import unittest

from support import REEVE, Agent, Scenario, until

PROGRAMS = """
[program:front]
command=sleep infinity
startsecs=0
[program:back]
command=sleep infinity
startsecs=0
[group:web]
programs=front,back
"""


class AskingTheAgent(Scenario):
    def setUp(self):
        self.supervisord, self.agent = self.watch(PROGRAMS)
        until("all is seen", lambda: self.agent.samples().one(
            "supervisord_process_up", name="back") == 1)

    def reeve(self, *words, code=0, **variables):
        """What it printed, on either stream."""
        environment = {"REEVE_AGENT": f"http://127.0.0.1:{self.agent.control_port}",
                       "REEVE_TOKEN_FILE": str(self.agent.token_file), **variables}
        environment = {**os.environ, **{k: v for k, v in environment.items() if v}}
        done = subprocess.run([REEVE, *words], env=environment, text=True, timeout=60,
                              stdin=subprocess.DEVNULL, capture_output=True, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def test_maintenance_is_set_seen_and_cleared(self):
        self.assertEqual(self.reeve("maintenance"), "nothing is under maintenance\n")
        said = self.reeve("maintenance", "set", "web:*", "--ttl", "2h", "--reason", "new disk")
        self.assertEqual(said, "web:*: under maintenance for 2h\n")
        table = self.reeve("maintenance", "list").splitlines()
        self.assertEqual(table[0].split(), ["SCOPE", "UNTIL", "BY", "REASON"])
        self.assertTrue(table[1].startswith("web:*"), table)
        self.assertTrue(table[1].endswith("test  new disk"), table)
        listed = json.loads(self.reeve("maintenance", "--output", "json"))
        self.assertEqual((listed[0]["scope"], listed[0]["actor"]), ("web:*", "test"))
        self.assertEqual(self.reeve("maintenance", "clear", "web:*"),
                         "web:*: no longer under maintenance\n")
        self.assertIn("refused", self.reeve("maintenance", "clear", "web:*", code=1))
        self.assertIn("names no process", self.reeve("maintenance", "set", "wbe:*", "--ttl", "1h",
                                                     code=1))

    def test_maintenance_outlives_the_agent(self):
        self.reeve("maintenance", "set", "*", "--ttl", "1h")
        self.agent.end()
        self.assertIn("cannot be reached", self.reeve("maintenance", code=4))
        self.workspace.start(Agent, self.agent.folder, self.agent.config.read_text(),
                             metrics_port=self.agent.metrics_port,
                                     control_port=self.agent.control_port)
        fresh = self.workspace.children[-1]
        self.assertIn("*", self.reeve("maintenance", REEVE_TOKEN_FILE=str(fresh.token_file)))

    def test_guards_are_shown_and_reset(self):
        self.assertEqual(self.reeve("guards"), "no process was acted on for an alert\n")
        self.assertIn("refused", self.reeve("guards", "reset", "web:nobody", code=1))
        self.assertEqual(self.reeve("guards", "reset", "web:front"), "web:front: reset\n")
        self.assertEqual(self.reeve("guards", "reset", "*"),
                         "*: reset; all alerts that waited are decided anew now\n")

    def test_the_record_says_who_did_what_and_why(self):
        self.agent.control("POST", "/api/v1/processes/web:front/restart?wait=20s",
                           {"reason": "new certificate"})
        self.reeve("maintenance", "set", "web:front", "--ttl", "1h", "--reason", "new disk")
        self.reeve("guards", "reset", "*")
        entries = json.loads(self.reeve("audit", "--output", "json"))
        self.assertEqual([entry["kind"] for entry in entries][-2:], ["maintenance", "reset"])
        done = [entry for entry in entries if entry["kind"] == "operation"]
        self.assertEqual((done[-1]["actor"], done[-1]["action"], done[-1]["result"]),
                         ("test", "restart", "succeeded"))
        table = self.reeve("audit", "--limit", "2").splitlines()
        self.assertEqual(len(table), 3)
        self.assertIn("new disk", table[1])
        self.assertEqual(self.reeve("audit", "--since", "2100-01-01T00:00:00Z"),
                         "nothing was recorded\n")
        self.assertIn("--since: expected", self.reeve("audit", "--since", "yesterday", code=2))
        named = self.reeve("audit", "--since", "1h", "web:front", "--actor", "test").splitlines()
        self.assertEqual([line.split()[1] for line in named[1:]], ["operation", "maintenance"])
        self.assertEqual(len(self.reeve("audit", "--decision", "succeeded").splitlines()), 2)

    def test_the_record_is_followed(self):
        with subprocess.Popen(
                [REEVE, "audit", "--follow", "--output", "json"], text=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                env={**os.environ, "REEVE_TOKEN_FILE": str(self.agent.token_file),
                     "REEVE_AGENT": f"http://127.0.0.1:{self.agent.control_port}"}) as following:
            self.agent.control("POST", "/api/v1/processes/web:front/restart?wait=20s")
            line = json.loads(following.stdout.readline())
            self.assertEqual((line["action"], line["result"]), ("restart", "succeeded"))
            following.send_signal(signal.SIGINT)
            self.assertEqual(following.wait(60), 0)

    def test_the_agent_is_found_through_its_configuration(self):
        found = self.reeve("maintenance", "--config", str(self.agent.config), REEVE_AGENT="")
        self.assertEqual(found, "nothing is under maintenance\n")

    def test_over_a_unix_socket(self):
        socket = self.workspace.folder / "control.sock"
        config = self.agent.config.read_text().replace(
            f'listen: "127.0.0.1:{self.agent.control_port}"', f'listen: "unix://{socket}"')
        self.agent.end()
        fresh = self.workspace.start(Agent, self.agent.folder, config,
                                     metrics_port=self.agent.metrics_port)
        where = {"REEVE_AGENT": f"unix://{socket}", "REEVE_TOKEN_FILE": str(fresh.token_file)}
        self.reeve("maintenance", "set", "web:*", "--ttl", "1h", **where)
        self.assertIn("web:*", self.reeve("maintenance", **where))
        self.assertIn("no socket", self.reeve("audit", "--agent", f"unix://{socket}x", code=7))

    def test_who_may_not_is_told_what_would_help(self):
        stranger = self.workspace.folder / "stranger"
        stranger.write_text("x" * 40 + "\n")
        self.assertIn("--token-file FILE", self.reeve("guards", code=1, REEVE_TOKEN_FILE=""))
        self.assertIn("control.tokens", self.reeve("guards", "--token-file", str(stranger), code=1))
        self.assertIn("expected maintenance", self.reeve("maintenance", "web:*", code=2))


if __name__ == "__main__":
    unittest.main()
