#!/usr/bin/env python3
"""What members of a cluster cost one etcd, and what its loss costs an agent, as Markdown tables.
README.md says how each figure is taken. Run by `./dev bench members [MEMBERS...]`."""

import collections
import json
import os
import pathlib
import resource
import signal
import socket
import statistics
import subprocess
import sys
import time

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "e2e")]
sys.dont_write_bytecode = True
import hosts
from bench import cpu, rss, scrape
from support import REEVE, Etcd, Workspace, until

MEMBERS = pathlib.Path(REEVE).parent / "tests/bench/bench_members"
COUNTS = (50, 150, 500)
SECONDS = 60
SCRAPES = 2000
RESTARTS = 10

PROGRAMS = """
[program:web]
command=sleep infinity
startsecs=0
[program:other]
command=sleep infinity
startsecs=0
[program:p]
command=sleep infinity
numprocs=100
startsecs=0
process_name=%(program_name)s_%(process_num)04d
"""


def measure_members(workspace, count):
    etcd = workspace.start(Etcd, workspace.folder / f"etcd-{count}")
    with subprocess.Popen([MEMBERS, etcd.url, str(count), str(SECONDS)], text=True,
                          stdout=subprocess.PIPE) as members:
        assert members.stdout.readline() == "ready\n", "not all members are entered"
        used, began = cpu(etcd.pid), time.monotonic()
        found = json.loads(members.stdout.readline())
        span = time.monotonic() - began
        used = (cpu(etcd.pid) - used) / span
        resident = rss(etcd.pid)
        members.wait()
    etcd.end()
    assert min(found["changes"]) >= 0, "a change did not reach all members"
    requests = collections.Counter({call: each / span for call, each in found["requests"].items()})
    return (f"| {count} | {sum(requests.values()):.0f} | {requests['keepalive']:.1f} "
            f"| {requests['range']:.1f} | {requests['watch']:.1f} | {requests['transaction']:.1f} "
            f"| {requests['failed'] * span:.0f} | {100 * used:.1f} % | {resident:.0f} "
            f"| {statistics.median(found['changes']):.0f} | {max(found['changes']):.0f} |")


class Agent:
    """A host, and what is measured of it in one state of etcd."""

    def __init__(self, host):
        self.host = host

    def scrapes(self):
        """Milliseconds of each, of the calmest of three series: others use this machine, too."""
        return min((self.series() for _ in range(3)),
                   key=lambda times: statistics.quantiles(times, n=100)[98])

    def series(self):
        buffer = memoryview(bytearray(1 << 20))
        times = []
        with socket.create_connection(("127.0.0.1", self.host.agent.metrics_port)) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for _ in range(SCRAPES):
                begin = time.perf_counter()
                scrape(connection, buffer)
                times.append(1e3 * (time.perf_counter() - begin))
        return times

    def restart(self, program):
        """Milliseconds that a person waits for it."""
        begin = time.perf_counter()
        done = self.host.send("POST", f"/api/v1/processes/{program}/restart?wait=60s")
        assert done["result"] == "succeeded", done
        return 1e3 * (time.perf_counter() - begin)

    def polls(self):
        samples = self.host.agent.samples()
        return [samples.one(f"supervisord_poll_duration_seconds_{each}") for each in ("sum", "count")]

    def row(self, what):
        times = self.scrapes()
        taken = {program: statistics.median(self.restart(program) for _ in range(RESTARTS))
                 for program in ("web", "other")}
        before, began = self.polls(), time.monotonic()
        until("it was polled", lambda: self.polls()[1] >= before[1] + 20)
        spent, count = (after - each for after, each in zip(self.polls(), before))
        a_minute = 60 * count / (time.monotonic() - began)
        return (f"| {what} | {statistics.median(times):.2f} | "
                f"{statistics.quantiles(times, n=100)[98]:.2f} | {taken['web']:.0f} "
                f"| {taken['other']:.0f} | {1e3 * spent / count:.1f} | {a_minute:.0f} |")


def measure_loss(workspace):
    etcd = workspace.start(Etcd, workspace.folder / "etcd")
    host = hosts.start_hosts(workspace, ["host1"], [etcd.url], PROGRAMS, seen="web")["host1"]
    host.send("PUT", "/api/v1/fleet/limits/web", {"at_once": 1})
    until("the limit is known", host.limit)
    agent = Agent(host)
    agent.row("")  # once for nothing
    yield agent.row("answers")
    etcd.pause()
    first = agent.restart("web")
    until("that is noticed", lambda: not host.agent.samples().one("reeve_coordination_up"))
    until("the view is old", lambda: agent.restart("web") < 900)
    yield agent.row("hangs")
    etcd.signal(signal.SIGKILL)
    yield agent.row("is gone")
    yield f"\nThe first restart of the program with a limit after etcd began to hang: {first:.0f} ms."


def main():
    counts = [int(word) for word in sys.argv[1:]] or COUNTS
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with Workspace() as workspace:
        print("| members | requests/s | keepalive | range | watch | transaction | failed in all "
              "| etcd's CPU | etcd's MB | a change reaches all, median [ms] | slowest [ms] |")
        print("|" + 11 * "---|", flush=True)
        for count in counts:
            print(measure_members(workspace, count), flush=True)
        print("\n| etcd | scrape, median [ms] | 99th percentile [ms] | restart with a limit [ms] "
              "| without [ms] | a poll [ms] | polls a minute |")
        print("|" + 7 * "---|", flush=True)
        for row in measure_loss(workspace):
            print(row, flush=True)
        print(f"\n{os.cpu_count()} cores, all on one machine.")


if __name__ == "__main__":
    main()
