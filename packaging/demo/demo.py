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


def start(workspace):
    folder = workspace.folder
    print("Starting supervisord ...", flush=True)
    supervisord = workspace.start(Supervisord, folder / "supervisord",
                                  (HERE / "programs.conf").read_text())
    print("Starting Reeve ...", flush=True)
    metrics = free_port(19001)
    agent = workspace.start(Agent, folder / "reeve",
                            f"supervisor: {{url: {supervisord.url}}}\n" + Agent.LISTENERS,
                            metrics_port=metrics, control_port=free_port(metrics + 1))
    until("Reeve sees supervisord", lambda: agent.samples().one("supervisord_up") == 1)

    print("Starting Prometheus ...", flush=True)
    prometheus = workspace.start(Prometheus, folder, [agent.metrics_port], interval="2s",
                                 port=free_port(9090))
    until("Prometheus knows how flaky ended", lambda: prometheus.query(
        'supervisord_process_exit_status{name="flaky"} == 3 and '
        'supervisord_process_restarts_total > 0'))

    # Debian 12's Prometheus has the classic pages alone.
    alerts = next(path for path in ("/alerts", "/classic/alerts", "/")
                  if request("GET", prometheus.url + path).status in (200, 302))
    print(GUIDE.format(supervisord=supervisord.url, reeve=os.path.relpath(REEVE),
                       prometheus=prometheus.url, alerts=alerts, metrics=agent.metrics_port,
                       control=agent.control_port, token=agent.token_file), flush=True)


def main():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    with Workspace() as workspace:
        try:
            start(workspace)
            while all(child.running() for child in workspace.children):
                time.sleep(0.2)
            for child in workspace.children:
                if not child.running():
                    sys.exit(f"{child.output.name} ends here:\n{child.text()[-2000:]}")
        except KeyboardInterrupt:
            print("\nCleaning up ...", flush=True)
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C does not stop that


if __name__ == "__main__":
    main()
