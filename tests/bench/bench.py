#!/usr/bin/env python3
"""Reeve beside Debian's node_exporter and supervisorctl on the same supervisord, in one run, as
a Markdown table. README.md says how each figure is taken. Run by `./dev bench [N...]`."""

import contextlib
import os
import pathlib
import resource
import socket
import statistics
import subprocess
import sys
import time

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "e2e")]
sys.dont_write_bytecode = True
from support import REEVE, Agent, Child, Supervisord, Workspace, free_port, request, until

REQUEST = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n"
REEVE_CONFIG = ('supervisor: {{url: "{url}"}}\n'
                'metrics: {{listen: "127.0.0.1:{{metrics}}", resources: off}}\n')
BACKGROUND = 15  # seconds over which what is used between scrapes is measured


class NodeExporter(Child):
    def __init__(self, folder, url):
        self.metrics_port = free_port()
        super().__init__(
            ["prometheus-node-exporter", "--collector.disable-defaults", "--collector.supervisord",
             f"--collector.supervisord.url={url}", "--web.disable-exporter-metrics",
             f"--web.listen-address=127.0.0.1:{self.metrics_port}"], folder / "exporter.log")

    def up(self):
        return request("GET", f"http://127.0.0.1:{self.metrics_port}/metrics").status == 200


def scrape(connection, buffer):
    """One scrape as Prometheus does it, on a kept connection."""
    connection.sendall(REQUEST)
    got = connection.recv_into(buffer)
    head_end = buffer[:got].tobytes().index(b"\r\n\r\n") + 4
    head = buffer[:head_end].tobytes().lower()
    assert head.startswith(b"http/1.1 200"), head
    if b"content-length:" in head:
        left = head_end + int(head.split(b"content-length:")[1].split()[0]) - got
        while left > 0:
            left -= connection.recv_into(buffer)
    else:  # chunked
        tail = buffer[:got].tobytes()
        while not tail.endswith(b"0\r\n\r\n"):
            got = connection.recv_into(buffer)
            tail = (tail + buffer[:got].tobytes())[-5:]


def cpu(pid):
    """Seconds of CPU used by a process so far, to the nanosecond."""
    tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def rss(pid):
    """Resident megabytes."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def measure_scrapes(exporter, supervisord, count):
    buffer = memoryview(bytearray(1 << 20))
    times = []
    with socket.create_connection(("127.0.0.1", exporter.metrics_port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        scrape(connection, buffer)
        before = cpu(exporter.pid), cpu(supervisord.pid)
        for _ in range(count):
            begin = time.perf_counter()
            scrape(connection, buffer)
            times.append(time.perf_counter() - begin)
        after = cpu(exporter.pid), cpu(supervisord.pid)
    used = [(b - a) / count for a, b in zip(before, after)]
    idle = cpu(exporter.pid), cpu(supervisord.pid)
    time.sleep(BACKGROUND)
    background = (cpu(exporter.pid) - idle[0], cpu(supervisord.pid) - idle[1])
    return {
        "scrape, median [ms]": 1e3 * statistics.median(times),
        "scrape, 95th percentile [ms]": 1e3 * statistics.quantiles(times, n=20)[-1],
        "exporter's CPU per scrape [ms]": 1e3 * used[0],
        "CPU a minute, exporter and supervisord, scraped every 15 s [ms]":
            1e3 * (4 * sum(used) + 60 / BACKGROUND * sum(background)),
        "resident [MB]": rss(exporter.pid),
    }


def measure_start(make):
    """Milliseconds from exec to an accepted connection, the median of ten starts."""
    times = []
    for _ in range(10):
        begin = time.perf_counter()
        exporter = make()
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", exporter.metrics_port)).close()
                break
        times.append(time.perf_counter() - begin)
        exporter.end()
    return {"start-up [ms]": 1e3 * statistics.median(times)}


def measure_command(argv, count):
    times = []
    for _ in range(count):
        begin = time.perf_counter()
        subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        times.append(time.perf_counter() - begin)
    return 1e3 * statistics.median(times)


def bench(workspace, programs):
    folder = workspace.folder / str(programs)
    sections = (f"[program:p]\ncommand=sleep infinity\nnumprocs={programs}\nstartsecs=0\n"
                "process_name=%(program_name)s_%(process_num)04d\n")
    supervisord = workspace.start(Supervisord, folder, sections, minfds=6 * programs + 256)
    until("all run", lambda: all(process["statename"] == "RUNNING" for process in
                                 supervisord.rpc("getAllProcessInfo")), patience=120)

    def make_reeve():
        return Agent(folder / "reeve", REEVE_CONFIG.format(url=supervisord.url))

    def make_peer():
        return NodeExporter(folder, supervisord.url)

    ours, peers = measure_start(make_reeve), measure_start(make_peer)
    agent = workspace.start(make_reeve)
    until("all are exported", lambda: len(agent.samples().find("supervisord_process_up"))
          == programs, patience=60)
    ours.update(measure_scrapes(agent, supervisord, 500))
    agent.end()
    peer = workspace.start(make_peer)
    peers.update(measure_scrapes(peer, supervisord, 500 if programs < 1000 else 30))
    peer.end()

    count = 20 if programs < 1000 else 10
    row = "list / supervisorctl status [ms]"
    ours[row] = measure_command([REEVE, "list", "--url", supervisord.url], count)
    peers[row] = measure_command(["supervisorctl", "-s", supervisord.url, "status"], count)
    supervisord.end()
    return ours, peers


def main():
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    print(f"{os.cpu_count()} CPUs; {subprocess.getoutput(REEVE + ' version').splitlines()[0]}; "
          + subprocess.getoutput("prometheus-node-exporter --version").splitlines()[0])
    print("\n| programs | | Reeve | node_exporter, supervisorctl | ratio |")
    print("|---|---|---|---|---|", flush=True)
    for programs in [int(word) for word in sys.argv[1:]] or [10, 100, 1000]:
        with Workspace() as workspace:
            ours, peers = bench(workspace, programs)
        for what, value in ours.items():
            print(f"| {programs} | {what} | {value:.2f} | {peers[what]:.2f} | "
                  f"{peers[what] / value:.1f} |", flush=True)


if __name__ == "__main__":
    main()
