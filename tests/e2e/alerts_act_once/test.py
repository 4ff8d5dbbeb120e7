"""Prometheus, two Alertmanagers and Reeve, with the shipped examples at a quicker pace: what hangs
is restarted once, however often and by whomever Reeve is told."""

import contextlib
import http.server
import json
import pathlib
import re
import secrets
import signal
import sys
import threading
import unittest

from support import ROOT, Agent, Alertmanager, Child, Scenario, Supervisord, free_port, request, until

EXAMPLES = ROOT / "packaging/alertmanager"
HANGING = pathlib.Path(__file__).with_name("hanging.py")

PROGRAM = """
[program:{name}]
command={python} {script} {port} {folder}/{name}-hangs 4
startsecs=1
stopwaitsecs=2
"""
GROUP = """
[group:web]
programs=front,back
"""


@contextlib.contextmanager
def unavailable(port):
    """Answers each post with 503, as Reeve does while it is not ready; lists their paths."""
    refused = []

    class Refuse(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            refused.append(self.path)
            self.send_error(503)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", port), Refuse) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield refused
        finally:
            server.shutdown()
            thread.join()


class Prometheus(Child):
    """With the shipped alerts, which look each second and wait two, for Reeve and two web programs."""

    CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 800ms, evaluation_interval: 1s}}
rule_files: [remedies.rules.yml]
alerting:
  alertmanagers:
    - static_configs: [{{targets: {alertmanagers}}}]
scrape_configs:
  - job_name: reeve
    static_configs: [{{targets: ["localhost:{agent}"]}}]
  - job_name: web
    static_configs:
      - {{targets: ["127.0.0.1:{front}"], labels: {{group: web, name: front}}}}
      - {{targets: ["127.0.0.1:{back}"], labels: {{group: web, name: back}}}}
"""

    def __init__(self, folder, **ports):
        (folder / "prometheus.yml").write_text(self.CONFIG.format(**ports))
        rules = (EXAMPLES / "remedies.rules.yml").read_text()
        (folder / "remedies.rules.yml").write_text(rules.replace("for: 1m", "for: 2s")
                                                 .replace("for: 3m", "for: 5s"))
        self.url = f"http://127.0.0.1:{free_port()}"
        super().__init__(["/usr/bin/prometheus", f"--config.file={folder}/prometheus.yml",
                          f"--storage.tsdb.path={folder}/tsdb",
                          f"--web.listen-address={self.url.removeprefix('http://')}"],
                         folder / "prometheus.log")

    def up(self):
        return request("GET", self.url + "/-/ready").status == 200

    def alerts(self):
        """The names of the processes with a firing alert."""
        answer = json.loads(request("GET", self.url + "/api/v1/alerts").body)
        return sorted(alert["labels"]["name"] for alert in answer["data"]["alerts"]
                      if alert["state"] == "firing")


class AlertsActOnce(Scenario):
    def setUp(self):
        self.folder = self.workspace.folder
        self.ports = {name: free_port() for name in ("front", "back")}
        programs = GROUP + "".join(
            PROGRAM.format(name=name, port=port, python=sys.executable, script=HANGING,
                           folder=self.folder) for name, port in self.ports.items())
        self.supervisord = self.workspace.start(Supervisord, self.folder / "supervisord", programs)
        self.agent_ports = free_port(), free_port()
        self.agent = self.start_reeve()
        self.alertmanagers = [self.start_alertmanager()]
        self.alertmanagers.append(self.start_alertmanager())
        targets = json.dumps([f"127.0.0.1:{each.port}" for each in self.alertmanagers])
        self.prometheus = self.workspace.start(Prometheus, self.folder, alertmanagers=targets,
                                               agent=self.agent_ports[0], **self.ports)
        until("both alertmanagers know each other", lambda: all(
            each.samples().one("alertmanager_cluster_members") == 2
            for each in self.alertmanagers))
        until("the web programs are scraped", lambda: self.answering("front", "back"))

    def start_reeve(self, control=True):
        """The shipped configuration, enforced, with short times."""
        config = (EXAMPLES / "reeve.yaml").read_text()
        token = self.folder / "alertmanager.token"
        if not token.exists():
            token.write_text(secrets.token_hex(32))
            token.chmod(0o600)
        for old, new in (
                ("unix:///run/supervisor.sock", self.supervisord.url),
                ("127.0.0.1:19002", "127.0.0.1:{control}"),
                ("/etc/reeve/tokens/alertmanager", str(token)),
                ("/etc/reeve/tokens/ops", "{token_file}"),
                ("mode: dry_run", "mode: enforce"),
                ("localhost:19001", "localhost:{metrics}"),
                ("initial: 10m}", "initial: 2s}\n      min_uptime: 1s")):
            self.assertIn(old, config)
            config = config.replace(old, new)
        if not control:
            config = config.replace("enabled: true", "enabled: false").split("\nalerts:")[0]
        config += f"""
