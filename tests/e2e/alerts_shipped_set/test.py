"""The set of packaging/alertmanager, run as it is by Prometheus, Alertmanager (at its default
repeat_interval) and Reeve: a web program that hangs too soon after its start is restarted once, when it
has run long enough, without another post.

What the set's README says to fit is replaced, and nothing else but times. EXAMPLES_PACE=shipped leaves
the times as well: it takes a quarter of an hour then.
"""

import json
import os
import pathlib
import re
import secrets
import shutil
import sys
import time
import unittest

from support import ROOT, Agent, Alertmanager, Child, Scenario, free_port, request, until

SET = ROOT / "packaging/alertmanager"
HANGING = pathlib.Path(__file__).parents[1] / "alerts_act_once/hanging.py"
SHIPPED_PACE = os.environ.get("EXAMPLES_PACE") == "shipped"
PATIENCE = 1500 if SHIPPED_PACE else 120
MIN_UPTIME = 120 if SHIPPED_PACE else 30  # seconds

PROGRAM = """
[program:{name}]
command={python} {script} {port} {folder}/{name}-hangs 0
startsecs=1
stopwaitsecs=2
"""
QUICKER = {
    "prometheus.yml": {"interval: 15s": "interval: 1s"},
    "remedies.rules.yml": {"for: 1m": "for: 2s"},
    "alertmanager.yml": {"group_wait: 10s": "group_wait: 1s"},
    "reeve.yaml": {"action: restart\n      cooldown: {initial: 10m}":
                   f"action: restart\n      min_uptime: {MIN_UPTIME}s\n      cooldown: {{initial: 1s}}"},
}


def fitted_values():
    """What the README's table says to fit."""
    rows = re.findall(r"(?m)^ +\| (`.*`) \| .* \|$", (SET / "README.md").read_text())
    return [value for row in rows for value in re.findall(r"`(.*?)`", row)]


class Prometheus(Child):
    def __init__(self, folder):
        self.url = f"http://127.0.0.1:{free_port()}"
        super().__init__(["/usr/bin/prometheus", f"--config.file={folder}/alertmanager/prometheus.yml",
                          f"--storage.tsdb.path={folder}/tsdb",
                          f"--web.listen-address={self.url.removeprefix('http://')}"],
                         folder / "prometheus.log")

    def up(self):
        return request("GET", self.url + "/-/ready").status == 200

    def firing(self):
        alerts = json.loads(request("GET", self.url + "/api/v1/alerts").body)["data"]["alerts"]
        return [alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"]


class AlertsShippedSet(Scenario):
    def setUp(self):
        self.folder = self.workspace.folder
        self.web = {"front": free_port(), "back": free_port()}
        self.supervisord = self.start_supervisord("[group:web]\nprograms=front,back\n" + "".join(
            PROGRAM.format(name=name, port=port, python=sys.executable, script=HANGING,
                           folder=self.folder) for name, port in self.web.items()))
        token = self.folder / "alertmanager.token"
        token.write_text(secrets.token_hex(32))
        token.chmod(0o600)
        self.ports = {name: free_port() for name in ("metrics", "control", "alertmanager")}
        self.values = {
            "unix:///run/supervisor.sock": self.supervisord.url,
            "localhost:19001": f"localhost:{self.ports['metrics']}",
            "127.0.0.1:19002": f"127.0.0.1:{self.ports['control']}",
            "localhost:9093": f"localhost:{self.ports['alertmanager']}",
            "localhost:8080": f"localhost:{self.web['front']}",
            "localhost:8081": f"localhost:{self.web['back']}",
            "/etc/reeve/tokens/alertmanager": str(token),
            "/etc/reeve/tokens/ops": "{token_file}",
            "/etc/prometheus/reeve.token": str(token),
        }
        self.assertEqual(fitted_values(), list(self.values))
        self.copy_the_set()
        config = (self.folder / "alertmanager/reeve.yaml").read_text()
        config = config.replace("mode: dry_run", "mode: enforce")  # the last step of its README
        config += f'metrics: {{listen: "127.0.0.1:{self.ports["metrics"]}"}}\n'
        self.agent = self.workspace.start(Agent, self.folder / "reeve", config,
                                          self.ports["metrics"], self.ports["control"])
        self.alertmanager = self.workspace.start(
            Alertmanager, self.folder, self.folder / "alertmanager/alertmanager.yml",
            port=self.ports["alertmanager"])
        self.prometheus = self.workspace.start(Prometheus, self.folder)
        until("the agent sees the programs", lambda: sum(self.agent.samples().find(
            "supervisord_process_up")) == 2)

    def copy_the_set(self):
        """With the folder of rules beside it, as installed."""
        for name in ("alertmanager", "prometheus"):
            shutil.copytree(ROOT / "packaging" / name, self.folder / name)
        for name, quicker in QUICKER.items():
            file = self.folder / "alertmanager" / name
            text = file.read_text()
            for old, new in {**self.values, **({} if SHIPPED_PACE else quicker)}.items():
                if old not in self.values:
                    self.assertIn(old, text, name)
                text = text.replace(old, new)
            file.write_text(text)

    def spawns(self, name):
        log = (self.supervisord.folder / "supervisord.log").read_text()
        return len(re.findall(f"spawned: '{name}'", log))

    def decisions(self):
        entries = json.loads(self.agent.control("GET", "/api/v1/audit?kind=decision").body)
        return [entry["decision"] for entry in entries]

    def waits_for(self, reason):
        return self.agent.samples().one("reeve_alerts_pending", rule="restart-what-hangs",
                                        reason=reason) == 1

    def test_too_young_at_first_and_restarted_once_without_another_post(self):
        config = (self.folder / "alertmanager/alertmanager.yml").read_text()
        self.assertNotRegex(config, r"(?m)^[^#]*repeat_interval")
        self.supervisord.rpc("stopProcess", "web:front")
        self.supervisord.rpc("startProcess", "web:front")
        started = time.monotonic()
        spawned = self.spawns("front")
        until("it answers", lambda: request(
            "GET", f"http://localhost:{self.web['front']}/metrics", timeout=5).status == 200)
        (self.folder / "front-hangs").touch()
        until("it is too young", lambda: self.waits_for("too_young"), PATIENCE)
        self.assertEqual(self.prometheus.firing(), ["WebHangs"])
        self.assertEqual(self.spawns("front"), spawned)
        until("it is restarted", lambda: self.spawns("front") == spawned + 1, PATIENCE)
        self.assertGreater(time.monotonic() - started, MIN_UPTIME - 1)
        self.assertEqual(self.alertmanager.samples().one(
            "alertmanager_notifications_total", integration="webhook"), 1)
        until("the decision is recorded", lambda: self.decisions() == ["pending", "accepted"])
        until("it answers again", lambda: request(
            "GET", f"http://localhost:{self.web['front']}/metrics", timeout=5).status == 200)
        operations = json.loads(until("it is done", lambda: self.finished_operations()))
        self.assertEqual([(each["action"], each["source"], each["rule"], each["result"])
                          for each in operations],
                         [("restart", "alert", "restart-what-hangs", "succeeded")])
        self.assertEqual((self.spawns("front"), self.spawns("back")), (spawned + 1, 1))

    def finished_operations(self):
        body = self.agent.control("GET", "/api/v1/operations").body
        return body if all(each["state"] == "done" for each in json.loads(body)) else None


if __name__ == "__main__":
    unittest.main()
