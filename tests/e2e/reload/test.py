"""A good file is swapped in, a bad one changes nothing and is reported."""

import signal
import unittest

from support import Agent, Scenario, until

PROGRAMS = """
[program:seen]
command=sleep infinity
[program:hidden]
command=sleep infinity
"""


class Reload(Scenario):
    def setUp(self):
        self.supervisord = self.start_supervisord(PROGRAMS)
        self.config = (f"supervisor: {{url: {self.supervisord.url}}}\n"
                       "poll: {interval: 200ms}\n" + Agent.LISTENERS)
        self.agent = self.workspace.start(Agent, self.workspace.folder / "reeve", self.config)
        until("both are shown", lambda: self.shown() == ["hidden", "seen"])

    def shown(self):
        return sorted(labels["name"] for name, labels, _ in self.agent.samples()
                      if name == "supervisord_process_up")

    def exclude(self, name):
        self.agent.write_config(self.config.replace(
            "metrics:\n", f"metrics:\n  exclude: ['{name}:{name}']\n"))

    def successful(self):
        return self.agent.samples().one("reeve_config_last_reload_successful")

    def test_a_hangup_swaps_a_good_file_in(self):
        self.exclude("hidden")
        self.agent.signal(signal.SIGHUP)
        until("the filter holds", lambda: self.shown() == ["seen"])
        self.assertEqual(self.successful(), 1)

    def test_a_hangup_with_a_bad_file_changes_nothing(self):
        self.agent.config.write_text("poll: {intervall: 1s}\n")
        self.agent.signal(signal.SIGHUP)
        until("it is reported", lambda: self.successful() == 0)
        self.assertEqual(self.shown(), ["hidden", "seen"])
        until("the place is in the log", lambda: "config.yaml:1:8" in self.agent.text())

    def test_the_same_over_http(self):
        self.exclude("hidden")
        self.assertEqual(self.agent.control("POST", "/-/reload").status, 200)
        until("the filter holds", lambda: self.shown() == ["seen"])
        self.agent.config.write_text("poll: {intervall: 1s}\n")
        refused = self.agent.control("POST", "/-/reload")
        self.assertGreaterEqual(refused.status, 400)
        self.assertIn("interval", refused.body)
        until("it is reported", lambda: self.successful() == 0)
        self.assertEqual(self.shown(), ["seen"])

    def test_supervisords_come_and_go_or_the_answer_says_that_a_restart_is_needed(self):
        other = self.start_supervisord("[program:other]\ncommand=sleep infinity\n", name="other")
        self.agent.write_config(self.config.replace(self.supervisord.url, other.url))
        answer = self.agent.control("POST", "/-/reload")
        self.assertEqual(answer.status, 200, answer.body)
        if "restart" not in answer.body:
            until("the other one is shown", lambda: self.shown() == ["other"])


if __name__ == "__main__":
    unittest.main()
