#!/usr/bin/env python3
"""Scrapes and requests with a right token while storms of clients rage on both listeners, as a
Markdown table. README.md says how each figure is taken. Run by `./dev bench storm`."""

import pathlib
import statistics
import sys
import threading
import time

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "e2e")]
sys.dont_write_bytecode = True
import storm_clients
from bench import PROGRAMS, all_run, rss
from support import Agent, Supervisord, Workspace, until

COUNT = 300  # programs
SECONDS = 15  # of each storm
PATIENCE = 10  # seconds until a right client gives up
PAGE = 4096


def socket_memory():
    """Megabytes that the kernel uses for TCP sockets, both ends of loopback's."""
    with open("/proc/net/sockstat") as file:
        words = next(line for line in file if line.startswith("TCP:")).split()
    return int(words[words.index("mem") + 1]) * PAGE / 1e6


class Peak(threading.Thread):
    """The largest values of the kernel's and the agent's memory meanwhile."""

    def __init__(self, agent):
        super().__init__(daemon=True)
        self.agent, self.over = agent, threading.Event()
        self.kernel, self.resident = socket_memory(), rss(agent.pid)

    def run(self):
        while not self.over.wait(0.1):
            self.kernel = max(self.kernel, socket_memory())
            self.resident = max(self.resident, rss(self.agent.pid))


def counted(samples, name, listener):
    return int(sum(samples.find(f"reeve_http_{name}_connections_total", listener=listener)))


def measure(agent, storm):
    """What right clients saw, and the peaks."""
    peak = Peak(agent)
    peak.start()
    if storm == "none":
        seen = storm_clients.watch(agent, SECONDS / 3, PATIENCE)
    else:
        with storm_clients.raging(storm, agent, 2 * SECONDS):
            seen = storm_clients.watch(agent, SECONDS, PATIENCE)
    peak.over.set()
    peak.join()
    return seen, peak


def rows(agent, storm, seen, peak):
    until("the agent answers again", lambda: agent.get("/metrics").status == 200)
    samples = agent.samples()
    for listener in ("metrics", "control"):
        mine = [each for each in seen if each.listener == listener]
        good = sorted(1e3 * each.seconds for each in mine if each.status == 200) or [float("nan")]
        p99 = good[min(len(good) - 1, int(len(good) * 0.99))]
        yield (f"| {storm} | {listener} | {len(mine)} | {sum(each.status != 200 for each in mine)}"
               f" | {statistics.median(good):.1f} | {p99:.1f} | {good[-1]:.1f}"
               f" | {peak.kernel:.0f} | {peak.resident:.0f}"
               f" | {counted(samples, 'evicted', listener)}"
               f" | {counted(samples, 'rejected', listener)} |")


def main():
    storm_clients.raise_file_limit()
    print("| storm | listener | requests | failed | median [ms] | p99 [ms] | max [ms]"
          " | kernel's memory [MB] | resident [MB] | evicted | rejected |")
    print("|---|---|---|---|---|---|---|---|---|---|---|", flush=True)
    with Workspace() as workspace:
        supervisord = workspace.start(Supervisord, workspace.folder / "supervisord",
                                      PROGRAMS.format(programs=COUNT), minfds=6 * COUNT + 256)
        until("all run", lambda: all_run(supervisord, COUNT), patience=120)
        for storm in ("none", *storm_clients.STORMS):
            agent = workspace.start(Agent, workspace.folder / f"reeve-{storm}",
                                    f"supervisor: {{url: {supervisord.url}}}\n" + Agent.LISTENERS)
            until("all are exported", lambda: len(
                agent.samples().find("supervisord_process_up")) == COUNT)
            seen, peak = measure(agent, storm)
            for row in rows(agent, storm, seen, peak):
                print(row, flush=True)
            agent.end()
            time.sleep(2)  # what the storm left in the kernel


if __name__ == "__main__":
    main()
