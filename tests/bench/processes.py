#!/usr/bin/env python3
"""What a request for the list of processes costs the agent, as a Markdown table. README.md says how
each figure is taken. Run by `./dev bench processes [N...]`."""

import http.client
import pathlib
import statistics
import sys
import time

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "e2e")]
sys.dont_write_bytecode = True
from bench import cpu, start_supervisord
from support import Agent, Workspace, until

CONFIG = """
supervisor: {{url: "{url}"}}
poll: {{interval: 10s}}
metrics: {{listen: "127.0.0.1:{{metrics}}", resources: off}}
control:
  enabled: true
  listen: "127.0.0.1:{{control}}"
  tokens: [{{name: bench, file: {{token_file}}, scopes: [read]}}]
"""
REQUESTS = 500


class Client:
    """One kept connection."""

    def __init__(self, agent):
        self.connection = http.client.HTTPConnection("127.0.0.1", agent.control_port, timeout=60)
        self.headers = {"Authorization": f"Bearer {agent.token}"}

    def get(self, path="/api/v1/processes", **headers):
        self.connection.request("GET", path, headers=dict(self.headers, **headers))
        answer = self.connection.getresponse()
        return answer, answer.read()


def measure(agent, ask):
    """Milliseconds of the agent's CPU and of time, each request."""
    ask()
    times = []
    before = cpu(agent.pid)
    for _ in range(REQUESTS):
        begin = time.perf_counter()
        ask()
        times.append(time.perf_counter() - begin)
    return 1e3 * (cpu(agent.pid) - before) / REQUESTS, 1e3 * statistics.median(times)


def bench(programs):
    with Workspace() as workspace:
        supervisord = start_supervisord(workspace, "supervisord", programs)
        agent = workspace.start(Agent, workspace.folder / "reeve",
                                CONFIG.format(url=supervisord.url))
        client = Client(agent)
        until("all are listed", lambda: client.get()[1].count(b'"RUNNING"') == programs,
              patience=120)
        known = [client.get()[0].getheader("ETag")]

        def unchanged():
            answer, _ = client.get(**{"If-None-Match": known[0]})
            known[0] = answer.getheader("ETag")

        for what, ask in (
                ("list", client.get),
                ("gzipped", lambda: client.get(**{"Accept-Encoding": "gzip"})),
                ("If-None-Match", unchanged),
                ("?state=RUNNING", lambda: client.get("/api/v1/processes?state=RUNNING"))):
            used, took = measure(agent, ask)
            print(f"| {programs} | {what} | {used:.3f} | {took:.2f} |", flush=True)


def main():
    print("| programs | | agent's CPU a request [ms] | median [ms] |")
    print("|---|---|---|---|", flush=True)
    for programs in [int(word) for word in sys.argv[1:]] or [300, 1000]:
        bench(programs)


if __name__ == "__main__":
    main()
