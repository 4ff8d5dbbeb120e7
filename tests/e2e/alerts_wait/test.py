"""A real Alertmanager at its default repeat_interval tells once of an alert on a process that runs too
short to be restarted: it is restarted when it has run long enough, once, without another post."""

import json
import re
import secrets
import time
import unittest

from support import Agent, Alertmanager, Scenario, request, until

PROGRAMS = """
[program:web]
command=sleep infinity
startsecs=0
"""
MIN_UPTIME = 12
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
      allow: [web]
      action: restart
      min_uptime: {min_uptime}s
      pending_for: 2m
      cooldown: {{initial: 1s}}
metrics: {{listen: "127.0.0.1:{{metrics}}"}}
control:
  enabled: true
  listen: "127.0.0.1:{{control}}"
  tokens:
    - {{name: test, file: {{token_file}}, scopes: [read, control]}}
    - {{name: alertmanager, file: {folder}/alertmanager.token, scopes: [alerts]}}
"""
ALERTMANAGER = """
route: {{receiver: reeve, group_wait: 1s}}
receivers:
  - name: reeve
    webhook_configs:
      - url: http://127.0.0.1:{port}/api/v1/alerts
        http_config: {{authorization: {{credentials_file: {folder}/alertmanager.token}}}}
"""


class AlertsWait(Scenario):
    def setUp(self):
        self.folder = self.workspace.folder
        token = self.folder / "alertmanager.token"
        token.write_text(secrets.token_hex(32))
        token.chmod(0o600)
        self.supervisord = self.start_supervisord(PROGRAMS)
        self.agent = self.workspace.start(Agent, self.folder / "reeve", CONFIG.format(
            url=self.supervisord.url, folder=self.folder, min_uptime=MIN_UPTIME))
        until("it is seen", lambda: self.agent.samples().one("supervisord_process_up") == 1)
        config = self.folder / "alertmanager.yml"
        config.write_text(ALERTMANAGER.format(port=self.agent.control_port, folder=self.folder))
        self.alertmanager = self.workspace.start(Alertmanager, self.folder, config)

    def spawns(self):
        log = (self.supervisord.folder / "supervisord.log").read_text()
        return len(re.findall("spawned: 'web'", log))

    def decisions(self):
        entries = json.loads(self.agent.control("GET", "/api/v1/audit?kind=decision").body)
        return [entry["decision"] for entry in entries]

    def test_too_young_at_first_and_restarted_once(self):
        self.supervisord.rpc("stopProcess", "web")
        self.supervisord.rpc("startProcess", "web")
        spawned = time.monotonic()
        before = self.spawns()
        answer = request("POST", f"{self.alertmanager.url}/api/v2/alerts", json.dumps([{
            "labels": {"alertname": "Hung", "instance": "host7", "group": "web", "name": "web"}}]),
            {"Content-Type": "application/json"})
        self.assertEqual(answer.status, 200, answer.body)
        until("it waits", lambda: self.agent.samples().one(
            "reeve_alerts_pending", rule="restart", reason="too_young") == 1)
        guards = json.loads(self.agent.control("GET", "/api/v1/guards").body)
        self.assertEqual([each["reason"] for each in guards[0]["pending"]], ["too_young"])
        self.assertEqual(self.spawns(), before)
        until("it is restarted", lambda: self.spawns() == before + 1)
        self.assertGreater(time.monotonic() - spawned, MIN_UPTIME - 1)
        until("all is recorded", lambda: self.decisions() == ["pending", "accepted"])
        self.assertEqual(self.agent.samples().find("reeve_alerts_pending"), [])
        posts = self.alertmanager.samples().one("alertmanager_notifications_total",
                                                integration="webhook")
        self.assertEqual(posts, 1)


if __name__ == "__main__":
    unittest.main()
