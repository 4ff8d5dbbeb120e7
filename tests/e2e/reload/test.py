"""A good file is swapped in, a bad one changes nothing and is reported."""

import json
import shutil
import signal
import ssl
import unittest

from support import REEVE, ROOT, Agent, Child, Scenario, free_port, until

CERTIFICATES = ROOT / "tests/fixtures/tls"

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

    def test_another_supervisord_needs_a_restart_and_the_answer_says_so(self):
        other = self.start_supervisord("[program:other]\ncommand=sleep infinity\n", name="other")
        self.agent.write_config(self.config.replace(self.supervisord.url, other.url))
        for _ in range(2):  # it stays on record until the restart
            answer = self.agent.control("POST", "/-/reload")
            self.assertEqual(answer.status, 200, answer.body)
            self.assertEqual(json.loads(answer.body),
                             {"reloaded": True, "needs_restart": "supervisor"})
        polls = self.agent.samples().one("supervisord_poll_duration_seconds_count")
        until("it is polled again", lambda: self.agent.samples().one(
            "supervisord_poll_duration_seconds_count") > polls)
        self.assertEqual(self.shown(), ["hidden", "seen"])

    def test_tls_cannot_be_turned_on_while_running_and_keeps_nothing_else_from_it(self):
        web = self.workspace.folder / "web.yaml"
        web.write_text(f"tls_server_config: {{cert_file: {CERTIFICATES / 'localhost.pem'},"
                       f" key_file: {CERTIFICATES / 'localhost.key'}}}\n")
        self.agent.write_config(self.config.replace(
            "metrics:\n", f"metrics:\n  web_config_file: {web}\n  exclude: ['hidden:hidden']\n"))
        answer = self.agent.control("POST", "/-/reload")
        self.assertEqual(answer.status, 200, answer.body)
        self.assertIn("metrics.web_config_file", json.loads(answer.body)["needs_restart"])
        until("the filter holds", lambda: self.shown() == ["seen"])


class ReloadOfCertificates(Scenario):
    def setUp(self):
        """An agent with TLS on both listeners."""
        folder = self.workspace.folder
        self.ports = free_port(), free_port()
        for name in ("metrics.pem", "metrics.key", "control.pem", "control.key"):
            kind = name.partition(".")[2]
            shutil.copy(CERTIFICATES / f"localhost.{kind}", folder / name)
        (folder / "token").write_text("x" * 40)
        (folder / "token").chmod(0o600)
        (folder / "web.yaml").write_text(
            f"tls_server_config: {{cert_file: {folder}/metrics.pem, key_file: {folder}/metrics.key}}\n")
        (folder / "config.yaml").write_text(f"""
supervisor: {{url: "unix://{folder}/none.sock"}}
metrics: {{listen: "127.0.0.1:{self.ports[0]}", web_config_file: {folder}/web.yaml}}
control:
  enabled: true
  listen: "127.0.0.1:{self.ports[1]}"
  tls: {{cert_file: {folder}/control.pem, key_file: {folder}/control.key}}
  tokens: [{{name: test, file: {folder}/token, scopes: [read]}}]
""")
        self.agent = self.workspace.start(Child, [REEVE, "serve", "--config",
                                                  folder / "config.yaml"], folder / "reeve.log")
        until("TLS is served", self.certificates)

    def certificates(self):
        """What both listeners show."""
        return [ssl.get_server_certificate(("127.0.0.1", port)) for port in self.ports]

    def renew(self, listener):
        for kind in ("pem", "key"):
            shutil.copy(CERTIFICATES / f"other.{kind}",
                        self.workspace.folder / f"{listener}.{kind}")

    def test_both_listeners_take_new_certificates_or_neither(self):
        old = self.certificates()
        self.renew("metrics")
        (self.workspace.folder / "control.key").write_text("not a key\n")
        self.agent.signal(signal.SIGHUP)
        until("the refusal is logged", lambda: "was not reloaded" in self.agent.text())
        self.assertEqual(self.certificates(), old)
        self.renew("control")
        self.agent.signal(signal.SIGHUP)
        until("it is reloaded", lambda: "the configuration is reloaded" in self.agent.text())
        new = self.certificates()
        self.assertEqual(new[0], new[1])
        self.assertNotEqual(new, old)


if __name__ == "__main__":
    unittest.main()
