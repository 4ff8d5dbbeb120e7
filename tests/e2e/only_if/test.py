"""A rule that acts only if a real Prometheus has a result for its query."""

import json
import unittest

from support import Prometheus, Scenario, free_port, until

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

CONFIG = """
supervisor: {{url: {url}, timeout: 1s}}
alerts:
  mode: enforce
  identity: any
  rules:
    - name: hung
      match: {{alertname: Hung}}
      target: "web:{{{{name}}}}"
      allow: ["web:*"]
      action: restart
      min_uptime: 0s
      settle: 0s
      pending_for: 0s
      max_attempts: 20
      cooldown: {{initial: 0s}}
      only_if:
        prometheus: "{prometheus}"
        query: 'sum(supervisord_group_processes{{group="web",state="RUNNING"}}) > 1'
        timeout: 5s
"""


class OnlyIf(Scenario):
    def setUp(self):
        port = free_port()
        self.supervisord = self.start_supervisord(PROGRAMS)
        self.agent = self.start_agent(CONFIG.format(
            url=self.supervisord.url, prometheus=f"http://127.0.0.1:{port}"))
        self.prometheus = self.workspace.start(
            Prometheus, self.workspace.folder, [self.agent.metrics_port], port=port)
        self.fingerprints = iter(range(1000))

    def running(self):
        """How many of web run, as Prometheus knows."""
        found = self.prometheus.query(
            'sum(supervisord_group_processes{group="web",state="RUNNING"})')
        return int(found[0]["value"][1]) if found else None

    def act(self, name):
        """Posts an alert of its own; the operation that it became, once that is done."""
        answer = self.agent.control("POST", "/api/v1/alerts", {"version": "4", "alerts": [{
            "status": "firing", "labels": {"alertname": "Hung", "name": name}, "annotations": {},
            "startsAt": "2026-01-01T00:00:00Z",
            "fingerprint": f"{next(self.fingerprints):016x}"}]})
        decision = json.loads(answer.body)["decisions"][0]
        self.assertEqual(decision["decision"], "accepted", decision)

        def done():
            found = json.loads(self.agent.control(
                "GET", f"/api/v1/operations/{decision['operation']}").body)
            return found if found["state"] == "done" else None
        return until("the operation is done", done)

    def pid(self, name):
        return self.supervisord.rpc("getProcessInfo", f"web:{name}")["pid"]

    def test_the_query_decides_and_what_fails_is_a_veto(self):
        until("Prometheus has seen both", lambda: self.running() == 2)
        before = self.pid("front")
        self.assertEqual(self.act("front")["result"], "succeeded")
        self.assertNotEqual(self.pid("front"), before)

        self.supervisord.rpc("stopProcess", "web:back")
        until("Prometheus has seen one", lambda: self.running() == 1)
        before = self.pid("front")
        vetoed = self.act("front")
        self.assertEqual((vetoed["result"], vetoed["decision"]), ("refused", "vetoed"))
        self.assertIn("only_if has no result: sum(", vetoed["steps"][-1]["detail"])
        self.assertEqual(self.pid("front"), before)

        self.prometheus.end()
        vetoed = self.act("front")
        self.assertEqual((vetoed["result"], vetoed["decision"]), ("refused", "vetoed"))
        self.assertIn("could not be asked", vetoed["steps"][-1]["detail"])
        self.assertEqual(self.pid("front"), before)
        self.assertEqual(self.agent.samples().one(
            "reeve_actions_refused_total", action="restart", source="alert", reason="guarded"), 2)
        # A person acts all the same.
        self.agent.control("POST", "/api/v1/processes/web:front/restart?wait=30s")
        self.assertNotEqual(self.pid("front"), before)


if __name__ == "__main__":
    unittest.main()
