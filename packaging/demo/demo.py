#!/usr/bin/env python3
"""A private supervisord with sample programs, Reeve on it and Prometheus scraping Reeve, all on
loopback and in a temporary folder; Ctrl-C ends them and removes it. Run by `./dev demo`."""

import os
import pathlib
import signal
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "tests/e2e")]
sys.dont_write_bytecode = True
from support import (REEVE, Agent, Prometheus, Supervisord, Workspace, free_port, request,
                     until)

GUIDE = """
  Status page   http://localhost:{control}/    sign in with {secret}
  supervisord   {supervisord}
  Reeve         http://localhost:{metrics}/metrics
  Prometheus    {prometheus}/graph?g0.expr=supervisord_process_restarts_total&g0.tab=0&g0.range_input=5m
  Alerts        {prometheus}{alerts}

Try in another terminal:

  {reeve} list --url {supervisord}

  curl -s http://localhost:{metrics}/metrics | grep flaky    # it crashes: starts, exits, codes

  curl -s -X POST -H "Authorization: Bearer $(cat {token})" \\
    'http://localhost:{control}/api/v1/processes/mailer/restart?wait=30s'

  {reeve} audit --agent http://localhost:{control} --token-file {token}    # who did it

Ctrl-C ends all of it.
"""


# Alerts about the demo's programs, of which nothing comes but a record: a dry run.
ALERTS = """
alerts:
  identity: any
  rules:
    - name: restart-flaky
      match: {alertname: FlakyDown}
      target: "{{group}}:{{name}}"
      allow: [flaky, mailer]
      action: restart
      min_uptime: 0s
      settle: 0s
"""


def post_alerts_and_set_maintenance(agent):
    """What the status page has to show: something in maintenance, and what alerts would have done."""
    # A new agent does not know what was done before, and waits for a cooldown.
    agent.control("POST", "/api/v1/guards/*/reset")
    agent.control("PUT", "/api/v1/maintenance/web:*", {"ttl": "1h", "reason": "new disk"})
    for name in ("flaky", "mailer", "backup"):
        agent.control("POST", "/api/v1/alerts", {"version": "4", "alerts": [{
            "status": "firing", "fingerprint": name,
            "startsAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "labels": {"alertname": "FlakyDown", "group": name, "name": name}}]})


def start(workspace):
    folder = workspace.folder
    print("Starting supervisord ...", flush=True)
    supervisord = workspace.start(Supervisord, folder / "supervisord",
                                  (HERE / "programs.conf").read_text())
    print("Starting Reeve ...", flush=True)
    metrics = free_port(19001)
    agent = workspace.start(Agent, folder / "reeve",
                            f"supervisor: {{url: {supervisord.url}}}\n" + Agent.LISTENERS + ALERTS,
                            metrics_port=metrics, control_port=free_port(metrics + 1))
    until("Reeve sees supervisord", lambda: agent.samples().one("supervisord_up") == 1)

    print("Starting Prometheus ...", flush=True)
    prometheus = workspace.start(Prometheus, folder, [agent.metrics_port], interval="2s",
                                 port=free_port(9090))
    until("Prometheus knows how flaky ended", lambda: prometheus.query(
        'supervisord_process_exit_status{name="flaky"} == 3 and '
        'supervisord_process_restarts_total > 0'))

    post_alerts_and_set_maintenance(agent)

    # Debian 12's Prometheus has the classic pages alone.
    alerts = next(path for path in ("/alerts", "/classic/alerts", "/")
                  if request("GET", prometheus.url + path).status in (200, 302))
    print(GUIDE.format(supervisord=supervisord.url, reeve=os.path.relpath(REEVE),
                       prometheus=prometheus.url, alerts=alerts, metrics=agent.metrics_port,
                       control=agent.control_port, token=agent.token_file, secret=agent.token),
          flush=True)


def run(start, look=lambda started: None):
    """Until Ctrl-C, or until something of it ends by itself; `look` is called again and again with
    what `start` has returned."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    with Workspace() as workspace:
        try:
            started = start(workspace)
            while all(child.running() for child in workspace.children):
                look(started)
                time.sleep(0.2)
            for child in workspace.children:
                if not child.running():
                    sys.exit(f"{child.output.name} ends here:\n{child.text()[-2000:]}")
        except KeyboardInterrupt:
            print("\nCleaning up ...", flush=True)
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C does not stop that


if __name__ == "__main__":
    run(start)
