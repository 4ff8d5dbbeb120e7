#!/usr/bin/env python3
"""Three hosts that agree through etcd, each a private supervisord with its agent; Prometheus, which
discovers them, and Alertmanager. An alert fires on all three at the same time, again and again, and they
restart one after the other. On loopback and in a temporary folder; Ctrl-C ends it all and removes
it. Run by `./dev demo hosts`."""

import os
import pathlib
import secrets
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "tests/e2e")]
sys.dont_write_bytecode = True
import hosts
from demo import run
from support import REEVE, Alertmanager, Etcd, Prometheus, free_port, until

PERIOD = 90  # seconds from one alert on all hosts to the next

PROGRAMS = """
[program:web]
command=sleep infinity
startsecs=3

[program:mailer]
command=sh -c "n=0; while sleep 1; do n=$((n + 1)); echo mail $n sent; done"
"""
CONFIG = hosts.CONFIG[:hosts.CONFIG.index("alerts:")] + """
alerts:
  mode: enforce
  identity: {member: "{host}"}
  budget: {total: 1000/1h}
  rules:
    - name: restart-what-is-old
      match: {alertname: WebIsOld}
      target: "{{group}}:{{name}}"
      allow: [web]
      action: restart
      min_uptime: 0s
      settle: 0s
      pending_for: 5m
      cooldown: {initial: 1s, max: 1s}
      budget: {per_target: 100/1h}
      limit: web
""" + hosts.CONFIG[hosts.CONFIG.index("metrics: {listen"):]

# On all hosts at the same time, as a bad night has it.
RULES = f"""
groups:
  - name: demo
    interval: 1s
    rules:
      - alert: WebIsOld
        expr: time() - supervisord_process_start_time_seconds{{name="web"}} > 30 and on () vector(time()) % {PERIOD} < 25
"""

GUIDE = """
  Members        http://localhost:{metrics}/fleet/targets    as Prometheus reads them
{pages}
  Sign in with   {secret}
  Prometheus     {prometheus}/targets
                 {prometheus}/graph?g0.expr=supervisord_process_up%7Bname%3D%22web%22%7D&g0.tab=0&g0.range_input=5m
  Alertmanager   {alertmanager}

Try in another terminal:

  export REEVE_TOKEN_FILE={token} REEVE_AGENT=http://localhost:{control}
  {reeve} fleet members
  {reeve} fleet list --trusted-host 127.0.0.1   # the processes of all hosts
  {reeve} fleet restart mailer --at-once 1 --trusted-host 127.0.0.1
  {reeve} fleet limits                      # who has the slot
  {reeve} fleet limit set web --at-once 2   # from now on two at a time
  {reeve} maintenance set --fleet 'web:*' --ttl 5m --reason "let it be"

Ctrl-C ends all of it. Every {period} seconds an alert fires on all three hosts; what becomes of it:
"""
PAGE = "  {host}          http://localhost:{port}/"


def alertmanager_config(each):
    """All alerts to all agents: each leaves alone what does not carry its identity."""
    receivers = "".join(f"""
      - url: http://127.0.0.1:{host.agent.control_port}/api/v1/alerts
        http_config: {{authorization: {{credentials_file: {host.agent.token_file}}}}}""" for host in each)
    return f"""
route: {{receiver: reeve, group_by: [alertname, member], group_wait: 1s, group_interval: 5s}}
receivers:
  - name: reeve
    webhook_configs:{receivers}
"""


def start(workspace):
    folder = workspace.folder
    print("Starting etcd, three supervisords and three Reeves ...", flush=True)
    token = folder / "token"  # of a person, on all hosts
    token.write_text(secrets.token_hex(32) + "\n")
    token.chmod(0o600)
    config = CONFIG.replace("  tokens:\n", "  tokens:\n    - {name: you, file: " + str(token) +
                            ", scopes: [read, control, admin]}\n")
    etcd = workspace.start(Etcd, folder / "etcd")
    all_hosts = list(hosts.start_hosts(workspace, ["host1", "host2", "host3"], [etcd.url],
                                       PROGRAMS, config, seen="mailer").values())
    first = all_hosts[0].agent
    all_hosts[0].send("PUT", "/api/v1/fleet/limits/web", {"at_once": 1})

    print("Starting Alertmanager and Prometheus ...", flush=True)
    (folder / "alertmanager.yml").write_text(alertmanager_config(all_hosts))
    alertmanager = workspace.start(Alertmanager, folder, folder / "alertmanager.yml",
                                   port=free_port(9093))
    (folder / "demo.rules.yml").write_text(RULES)
    discover = hosts.discovering(first)
    prometheus = workspace.start(
        Prometheus, folder, [], port=free_port(9090), edit=lambda text: discover(text).replace(
            "rule_files:", f"rule_files:\n  - {folder}/demo.rules.yml").replace(
            "scrape_configs:", "alerting: {alertmanagers: [{static_configs: [{targets: "
            f'["127.0.0.1:{alertmanager.port}"]}}]}}]}}\n\nscrape_configs:'))
    until("Prometheus has discovered all of them", lambda: len(prometheus.query(
        'up{job="reeve",member!=""} == 1')) == len(all_hosts))

    pages = "\n".join(PAGE.format(host=host.name, port=host.agent.control_port)
                      for host in all_hosts)
    print(GUIDE.format(metrics=first.metrics_port, control=first.control_port,
                       token=token, secret=token.read_text().strip(), reeve=os.path.relpath(REEVE), pages=pages,
                       prometheus=prometheus.url, alertmanager=alertmanager.url, period=PERIOD),
          flush=True)
    return all_hosts


def describe(host, holders):
    """What the host does about its web process, in a word or two."""
    state = host.supervisord.state("web")
    if state != "RUNNING":
        return state
    if host.name in holders:
        return "has the slot"
    return "waits for a slot" if "waiting_for_slot" in host.pending() else state


class Changes:
    """Prints a line for each change."""

    shown = None

    def __call__(self, all_hosts):
        limit = all_hosts[0].limit() or {"holders": []}
        holders = [each["host"] for each in limit["holders"]]
        now = [describe(host, holders) for host in all_hosts]
        if now != self.shown:
            print(time.strftime("  %H:%M:%S  "), "   ".join(
                f"{host.name}: {what:16}" for host, what in zip(all_hosts, now)), flush=True)
        self.shown = now


if __name__ == "__main__":
    run(start, Changes())
