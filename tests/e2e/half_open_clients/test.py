"""Hundreds of clients that begin a request and never end it keep nobody out."""

import json
import resource
import socket
import unittest

from support import Scenario, until

CLIENTS = 600
PER_ADDRESS = 128  # connections that a listener allows to one address


def half_open(port):
    """A request that never ends, from the very address that scrapes."""
    client = socket.create_connection(("127.0.0.1", port), timeout=10)
    client.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
    return client


def is_closed(client):
    """Whether the server has closed it; nothing is waited for."""
    client.settimeout(0)
    try:
        return client.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


class HalfOpenClients(Scenario):
    @classmethod
    def setUpClass(cls):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    def enter(self, port):
        client = half_open(port)
        self.addCleanup(client.close)
        return client

    def test_scrapes_and_control_go_on(self):
        _, agent = self.watch("[program:steady]\ncommand=sleep infinity\n")
        for port in (agent.metrics_port, agent.control_port):
            clients = [self.enter(port) for _ in range(CLIENTS)]
            until("those beyond the limit made room for others", lambda: sum(
                is_closed(client) for client in clients) >= CLIENTS - PER_ADDRESS)
        for _ in range(10):
            self.assertEqual(agent.get("/metrics", timeout=4).status, 200)
            listed = agent.control("GET", "/api/v1/processes", timeout=4)
            self.assertEqual([process["name"] for process in json.loads(listed.body)], ["steady"])

    def test_each_is_cut_at_its_deadline(self):
        _, agent = self.watch("[program:steady]\ncommand=sleep infinity\n")
        client = half_open(agent.metrics_port)
        self.addCleanup(client.close)
        client.settimeout(0.5)

        def cut():
            try:
                client.sendall(b"x")  # a drip now and then does not keep it open
                return b"HTTP/1.1 200" not in client.recv(4096)
            except TimeoutError:
                return False
            except OSError:
                return True
        until("it is cut", cut)

    def test_no_body_is_read_before_its_sender_is_known(self):
        _, agent = self.watch("[program:steady]\ncommand=sleep infinity\n")
        head = ("POST /api/v1/processes/steady/stop HTTP/1.1\r\nHost: localhost\r\n"
                "Content-Length: 1000000\r\nExpect: 100-continue\r\n\r\n")
        for port, status in ((agent.control_port, 401), (agent.metrics_port, 413)):
            with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
                client.sendall(head.encode())
                answer = client.makefile("rb").read()
            self.assertTrue(answer.startswith(f"HTTP/1.1 {status} ".encode()), answer)
            self.assertIn(b"\r\nConnection: close\r\n", answer)


if __name__ == "__main__":
    unittest.main()
