#!/usr/bin/env python3
"""What the status page costs at 1000 processes, first at rest, then while 50 of them flap, as a Markdown
table. README.md says how each figure is taken. Run by `./dev bench page [SECONDS]`."""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE.parent / "e2e"), str(HERE.parent / "web")]
sys.dont_write_bytecode = True
from bench import cpu
from run import install
from support import REEVE, Agent, Listeners, Supervisord, Workspace, stanza, until

PROGRAMS = """
[program:steady]
command=sleep infinity
process_name=%(program_name)s_%(process_num)03d
numprocs=950
startsecs=0
[program:flapping]
command=sh -c "sleep 5; exit 1"
process_name=%(program_name)s_%(process_num)03d
numprocs=50
startsecs=0
startretries=1000000
autostart=false
"""
MODULES = ROOT / "build/release/tests/web"


def start(workspace):
    """A supervisord that runs the agent, whose events it hears; the agent's pid."""
    url = f"unix://{workspace.folder}/supervisord/s.sock"
    agent = Listeners(workspace.folder / "reeve",
                      f"supervisor: {{url: {url}}}\n" + Agent.LISTENERS)
    supervisord = workspace.start(
        Supervisord, workspace.folder / "supervisord",
        PROGRAMS + stanza("reeve-listener.conf", f"{REEVE} serve --config {agent.config}"),
        minfds=8192)
    until("events are heard", lambda: agent.samples().one("reeve_event_stream_up") == 1)
    return supervisord, agent, supervisord.rpc("getProcessInfo", "reeve")["pid"]


class Browser:
    """page.mjs, a phase at a time."""

    def __init__(self, agent, supervisord, seconds):
        self.child = subprocess.Popen(
            ["node", HERE / "page.mjs", f"http://localhost:{agent.control_port}/", agent.token,
             supervisord.socket, str(seconds)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "WEB_MODULES": str(MODULES)})

    def phase(self, name):
        self.child.stdin.write(name + "\n")
        self.child.stdin.flush()
        line = self.child.stdout.readline()
        if not line:
            sys.exit("the browser failed")
        return json.loads(line)

    def end(self):
        self.child.stdin.close()
        self.child.wait()


def share(pid, act):
    """What it returns, and the percent of a core that the agent takes meanwhile."""
    begin, before = time.monotonic(), cpu(pid)
    result = act()
    return result, 100 * (cpu(pid) - before) / (time.monotonic() - begin)


def measure(seconds):
    with Workspace() as workspace:
        supervisord, agent, pid = start(workspace)
        figures = {}
        time.sleep(seconds)  # an agent that has just begun does more
        _, figures["closed"] = share(pid, lambda: time.sleep(seconds))
        browser = Browser(agent, supervisord, seconds)
        figures["open"] = browser.phase("open")
        figures["rest"], figures["opened"] = share(pid, lambda: browser.phase("stand"))
        figures["transitions"] = browser.phase("transitions")["milliseconds"]
        supervisord.rpc("startProcessGroup", "flapping", False)
        figures["flapping"], figures["busy"] = share(pid, lambda: browser.phase("stand"))
        figures["scrolling"] = browser.phase("scroll")
        browser.end()
    return figures


def main():
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    install(MODULES)
    figures = measure(seconds)
    print("| figure | |\n|---|---|")
    paints = figures["open"]["first_paints"]
    print(f"| first paint | {statistics.median(paints):.0f} ms, at most {max(paints):.0f} ms |")
    print(f"| bytes until the table is there | {figures['open']['bytes'] / 1e3:.0f} kB |")
    times = figures["transitions"]
    print(f"| from a request to supervisord to the page | {statistics.median(times):.0f} ms, at most "
          f"{max(times):.0f} ms |")
    for name, what in (("rest", "at rest"), ("flapping", "while 50 flap")):
        print(f"| bytes a second, {what} | {figures[name]['bytes'] / seconds / 1e3:.1f} kB |")
    for name, what in (("rest", "at rest"), ("flapping", "while 50 flap"),
                       ("scrolling", "scrolling meanwhile")):
        fact = figures[name]
        print(f"| frames dropped, {what} | {fact['dropped']} of {fact['frames'] + fact['dropped']},"
              f" one each {fact['usual']:.1f} ms |")
    print(f"| agent's CPU at rest, page closed | {figures['closed']:.2f} % of a core |")
    print(f"| agent's CPU at rest, page open | {figures['opened']:.2f} % of a core |")
    print(f"| agent's CPU while 50 flap, page open | {figures['busy']:.2f} % of a core |")


if __name__ == "__main__":
    main()
