"""Hosts that agree through etcd, each a real supervisord with its agent: for scenarios, the demo and
the bench."""

import datetime
import functools
import json
import re

from support import Agent, Etcd, Supervisord, free_port, until

PROGRAMS = """
[program:web]
command=sleep infinity
startsecs=1
[program:slow]
command=/bin/sh -c "trap '' TERM; while :; do sleep 1; done"
startsecs=0
stopwaitsecs=4
killasgroup=true
[program:fragile]
command={folder}/run
startsecs=3
startretries=0
"""
CONFIG = """
supervisor: {url: "{url}"}
poll: {interval: 500ms, timeout: 2s}
coordination:
  etcd: {endpoints: {endpoints}, timeout: 1s}
  member:
    name: {host}
    metrics: "127.0.0.1:{metrics}"
    control: "http://127.0.0.1:{control}"
    labels: {role: test}
  lease: 10s
alerts:
  mode: enforce
  identity: any
  rules:
    - name: one_by_one
      match: {alertname: Hung}
      target: "{{name}}:{{name}}"
      allow: [web, slow, fragile]
      action: restart
      min_uptime: 0s
      settle: 0s
      pending_for: 5m
      cooldown: {initial: 1s}
      limit: web
metrics: {listen: "127.0.0.1:{metrics}"}
control:
  enabled: true
  listen: "127.0.0.1:{control}"
  tokens:
    - {name: test, file: "{token_file}", scopes: [read, control, alerts, admin]}
"""


class EtcdNodes(list):
    """The nodes of one etcd."""

    def __init__(self, workspace, count):
        self.workspace = workspace
        self.ports = [free_port() for _ in range(count)]
        self.peers = {f"n{number}": free_port() for number in range(count)}
        super().__init__(workspace.start_all(
            [functools.partial(self.make, number) for number in range(count)]))

    def make(self, number):
        return Etcd(self.workspace.folder / f"etcd{number}", self.ports[number],
                    name=f"n{number}", peers=self.peers)

    def start(self, number):
        """One that has ended, with its data."""
        self[number] = self.workspace.start(self.make, number)

    def urls(self):
        return [node.url for node in self]


class Host:
    """One supervisord with its agent."""

    def __init__(self, workspace, name, config):
        self.workspace, self.name, self.config = workspace, name, config
        self.folder = workspace.folder / name
        self.folder.mkdir()
        self.let_run("exec sleep infinity")
        self.supervisord = None
        self.agent = None

    def let_run(self, line):
        """What the program fragile runs from its next start on."""
        program = self.folder / "run"
        program.write_text(f"#!/bin/sh\n{line}\n")
        program.chmod(0o755)

    def make_agent(self):
        config = self.config.replace("{url}", self.supervisord.url).replace("{host}", self.name)
        return Agent(self.workspace.folder / ("reeve-" + self.name), config)

    def start_agent(self):
        self.agent = self.workspace.start(self.make_agent)

    def sees(self, program):
        return self.agent.samples().one("supervisord_process_up", name=program) == 1

    def send(self, method, path, body=None):
        answer = self.agent.control(method, path, body)
        assert answer.status < 300, answer
        return json.loads(answer.body) if answer.body else None

    def limit(self):
        """The document of the limit web with its holders; None if there is none."""
        return next((each for each in self.send("GET", "/api/v1/fleet/limits")
                     if each["name"] == "web"), None)

    def holders(self):
        return [(each["host"], each["failed"]) for each in self.limit()["holders"]]

    def alert(self, program, status="firing", alertname="Hung"):
        """The decision on an alert for this program."""
        now = datetime.datetime.now(datetime.timezone.utc).isoformat()
        return self.send("POST", "/api/v1/alerts", {"version": "4", "status": status, "alerts": [{
            "status": status, "startsAt": now, "endsAt": now, "fingerprint": self.name + program,
            "labels": {"alertname": alertname, "name": program}}]})["decisions"][0]

    def pending(self):
        """What keeps alerts from acting."""
        return [each["reason"] for guard in self.send("GET", "/api/v1/guards")
                for each in guard["pending"]]

    def log(self):
        return (self.folder / "supervisord.log").read_text()

    def restarts(self, program):
        return len(re.findall(f"stopped: {program} ", self.log()))

    def outages(self, program):
        """(begin, end) of each time that the program was down, in supervisord's own words."""
        spans = []
        stopped = None
        for line in self.log().splitlines():
            if f"stopped: {program} " in line:
                stopped = line[:23]
            elif f"{program} entered RUNNING" in line and stopped:
                spans.append((stopped, line[:23]))
                stopped = None
        return spans


def start_hosts(workspace, names, endpoints, programs=PROGRAMS, config=CONFIG, seen="fragile"):
    """The hosts by name, all up and entered among the members; each has `seen`, one of its
    programs."""
    config = config.replace("{endpoints}", json.dumps(endpoints))
    hosts = {name: Host(workspace, name, config) for name in names}
    supervisords = workspace.start_all(
        [functools.partial(Supervisord, host.folder, programs) for host in hosts.values()])
    for host, supervisord in zip(hosts.values(), supervisords):
        host.supervisord = supervisord
    agents = workspace.start_all([host.make_agent for host in hosts.values()])
    for host, agent in zip(hosts.values(), agents):
        host.agent = agent
    for host in hosts.values():
        until(f"{host.name} sees its programs", lambda each=host: each.sees(seen))
        until(f"{host.name} has read the limits", lambda each=host: each.agent.control(
            "GET", "/api/v1/fleet/limits").status == 200)
        until(f"{host.name} knows all members", lambda each=host: sum(
            each.agent.samples().find("reeve_coordination_members")) == len(names))
    return hosts


def discovering(agent):
    """The edit of a Prometheus' configuration that has it ask this agent for all members, as
    docs/many-hosts.md says."""
    def edit(config):
        return re.sub(r"    static_configs:\n      - targets: .*\n", f"""\
    http_sd_configs: [{{url: "http://127.0.0.1:{agent.metrics_port}/fleet/targets", refresh_interval: 2s}}]
    relabel_configs:
      - {{source_labels: [__meta_reeve_member], target_label: member}}
      - {{action: labelmap, regex: __meta_reeve_label_(.+)}}
""", config)
    return edit


def most_down_at_once(hosts, program):
    """How many of these hosts had the program down at the same time, at most."""
    changes = sorted((at, step) for host in hosts for begin, end in host.outages(program)
                     for at, step in ((end, -1), (begin, 1)))
    down = most = 0
    for _, step in changes:
        down += step
        most = max(most, down)
    return most
