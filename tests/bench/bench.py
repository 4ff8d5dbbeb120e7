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
poll: {{interval: {interval}}}
metrics: {{listen: "127.0.0.1:{{metrics}}", resources: off}}
"""
PROGRAMS = """
[program:p]
command=sleep infinity
numprocs={programs}
startsecs=0
process_name=%(program_name)s_%(process_num)04d
"""
MINUTE = 60  # seconds
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


def measure_scrapes(exporter, count):
    buffer = memoryview(bytearray(1 << 20))
    times = []
    with socket.create_connection(("127.0.0.1", exporter.metrics_port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        scrape(connection, buffer)
        before = cpu(exporter.pid)
        for _ in range(count):
            begin = time.perf_counter()
            scrape(connection, buffer)
            times.append(time.perf_counter() - begin)
        used = cpu(exporter.pid) - before
    return {
        "scrape, median [ms]": 1e3 * statistics.median(times),
        "scrape, 95th percentile [ms]": 1e3 * statistics.quantiles(times, n=20)[-1],
        "exporter's CPU per scrape [ms]": 1e3 * used / count,
        "resident [MB]": rss(exporter.pid),
    }


def minute(pids, exporter):
    """Seconds of CPU that each uses in a minute in which the exporter is scraped once a second."""
    buffer = memoryview(bytearray(1 << 20))
    with socket.create_connection(("127.0.0.1", exporter.metrics_port)) as connection:
        before = [cpu(pid) for pid in pids]
        begin = time.monotonic()
        for second in range(1, MINUTE + 1):
            scrape(connection, buffer)
            time.sleep(max(0, begin + second - time.monotonic()))
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
    agent = Listeners(folder, REEVE_CONFIG.format(url=url, interval="60s"))
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


def costs(alone, polled, polls, heard, scraped):
    """The rows of what a minute costs. Each argument: seconds of CPU of supervisord and of who
    watches it; alone: of supervisord."""
    ours, peers = {}, {}
    for at, whose in enumerate(("supervisord's", "exporter's own")):
        beside = alone if at == 0 else 0
        each = 1e3 * (scraped[at] - beside) / MINUTE
        row = f"{whose} CPU each poll; each scrape of node_exporter; once a second [ms]"
        ours[row], peers[row] = 1e3 * (polled[at] - beside) / polls, each
        row = f"{whose} CPU a minute: events; node_exporter scraped every 15 s [ms]"
        ours[row], peers[row] = 1e3 * (heard[at] - beside), 4 * each
    return ours, peers


def polls_of(agent):
    return agent.samples().one("supervisord_poll_duration_seconds_count")


def bench(workspace, programs):
    """Pairs of figures, ours and the peers', as soon as they are known."""
    plain, polled, scraped = (start_supervisord(workspace, name, programs)
                              for name in ("plain", "polled", "scraped"))
    heard = start_listened_to(workspace, programs)

    def make_reeve():
        return Agent(workspace.folder / "reeve",
                     REEVE_CONFIG.format(url=polled.url, interval="1s"))

    def make_peer():
        return NodeExporter(workspace.folder, scraped.url)

    yield measure_start(make_reeve), measure_start(make_peer)

    agent, peer = workspace.start(make_reeve), workspace.start(make_peer)
    until("all are exported", lambda: len(agent.samples().find("supervisord_process_up"))
          == programs, patience=60)
    yield (measure_scrapes(agent, 500), measure_scrapes(peer, 500 if programs < 1000 else 30))

    count = 20 if programs < 1000 else 10
    yield ({LIST: measure_command([REEVE, "list", "--url", plain.url], count)},
           {LIST: measure_command(["supervisorctl", "-s", plain.url, "status"], count)})

    print(f"{programs} programs: a minute is measured", file=sys.stderr, flush=True)
    before = polls_of(agent)
    alone, *used = minute([plain.pid, polled.pid, agent.pid, *heard, scraped.pid, peer.pid], peer)
    yield costs(alone, used[:2], polls_of(agent) - before, used[2:4], used[4:])


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
