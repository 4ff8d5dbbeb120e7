"""Every query of the dashboards and of the rules finds data in a real Prometheus, once those things
have happened that it asks for."""

import json
import signal
import socket
import time
import unittest

from dashboards import LABEL_VALUES, dashboard, expressions, filled_in, is_of_many_hosts
from support import REEVE, Prometheus, Scenario, free_port, stanza, until

PROGRAMS = """
[program:web]
command=sleep infinity
process_name=%(program_name)s_%(process_num)d
numprocs=2

; ends every second, once with a status and once by a signal, and is started again
[program:worker]
command=sh -c "echo working; sleep 1; if mkdir {folder}/odd; then exit 3; fi; rmdir {folder}/odd; kill -9 $$"
startsecs=0

[program:broken]
command=/no/such/program

[program:crashed]
command=sh -c "exit 3"
startsecs=0
autorestart=false

[program:slow]
command=sleep infinity
startsecs=3600
"""

STUBBORN = """
[program:stubborn]
command=sh -c "trap '' TERM; until [ -e {folder}/enough ]; do sleep 0.1; done"
startsecs=0
stopwaitsecs=600
"""

# One action for each process, and two of them at once open the breaker.
ALERTS = """
alerts:
  mode: enforce
  identity: any
  breaker: {targets: 1%, min_targets: 2}
  rules:
    - name: restart
      match: {alertname: Hung}
      target: "{{group}}:{{name}}"
      allow: ["web:*"]
      action: restart
      min_uptime: 0s
      settle: 0s
      pending_for: 0s
      cooldown: {initial: 0s, max: 0s}
      budget: {per_target: 1/1h}
    - name: wait
      match: {alertname: Early}
      target: "{{group}}:{{name}}"
      allow: [slow]
      action: restart
"""

