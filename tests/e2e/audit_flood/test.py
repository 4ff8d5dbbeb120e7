"""Clients whose tokens may do little try to fill the audit: what was done before stays in it, their noise
is counted, and what it costs on the disk is bounded."""

import http.client
import json
import secrets
import unittest

from support import Agent, Scenario, until

PROGRAMS = """
[program:web]
command=sleep infinity
startsecs=0
"""
CONFIG = """
supervisor: {{url: {url}}}
poll: {{interval: 200ms, timeout: 2s}}
alerts:
  mode: enforce
  identity: {{instance: host7}}
  rules:
    - name: restart
      match: {{alertname: Hung}}
      target: "{{{{group}}}}:{{{{name}}}}"
      allow: ["*"]
      action: restart
metrics: {{listen: "127.0.0.1:{{metrics}}"}}
control:
  enabled: true
  listen: "127.0.0.1:{{control}}"
  tokens:
    - {{name: test, file: {{token_file}}, scopes: [read, control]}}
    - {{name: alertmanager, file: {folder}/alertmanager.token, scopes: [alerts]}}
    - {{name: nobody, file: {folder}/nobody.token, scopes: [control], allow: ["none:*"]}}
"""
POSTS = 40
ALERTS = 860  # of a post of 1 MB


class AuditFlood(Scenario):
    def setUp(self):
        supervisord = self.start_supervisord(PROGRAMS)
        self.tokens = {name: self.token(name) for name in ("alertmanager", "nobody")}
        config = CONFIG.format(url=supervisord.url, folder=self.workspace.folder)
        self.agent = self.workspace.start(Agent, self.workspace.folder / "reeve", config)
        until("it is seen", lambda: self.agent.samples().one("supervisord_process_up") == 1)
        answer = self.agent.control("POST", "/api/v1/processes/web/restart?wait=20s",
                                    {"reason": "before the flood"})
        self.assertEqual(answer.status, 200, answer.body)

    def token(self, name):
        file = self.workspace.folder / f"{name}.token"
        file.write_text(secrets.token_hex(32))
        file.chmod(0o600)
        return file.read_text()

    def post(self, actor, requests):
        """Sends (path, body) one after the other on one connection; returns the statuses."""
        connection = http.client.HTTPConnection("127.0.0.1", self.agent.control_port, timeout=20)
        headers = {"Authorization": f"Bearer {self.tokens[actor]}",
                   "Content-Type": "application/json"}
        statuses = []
        for path, body in requests:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            answer.read()
            statuses.append(answer.status)
        connection.close()
        return statuses

    def audit(self, query=""):
        answer = self.agent.control("GET", f"/api/v1/audit?limit=10000{query}")
        self.assertEqual(answer.status, 200, answer.body)
        return json.loads(answer.body)

    def written(self):
        return sum(file.stat().st_size for file in (self.agent.folder / "state").glob("*.jsonl"))

    def check(self, actor, decision, count):
        entries = self.audit()
        restarts = [each for each in entries if each["kind"] == "operation"]
        self.assertEqual([each["reason"] for each in restarts], ["before the flood"])
        self.assertEqual(self.audit("&kind=operation"), restarts)
        self.assertEqual(sum(each["count"] for each in entries if each["actor"] == actor
                             and each["decision"] == decision), count)

    def test_forty_posts_of_alerts_without_a_process(self):
        def alerts(number):
            return json.dumps({"version": "4", "alerts": [
                {"status": "firing", "startsAt": "2026-01-31T12:00:00Z",
                 "fingerprint": f"{number}-{each}",
                 "labels": {"alertname": "Hung", "instance": "host7", "group": "x" * 1000,
                            "name": f"{number}-{each}"}} for each in range(ALERTS)]})
        before = self.written()
        statuses = self.post("alertmanager", (("/api/v1/alerts", alerts(number))
                                              for number in range(POSTS)))
        self.assertEqual(set(statuses), {200})
        grown = self.written() - before
        print(f"{POSTS * ALERTS} alerts wrote {grown / 1e6:.2f} MB", flush=True)
        self.assertLess(grown, 5_000_000)
        self.check("alertmanager", "no_target", POSTS * ALERTS)

    def test_commands_of_a_token_that_may_act_on_nothing(self):
        before = self.written()
        statuses = self.post("nobody", (("/api/v1/processes/web/restart", json.dumps(
            {"reason": f"{number}" * 150})) for number in range(1000)))
        self.assertEqual(set(statuses), {403})
        self.assertLess(self.written() - before, 20_000)
        self.check("nobody", "not_allowed", 1000)
        self.assertLess(self.agent.text().count("a request was refused"), 5)

    def test_requests_without_the_scope(self):
        statuses = self.post("alertmanager", [("/api/v1/processes/web/restart", "{}")] * 300)
        self.assertEqual(set(statuses), {403})
        until("they are in the audit", lambda: sum(
            each["count"] for each in self.audit() if each["decision"] == "missing_scope") == 300)
        self.check("alertmanager", "missing_scope", 300)
        self.assertLess(self.agent.text().count("a request was refused"), 5)


if __name__ == "__main__":
    unittest.main()