metrics: {{listen: "127.0.0.1:{{metrics}}"}}
state_dir: {self.folder}/state
poll: {{interval: 500ms}}
"""
        return self.workspace.start(Agent, self.folder / "reeve", config, *self.agent_ports)

    def start_alertmanager(self):
        config = (EXAMPLES / "alertmanager.yml").read_text()
        for old, new in (
                ("http://127.0.0.1:19002/", f"http://127.0.0.1:{self.agent_ports[1]}/"),
                ("/etc/prometheus/reeve.token", f"{self.folder}/alertmanager.token"),
                ("localhost:19001", f"localhost:{self.agent_ports[0]}"),
                ("group_wait: 10s", "group_wait: 1s"),
                ("group_interval: 1m", "group_interval: 1s"),
                ("continue: true", "continue: true\n      repeat_interval: 1s"),
                ("group_by: [alertname, instance]", "group_by: [alertname]")):
            self.assertIn(old, config)
            config = config.replace(old, new)
        file = self.folder / "alertmanager.yml"
        file.write_text(config)
        return self.workspace.start(Alertmanager, self.folder, file,
                                    cluster=getattr(self, "alertmanagers", []))

    def answering(self, *names):
        return all(request("GET", f"http://127.0.0.1:{self.ports[name]}/metrics", timeout=1).status
                   == 200 for name in names)

    def hang(self, name):
        (self.folder / f"{name}-hangs").touch()

    def spawns(self, name):
        log = (self.supervisord.folder / "supervisord.log").read_text()
        return len(re.findall(f"spawned: '{name}'", log))

    def decided(self, *decisions):
        samples = self.agent.samples()
        return sum(sum(samples.find("reeve_alert_decisions_total", decision=each))
                   for each in decisions)

    def over(self):
        """Nothing fires any more, and Reeve was told so."""
        until("the alert is over", lambda: not self.prometheus.alerts())
        until("Reeve was told", lambda: self.decided("resolved") > 0)

    def test_what_hangs_is_restarted_once(self):
        self.assertEqual(self.spawns("front"), 1)
        self.hang("front")
        until("it is restarted", lambda: self.spawns("front") == 2)
        until("Reeve is told again and again", lambda: self.decided(
            "duplicate", "attempts_exhausted") > 2)
        self.over()
        until("it answers", lambda: self.answering("front"))
        self.assertEqual((self.spawns("front"), self.spawns("back")), (2, 1))
        self.assertEqual(self.decided("accepted"), 1)
        for each in self.alertmanagers:
            self.assertGreater(each.samples().one(
                "alertmanager_notifications_total", integration="webhook"), 0)
        operations = json.loads(self.agent.control("GET", "/api/v1/operations").body)
        self.assertEqual([(each["action"], each["source"], each["rule"], each["result"])
                          for each in operations],
                         [("restart", "alert", "restart-what-hangs", "succeeded")])

    def test_a_group_that_grows_restarts_the_newcomer_alone(self):
        self.hang("front")
        until("it is restarted", lambda: self.spawns("front") == 2)
        self.hang("back")
        until("so is the other", lambda: self.spawns("back") == 2)
        self.over()
        self.assertEqual((self.spawns("front"), self.spawns("back")), (2, 2))

    def replace_reeve(self, number, **options):
        self.agent.signal(number)
        self.agent.wait()
        self.agent = self.start_reeve(**options)

    def test_an_agent_that_took_no_alerts_and_dies_in_between_acts_once(self):
        self.replace_reeve(signal.SIGTERM, control=False)
        with unavailable(self.agent_ports[1]) as refused:
            self.hang("front")
            until("both fail to deliver", lambda: all(each.samples().one(
                "alertmanager_notification_requests_failed_total", integration="webhook") > 0
                for each in self.alertmanagers))
        self.assertGreaterEqual(len(refused), 2)
        self.replace_reeve(signal.SIGTERM)
        until("it is restarted", lambda: self.spawns("front") == 2)
        self.replace_reeve(signal.SIGKILL)
        until("Reeve is told again", lambda: self.decided("duplicate", "attempts_exhausted",
                                                          "in_flight", "cooldown") > 0)
        self.over()
        until("it answers", lambda: self.answering("front"))
        self.assertEqual((self.spawns("front"), self.spawns("back")), (2, 1))


if __name__ == "__main__":
    unittest.main()
