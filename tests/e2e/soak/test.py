"""What goes wrong a thousand times leaves nothing behind."""

import contextlib
import os
import pathlib
import socket
import struct
import threading
import unittest

from support import Agent, Scenario, free_port, until


def possessions(agent):
    """Descriptors, threads, resident kilobytes."""
    process = pathlib.Path(f"/proc/{agent.pid}")
    status = dict(line.split(":", 1) for line in
                  (process / "status").read_text().splitlines() if ":" in line)
    return (len(os.listdir(process / "fd")), int(status["Threads"]),
            int(status["VmRSS"].split()[0]))


class Cutter:
    """Listens where a supervisord should, and cuts every connection in one of several ways."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.cuts = 0
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with client, contextlib.suppress(OSError):
                client.settimeout(1)
                if self.cuts % 3 == 1:
                    client.recv(4096)
                if self.cuts % 3 == 2:
                    client.recv(4096)
                    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n<?xml")
                if self.cuts % 2:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.cuts += 1

    def close(self):
        self.listener.close()


class Soak(Scenario):
    def assert_nothing_left(self, agent, before, disturb):
        """Possessions may grow while a disturbance goes on; doubling it must not double that."""
        disturb()
        first = until("descriptors and threads are back", lambda: self.settled(agent, before))
        disturb()
        second = until("descriptors and threads are back", lambda: self.settled(agent, before))
        self.assertLess(second[2] - first[2], 1024, f"{first} -> {second}")

    def settled(self, agent, before):
        now = possessions(agent)
        return now if now[0] <= before[0] + 2 and now[1] <= before[1] else None

    def test_a_hundred_times_a_supervisord_that_hangs_and_wakes(self):
        supervisord = self.start_supervisord("[program:steady]\ncommand=sleep infinity\n")
        agent = self.workspace.start(
            Agent, self.workspace.folder / "reeve",
            f"supervisor: {{url: {supervisord.url}, timeout: 50ms}}\n"
            "poll: {interval: 100ms, timeout: 50ms}\n" + Agent.LISTENERS)

        def up(value):
            return agent.samples().one("supervisord_up") == value

        def fifty_cycles():
            for _ in range(50):
                supervisord.pause()
                until("it is down", lambda: up(0))
                supervisord.resume()
                until("it is up", lambda: up(1))
        until("it is up", lambda: up(1))
        # Files in /proc of the program are kept open from its first measurement on.
        until("the program is measured", lambda: agent.samples().one(
            "supervisord_process_cpu_seconds_total", name="steady", mode="user") is not None)
        self.assert_nothing_left(agent, possessions(agent), fifty_cycles)

    def test_a_thousand_connections_refused_or_cut(self):
        cutter = Cutter()
        self.addCleanup(cutter.close)
        agent = self.workspace.start(
            Agent, self.workspace.folder / "reeve",
            "poll: {interval: 100ms}\nsupervisors:\n"
            + "".join(f"  - {{name: cut{n}, url: 'http://127.0.0.1:{cutter.port}/RPC2'}}\n"
                      for n in range(20))
            + "".join(f"  - {{name: refused{n}, url: 'http://127.0.0.1:{free_port()}/RPC2'}}\n"
                      for n in range(5)) + Agent.LISTENERS)

        def five_hundred_cuts():
            wanted = cutter.cuts + 500
            until("500 connections are cut", lambda: cutter.cuts >= wanted)
        five_hundred_cuts()  # by then each supervisord has its threads
        self.assert_nothing_left(agent, possessions(agent), five_hundred_cuts)


if __name__ == "__main__":
    unittest.main()
