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
from support import (REEVE, Agent, Child, Samples, Supervisord, Workspace, free_port, request,
                     until)

REQUEST = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n"
REEVE_CONFIG = """
supervisor: {{url: "unix://{socket}"}}
metrics: {{listen: "127.0.0.1:{port}", resources: off}}
"""
PROGRAMS = """
[program:p]
command=sleep infinity
numprocs={programs}
startsecs=0
process_name=%(program_name)s_%(process_num)04d
"""
LISTENER = """
[eventlistener:reeve]
command={reeve} serve --config {config}
events=PROCESS_STATE,PROCESS_GROUP,SUPERVISOR_STATE_CHANGE,REMOTE_COMMUNICATION,TICK_5
buffer_size=10000
priority=-50
startsecs=0
stdout_logfile=NONE
"""
MINUTE = 60  # seconds over which is measured what is used between scrapes
INTERVAL = 5  # seconds between Reeve's polls


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
    return used, {
        "scrape, median [ms]": 1e3 * statistics.median(times),
        "scrape, 95th percentile [ms]": 1e3 * statistics.quantiles(times, n=20)[-1],
        "exporter's CPU per scrape [ms]": 1e3 * used[0],
        "resident [MB]": rss(exporter.pid),
    }


def minute_of(*pids):
    """Seconds of CPU that each uses in a minute."""
    before = [cpu(pid) for pid in pids]
    time.sleep(MINUTE)
    return [cpu(pid) - used for pid, used in zip(pids, before)]


def all_run(supervisord, programs):
    states = [process["statename"] for process in supervisord.rpc("getAllProcessInfo")]
    return states.count("RUNNING") >= programs and "STARTING" not in states


def measure_with_events(workspace, programs):
    """Seconds of CPU a minute of a supervisord of which Reeve is a listener, and of Reeve."""
    folder = workspace.folder / "listened-to"
    port = free_port()
    config = workspace.folder / "listener.yaml"
    config.write_text(REEVE_CONFIG.format(socket=folder / "s.sock", port=port))
    supervisord = workspace.start(
        Supervisord, folder, PROGRAMS.format(programs=programs)
        + LISTENER.format(reeve=REEVE, config=config), minfds=6 * programs + 256)
    until("all run", lambda: all_run(supervisord, programs + 1), patience=120)
    until("the event stream is up", lambda: Samples(
        request("GET", f"http://127.0.0.1:{port}/metrics").body).one("reeve_event_stream_up") == 1)
    time.sleep(2 * INTERVAL)  # what a start brings with it
    used = minute_of(supervisord.pid, supervisord.rpc("getProcessInfo", "reeve")["pid"])
    supervisord.end()
    return used


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


def minutes(alone, polled, heard, scraped):
    """The rows of what a minute costs. Each argument: seconds of CPU of supervisord and of who
    watches it, a minute of the first three, each scrape of the last."""
    row = "supervisord's CPU a minute, beside what it uses alone [ms]: "
    ours, peers = {}, {}
    for ours_name, used in (("polls every 5 s", polled), ("events", heard)):
        for scrapes in (4, 12):
            name = f"{row}{ours_name}; node_exporter scraped every {60 // scrapes} s"
            ours[name] = 1e3 * (used[0] - alone)
            peers[name] = 1e3 * scrapes * scraped[0]
    row = "exporter's own CPU, each poll; each scrape of node_exporter [ms]"
    ours[row], peers[row] = 1e3 * polled[1] * INTERVAL / MINUTE, 1e3 * scraped[1]
    row = "exporter's own CPU a minute [ms]: events; node_exporter scraped every 15 s"
    ours[row], peers[row] = 1e3 * heard[1], 1e3 * 4 * scraped[1]
    return ours, peers


def bench(workspace, programs):
    folder = workspace.folder / str(programs)
    supervisord = workspace.start(Supervisord, folder, PROGRAMS.format(programs=programs),
                                  minfds=6 * programs + 256)
    until("all run", lambda: all_run(supervisord, programs), patience=120)

    def make_reeve():
        port = free_port()
        return Agent(folder / "reeve", REEVE_CONFIG.format(socket=supervisord.socket, port=port),
                     metrics_port=port)

    def make_peer():
        return NodeExporter(folder, supervisord.url)

    ours, peers = measure_start(make_reeve), measure_start(make_peer)
    [alone] = minute_of(supervisord.pid)
    agent = workspace.start(make_reeve)
    until("all are exported", lambda: len(agent.samples().find("supervisord_process_up"))
          == programs, patience=60)
    polled = minute_of(supervisord.pid, agent.pid)
    ours.update(measure_scrapes(agent, supervisord, 500)[1])
    agent.end()
    peer = workspace.start(make_peer)
    scraped, figures = measure_scrapes(peer, supervisord, 500 if programs < 1000 else 30)
    peers.update(figures)
    peer.end()

    count = 20 if programs < 1000 else 10
    row = "list / supervisorctl status [ms]"
    ours[row] = measure_command([REEVE, "list", "--url", supervisord.url], count)
    peers[row] = measure_command(["supervisorctl", "-s", supervisord.url, "status"], count)
    supervisord.end()
    for figures, more in zip((ours, peers), minutes(
            alone, polled, measure_with_events(workspace, programs), scraped[::-1])):
        figures.update(more)
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
            ratio = f"{peers[what] / value:.1f}" if value > 0 else "–"
            print(f"| {programs} | {what} | {value:.2f} | {peers[what]:.2f} | {ratio} |",
                  flush=True)


if __name__ == "__main__":
    main()
