"""The actions of the shell, carried out by a running agent."""

import json
import os
import signal
import subprocess
import unittest

from support import REEVE, Scenario, until

PROGRAMS = """
[program:front]
command=sleep infinity
startsecs=0
[program:back]
command=sleep infinity
startsecs=0
[group:web]
programs=front,back
[program:broken]
command=false
startsecs=10
autostart=false
startretries=0
[program:slow]
command=sleep infinity
startsecs=1000
autostart=false
"""


class ThroughTheAgent(Scenario):
    def setUp(self):
        self.supervisord, self.agent = self.watch(PROGRAMS)
        until("all is seen", lambda: self.agent.samples().one(
            "supervisord_process_up", name="back") == 1)
        self.environment = {**os.environ,
                            "REEVE_AGENT": f"http://127.0.0.1:{self.agent.control_port}",
                            "REEVE_TOKEN_FILE": str(self.agent.token_file)}

    def reeve(self, *words, code=0):
        """What it printed, on either stream."""
        done = subprocess.run([REEVE, *words], env=self.environment, text=True, timeout=120,
                              stdin=subprocess.DEVNULL, capture_output=True, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def entries(self):
        done = json.loads(self.agent.control("GET", "/api/v1/audit?kind=operation").body)
        return [(each["action"], each["group"], each["name"], each["actor"], each["reason"],
                 each["result"]) for each in done]

    def test_the_same_words_as_directly_and_a_record_of_all(self):
        before = self.supervisord.rpc("getProcessInfo", "web:front")["pid"]
        self.assertEqual(self.reeve("restart", "web:front", "--reason", "new certificate"),
                         "web:front: restarted\n")
        self.assertNotEqual(self.supervisord.rpc("getProcessInfo", "web:front")["pid"], before)
        self.assertIn(("restart", "web", "front", "test", "new certificate", "succeeded"),
                      self.entries())
        self.assertEqual(self.reeve("stop", "web:front"), "web:front: stopped\n")
        self.assertEqual(self.reeve("stop", "web:front"), "web:front: not running\n")
        self.assertEqual(self.supervisord.state("web:front"), "STOPPED")
        self.assertEqual(sorted(self.reeve("start", "web:*").splitlines()),
                         ["web:front: started"])
        self.assertEqual(self.reeve("start", "web:front"), "web:front: already running\n")
        self.assertEqual(sorted(self.reeve("restart", "web:*").splitlines()),
                         ["web:back: restarted", "web:front: restarted"])
        listed = json.loads(self.reeve("stop", "web:back", "--output", "json"))
        self.assertEqual((listed["name"], listed["result"]), ("back", "stopped"))

    def test_failures_have_the_words_and_codes_of_the_direct_way(self):
        directly = {}
        for words in (("start", "broken"), ("restart", "nobody"), ("restart", "web"),
                      ("restart", "x*")):
            done = subprocess.run(
                [REEVE, *words, "--url", self.supervisord.url], env=self.environment, text=True,
                timeout=60, stdin=subprocess.DEVNULL, capture_output=True, check=False)
            directly[words] = done.returncode
            self.reeve(*words, code=done.returncode)
        self.assertEqual(directly[("start", "broken")], 7)
        self.assertIn("web is a group: web:*", self.reeve("restart", "web", code=1))

    def test_a_token_that_may_not_act_is_refused_in_words(self):
        stranger = self.workspace.folder / "stranger"
        stranger.write_text("x" * 40 + "\n")
        said = self.reeve("restart", "web:front", "--token-file", str(stranger), code=1)
        self.assertIn("control.tokens", said)
        self.environment["REEVE_AGENT"] = "http://127.0.0.1:9"
        self.assertIn("cannot be reached", self.reeve("restart", "web:front", code=4))

    def test_an_interrupt_says_that_the_agent_goes_on(self):
        with subprocess.Popen([REEVE, "start", "slow"], env=self.environment, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT) as waiting:
            until("it starts", lambda: self.supervisord.state("slow") == "STARTING")
            until("the agent sees it", lambda: json.loads(self.agent.control(
                "GET", "/api/v1/processes/slow").body)["state"] == "STARTING")
            waiting.send_signal(signal.SIGINT)
            said, _ = waiting.communicate(timeout=60)
        self.assertEqual(waiting.returncode, 1)
        self.assertIn("slow is still STARTING; the agent goes on with it", said)
        self.assertEqual(self.supervisord.state("slow"), "STARTING")

    def test_what_is_in_progress_is_not_begun_twice(self):
        self.agent.control("POST", "/api/v1/processes/slow/start")
        said = self.reeve("restart", "slow", code=1)
        self.assertIn("refused", said)

    def test_the_configuration_names_the_agent(self):
        config = self.workspace.folder / "operator.yaml"
        config.write_text(f"agent:\n  url: {self.environment.pop('REEVE_AGENT')}\n"
                          f"  token_file: {self.environment.pop('REEVE_TOKEN_FILE')}\n")
        self.assertEqual(self.reeve("restart", "web:back", "--config", str(config)),
                         "web:back: restarted\n")
        self.assertIn(("restart", "web", "back", "test", None, "succeeded"), self.entries())


if __name__ == "__main__":
    unittest.main()
