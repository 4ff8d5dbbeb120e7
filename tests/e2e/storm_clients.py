"""Storms of clients that keep others out if the agent lets them, for tests/bench/storm.py and the
scenario `storms`. They run in a process of their own (this file as a program), since the clients
that are measured must not wait for them.

Each storm is a number of clients on each listener. A client that is closed comes back a little
later, as often as it takes.
"""

import collections
import contextlib
import errno
import heapq
import os
import resource
import select
import socket
import subprocess
import sys
import time

COMES_BACK = 0.25  # seconds after which a closed client connects again
DRIP = 1.0  # seconds between two bytes of a dripping client

# `first`: what it sends at once; `drip`: then a byte a second; `reads`: what it is answered.
Kind = collections.namedtuple("Kind", "count addresses first drip reads")


def get(path, end="\r\n\r\n"):
    return f"GET {path} HTTP/1.1\r\nHost: localhost{end}".encode()


def storm(name, path):
    """The clients of a storm on a listener that answers the path without a token."""
    pipelined = get(path) * 900
    return {
        # From five addresses of loopback, as many connections as a listener allows to each of
        # five addresses, and more than it has places.
        "deaf": [Kind(640, 5, pipelined, False, False)],
        "honest-looking": [Kind(700, 1, get(path, "\r\nX-Slow: "), True, True),
                           Kind(150, 1, pipelined, False, False),
                           Kind(150, 1, bytes(range(128, 256)) * 4, False, True)],
    }[name]


STORMS = ("deaf", "honest-looking")


class Client:
    def __init__(self, port, kind, number):
        self.port, self.kind = port, kind
        self.address = f"127.0.{port % 200}.{2 + number % kind.addresses}"
        self.socket = None
        self.left = b""

    def connect(self):
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.bind((self.address, 0))
        self.left = self.kind.first
        error = self.socket.connect_ex(("127.0.0.1", self.port))
        return error in (0, errno.EINPROGRESS)

    def send(self):
        """False once it is closed."""
        try:
            self.left = self.left[self.socket.send(self.left):]
            return True
        except BlockingIOError:
            return True
        except OSError:
            return False

    def read(self):
        try:
            return bool(self.socket.recv(4096))
        except BlockingIOError:
            return True
        except OSError:
            return False


class Crowd:
    """All clients of a storm, on one thread."""

    def __init__(self, clients):
        self.poll = select.epoll()
        self.by_descriptor = {}
        self.due = [(0.0, number, client) for number, client in enumerate(clients)]
        self.number = len(clients)

    def later(self, seconds, client):
        self.number += 1
        heapq.heappush(self.due, (time.monotonic() + seconds, self.number, client))

    def close(self, client):
        del self.by_descriptor[client.socket.fileno()]
        client.socket.close()
        client.socket = None
        self.later(COMES_BACK, client)

    def take_turn(self, client):
        if client.socket is None:
            if not client.connect():
                client.socket.close()
                client.socket = None
                self.later(COMES_BACK, client)
                return
            self.by_descriptor[client.socket.fileno()] = client
            wants = select.EPOLLOUT | select.EPOLLRDHUP | (select.EPOLLIN if client.kind.reads else 0)
            self.poll.register(client.socket.fileno(), wants)
            if client.kind.drip:
                self.later(DRIP, client)
        elif client.kind.drip:
            client.left += b"x"
            if client.send():
                self.later(DRIP, client)
            else:
                self.close(client)

    def react(self, client, happened):
        alive = not happened & (select.EPOLLHUP | select.EPOLLERR | select.EPOLLRDHUP)
        if alive and happened & select.EPOLLIN:
            alive = client.read()
        if alive and happened & select.EPOLLOUT:
            alive = client.send()
            if not client.left:
                self.poll.modify(client.socket.fileno(), select.EPOLLRDHUP
                                 | (select.EPOLLIN if client.kind.reads else 0))
        if not alive:
            self.close(client)

    def run(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            while self.due and self.due[0][0] <= time.monotonic():
                self.take_turn(heapq.heappop(self.due)[2])
            for descriptor, happened in self.poll.poll(0.01):
                if descriptor in self.by_descriptor:
                    self.react(self.by_descriptor[descriptor], happened)


def raise_file_limit():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@contextlib.contextmanager
def raging(name, agent, seconds):
    """A storm on both listeners of the agent, from now on."""
    argv = [sys.executable, __file__, name, agent.metrics_port, agent.control_port, seconds]
    process = subprocess.Popen([str(word) for word in argv], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)
    try:
        process.stdout.readline()  # it is ready
        process.stdin.close()
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


# What a right client sees meanwhile.

Seen = collections.namedtuple("Seen", "listener seconds status")


def ask(port, request, patience):
    """The status of one request on a connection of its own, read to its end; 0 if it failed."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=patience) as client:
            client.sendall(request)
            answer = b""
            while piece := client.recv(1 << 20):
                answer = answer or piece
        return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0
    except OSError:
        return 0


def right_requests(agent):
    closing = "\r\nAccept-Encoding: gzip\r\nConnection: close"
    token = f"{closing}\r\nAuthorization: Bearer {agent.token}\r\n\r\n"
    return {"metrics": (agent.metrics_port, get("/metrics", closing + "\r\n\r\n")),
            "control": (agent.control_port, get("/api/v1/supervisors", token))}


def watch(agent, seconds, patience, interval=0.02):
    """A scrape and a request with a right token in turn, for so long; each answer as Seen."""
    seen = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for listener, (port, request) in right_requests(agent).items():
            begun = time.monotonic()
            status = ask(port, request, patience)
            seen.append(Seen(listener, time.monotonic() - begun, status))
            time.sleep(interval)
    return seen


def main():
    name, metrics_port, control_port, seconds = sys.argv[1], *map(int, sys.argv[2:])
    raise_file_limit()
    clients = []
    for port, path in ((metrics_port, "/metrics"), (control_port, "/api/v1/openapi.json")):
        for kind in storm(name, path):
            clients += [Client(port, kind, number) for number in range(kind.count)]
    print("ready", flush=True)
    os.read(0, 1)
    Crowd(clients).run(seconds)


if __name__ == "__main__":
    main()
