#!/usr/bin/env python3
"""A restart through Reeve's API beside `supervisorctl restart` and beside the two bare calls to
supervisord, taking turns on the same program, as a Markdown table. README.md says how each figure
is taken. Run by `./dev bench restart`."""

import pathlib
import statistics
import subprocess
import sys
import time

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "e2e")]
sys.dont_write_bytecode = True
from bench import cpu
from support import Agent, Supervisord, Workspace, until

PROGRAMS = """
[program:p]
command=sleep infinity
startsecs={startsecs}
"""
TURNS = 20


def measure(supervisord, restart):
    """Milliseconds that a restart takes, and of supervisord's CPU."""
    used = cpu(supervisord.pid)
    begin = time.perf_counter()
    restart()
    return 1e3 * (time.perf_counter() - begin), 1e3 * (cpu(supervisord.pid) - used)


def bench(workspace, startsecs):
    folder = workspace.folder / f"startsecs-{startsecs}"
    supervisord = workspace.start(Supervisord, folder, PROGRAMS.format(startsecs=startsecs))
    agent = workspace.start(Agent, folder / "reeve",
                            f"supervisor: {{url: {supervisord.url}}}\n" + Agent.LISTENERS)
    until("it runs", lambda: supervisord.state("p") == "RUNNING")
    until("that is seen", lambda: agent.samples().one("supervisord_process_up") == 1)

    def by_reeve():
        answer = agent.control("POST", "/api/v1/processes/p/restart?wait=60s")
        assert answer.status == 200, answer

    def by_supervisorctl():
        subprocess.run(["supervisorctl", "-s", supervisord.url, "restart", "p"], check=True,
                       stdout=subprocess.DEVNULL)

    def bare():
        supervisord.rpc("stopProcess", "p")
        supervisord.rpc("startProcess", "p")

    ways = {"Reeve": by_reeve, "supervisorctl": by_supervisorctl, "bare calls": bare}
    by_reeve()  # it learns the list of programs
    taken = {way: [] for way in ways}
    for _ in range(TURNS):
        for way, restart in ways.items():
            taken[way].append(measure(supervisord, restart))
    for way, pairs in taken.items():
        times, used = (statistics.median(column) for column in zip(*pairs))
        yield way, times, used


def main():
    print("| startsecs | by | takes [ms] | of supervisord's CPU [ms] |\n|---|---|---|---|", flush=True)
    for startsecs in (0, 1):
        with Workspace() as workspace:
            for way, times, used in bench(workspace, startsecs):
                print(f"| {startsecs} | {way} | {times:.1f} | {used:.1f} |", flush=True)


if __name__ == "__main__":
    main()