class DashboardsAndRules(Scenario):
    def setUp(self):
        events = self.workspace.folder / "events.sock"
        relay = stanza("reeve-relay.conf", f"{REEVE} relay-events --socket {events}")
        self.supervisord = self.start_supervisord(PROGRAMS + relay)
        self.agent = self.start_agent(f"supervisor: {{url: {self.supervisord.url}, timeout: 1s}}\n"
                                      f"events: {{socket: {events}}}\n{ALERTS}",
                                      metrics="  proportional_memory: true\n")
        self.ending = self.start_supervisord(STUBBORN, name="ending")
        self.addCleanup((self.ending.folder / "enough").touch)
        self.again = self.start_supervisord("", name="again")
        self.other = self.start_agent(
            f"supervisors:\n  - {{name: ending, url: {self.ending.url}, timeout: 1s}}\n"
            f"  - {{name: again, url: {self.again.url}, timeout: 1s}}\n"
            f"  - {{name: gone, url: unix://{self.workspace.folder}/gone.sock, timeout: 1s}}",
            name="other")
        nobody = socket.socket()  # holds its port, and does not listen
        self.addCleanup(nobody.close)
        nobody.bind(("127.0.0.1", free_port()))
        self.prometheus = self.workspace.start(
            Prometheus, self.workspace.folder,
            [self.agent.metrics_port, self.other.metrics_port, nobody.getsockname()[1]])
        self.instance = f"localhost:{self.agent.metrics_port}"
        until("both are scraped", lambda: len(self.prometheus.query("supervisord_up")) == 4)

    def act(self, name, action):
        return self.agent.control("POST", f"/api/v1/processes/{name}/{action}?wait=20s", {}).status

    def alert(self, fingerprint, *names, alertname="Hung", group="web"):
        """The decisions on an alert for each of these processes."""
        began = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        alerts = [{"status": "firing", "startsAt": began, "fingerprint": fingerprint + name,
                   "labels": {"alertname": alertname, "group": group, "name": name}}
                  for name in names]
        answer = self.agent.control("POST", "/api/v1/alerts",
                                    {"version": "4", "status": "firing", "alerts": alerts})
        return [each["decision"] for each in json.loads(answer.body)["decisions"]]

    def make_alerts_happen(self):
        self.assertEqual(self.alert("first", "web_0"), ["accepted"])
        until("web_0 is restarted", lambda: all(each["state"] == "done" for each in json.loads(
            self.agent.control("GET", "/api/v1/operations").body)))
        until("web_0 is given up", lambda: self.alert("second", "web_0") == ["gave_up"])
        self.assertEqual(self.alert("third", "web_0", "web_1"), 2 * ["breaker_open"])
        self.assertEqual(self.alert("fourth", "slow", alertname="Early", group="slow"), ["pending"])
        self.assertEqual(self.agent.control("PUT", "/api/v1/maintenance/web:*",
                                            {"ttl": "1h"}).status, 200)

    def make_things_happen(self):
        until("stubborn runs", lambda: self.ending.state("stubborn") == "RUNNING")
        until("events are heard", lambda: self.agent.samples().one("reeve_event_stream_up") == 1)
        until("broken is FATAL", lambda: self.supervisord.state("broken") == "FATAL")
        self.supervisord.pause()
        until("supervisord is missed", lambda: self.agent.samples().one("supervisord_up") == 0)
        self.supervisord.resume()
        until("supervisord is back", lambda: self.agent.samples().one("supervisord_up") == 1)
        self.make_alerts_happen()
        self.assertEqual(self.act("web:web_0", "restart"), 200)
        self.assertEqual(self.act("web:web_1", "stop"), 200)
        self.assertEqual(self.act("broken", "start"), 502)
        self.assertEqual(self.act("nobody", "start"), 404)
        self.act("worker", "restart")
        self.supervisord.rpc("stopProcess", "reeve-relay")
        self.ending.rpc("shutdown")
        self.other.config.write_text("supervisor: [")
        self.other.signal(signal.SIGHUP)

    def finds_data(self, what, expression):
        until(f"data for {what}: {expression}", lambda: self.prometheus.query(expression))

    def choices(self, variable, variables):
        """The values that Grafana offers for a variable."""
        series, label = LABEL_VALUES.fullmatch(filled_in(variable["query"], variables)).groups()
        return self.prometheus.get(f"label/{label}/values", **{"match[]": series})

    def test_every_query_finds_data(self):
        self.make_things_happen()
        self.rules_find_data()
        self.fleet_finds_data()
        for supervisor in (".*", ""):  # all of them, and the one without a name
            self.process_finds_data({"instance": self.instance, "supervisor": supervisor,
                                     "group": "worker", "name": "worker"})

    def rules_find_data(self):
        groups = until("the rules are loaded", lambda: self.prometheus.get("rules")["groups"])
        rules = [rule for group in groups for rule in group["rules"]]
        self.assertGreater(len(rules), 10)
        for rule in rules:
            if is_of_many_hosts(rule["query"]):
                continue  # no etcd runs here: tests/monitoring/rules_test.yml and e2e/many_hosts
            self.finds_data(rule["name"], rule["query"])
            if rule["type"] == "recording":
                self.finds_data(rule["name"], rule["name"])
        for alert in self.prometheus.get("alerts")["alerts"]:
            self.assertTrue(alert["annotations"]["summary"])
            self.assertNotIn("<error", str(alert["annotations"]))

    def fleet_finds_data(self):
        fleet = dashboard("fleet")
        everything = dict.fromkeys(("instance", "supervisor", "group", "name"), ".*")
        offered = {variable["name"]: self.choices(variable, everything)
                   for variable in fleet["templating"]["list"] if variable["type"] == "query"}
        self.assertEqual(set(offered["instance"]),
                         {self.instance, f"localhost:{self.other.metrics_port}"})
        self.assertEqual(offered["supervisor"], ["again", "ending", "gone"])
        self.assertEqual(offered["group"],
                         ["broken", "crashed", "reeve-relay", "slow", "stubborn", "web", "worker"])
        self.again.rpc("restart")  # is an annotation for a minute
        for title, expression in expressions(fleet):
            if not is_of_many_hosts(expression):
                self.finds_data(title, filled_in(expression, everything))

    def process_finds_data(self, variables):
        process = dashboard("process")
        for variable in process["templating"]["list"]:
            if variable["name"] in ("instance", "group", "name"):
                self.assertIn(variables[variable["name"]], self.choices(variable, variables))
        for title, expression in expressions(process):
            self.finds_data(title, filled_in(expression, variables))


if __name__ == "__main__":
    unittest.main()
