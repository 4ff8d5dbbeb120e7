#!/usr/bin/env python3
"""Reeve beside Debian's node_exporter and supervisorctl on supervisords with the same programs, in
one run, as a Markdown table. README.md says how each figure is taken. Run by `./dev bench [N...]`."""

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
from support import REEVE, Agent, Listeners, NodeExporter, Supervisord, Workspace, stanza, until

REQUEST = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n"
REEVE_CONFIG = """
supervisor: {{url: "{url}"}}
metrics: {{listen: "127.0.0.1:{{metrics}}", resources: off}}
"""
PROGRAMS = """
[program:p]
command=sleep infinity
numprocs={programs}
startsecs=0
process_name=%(program_name)s_%(process_num)04d
"""
MINUTE = 60  # seconds over which is measured what is used between scrapes
INTERVAL = 5  # seconds between Reeve's polls
LIST = "list / supervisorctl status [ms]"


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


def start_supervisord(workspace, name, programs, listener=""):
    """One of which all programs run."""
    supervisord = workspace.start(Supervisord, workspace.folder / name,
                                  PROGRAMS.format(programs=programs) + listener,
                                  minfds=6 * programs + 256)
    until("all run", lambda: all_run(supervisord, programs + bool(listener)), patience=120)
    return supervisord


def start_listened_to(workspace, programs):
    """A supervisord with a Reeve that hears its events; the pids of both."""
    folder = workspace.folder / "listener"
    url = f"unix://{workspace.folder}/heard/s.sock"
    agent = Listeners(folder, REEVE_CONFIG.format(url=url))
    supervisord = start_supervisord(workspace, "heard", programs, stanza(
        "reeve-listener.conf", f"{REEVE} serve --config {agent.config}"))
    until("the event stream is up", lambda: agent.samples().one("reeve_event_stream_up") == 1)
    return supervisord.pid, supervisord.rpc("getProcessInfo", "reeve")["pid"]


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
    """Pairs of figures, ours and the peers', as soon as they are known."""
    plain = start_supervisord(workspace, "plain", programs)
    polled = start_supervisord(workspace, "polled", programs)
    heard = start_listened_to(workspace, programs)

    def make_reeve():
        return Agent(workspace.folder / "reeve", REEVE_CONFIG.format(url=polled.url))

    def make_peer():
        return NodeExporter(workspace.folder, plain.url)

    yield measure_start(make_reeve), measure_start(make_peer)

    agent, peer = workspace.start(make_reeve), workspace.start(make_peer)
    until("all are exported", lambda: len(agent.samples().find("supervisord_process_up"))
          == programs, patience=60)
    _, ours = measure_scrapes(agent, polled, 500)
    scraped, peers = measure_scrapes(peer, plain, 500 if programs < 1000 else 30)
    peer.end()
    yield ours, peers

    count = 20 if programs < 1000 else 10
    yield ({LIST: measure_command([REEVE, "list", "--url", plain.url], count)},
           {LIST: measure_command(["supervisorctl", "-s", plain.url, "status"], count)})

    print(f"{programs} programs: a minute of rest is measured", file=sys.stderr, flush=True)
    time.sleep(INTERVAL)  # what a start brings with it
    alone, *used = minute_of(plain.pid, polled.pid, agent.pid, *heard)
    yield minutes(alone, used[:2], used[2:], scraped[::-1])


def row(programs, what, ours, theirs):
    ratio = f"{theirs / ours:.1f}" if ours > 0 else "–"
    return f"| {programs} | {what} | {ours:.2f} | {theirs:.2f} | {ratio} |"


def main():
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    print(f"{os.cpu_count()} CPUs; {subprocess.getoutput(REEVE + ' version').splitlines()[0]}; "
          + subprocess.getoutput("prometheus-node-exporter --version").splitlines()[0])
    print("\n| programs | | Reeve | node_exporter, supervisorctl | ratio |")
    print("|---|---|---|---|---|", flush=True)
    for programs in [int(word) for word in sys.argv[1:]] or [10, 100, 1000]:
        with Workspace() as workspace:
            for ours, peers in bench(workspace, programs):
                for what, value in ours.items():
                    print(row(programs, what, value, peers[what]), flush=True)


if __name__ == "__main__":
    main()
