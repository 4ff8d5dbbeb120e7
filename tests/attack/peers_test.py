"""Supervisords that hang, lie or attack: the agent that polls them goes on serving, stays small,
and ends when it is asked to."""

import contextlib
import re
import socket
import struct
import subprocess
import threading
import unittest

from support import Scenario, until
from table import Attacks

# Bytes an agent may hold, whatever its peer sends: two answers at their bound side by side, each
# copied as it grows.
MEMORY = 400 * 1024 * 1024


def record(**changed):
    """One process as getProcessInfo describes it, in XML; a value may be given as XML."""
    fields = {"name": "a", "group": "a", "statename": "RUNNING", "state": 20, "pid": 7,
              "start": 1_700_000_000, "stop": 0, "now": 1_700_000_100, "exitstatus": 0,
              "spawnerr": "", "description": "pid 7", "logfile": "", "stdout_logfile": "",
              "stderr_logfile": "", **changed}

    def value(item):
        if isinstance(item, int):
            return f"<int>{item}</int>"
        return item if item.startswith("<") else f"<string>{item}</string>"
    return "<struct>" + "".join(f"<member><name>{name}</name><value>{value(item)}</value></member>"
                                for name, item in fields.items()) + "</struct>"


def array(*values):
    return ("<array><data>" + "".join(f"<value>{each}</value>" for each in values) +
            "</data></array>")


def response(value):
    return (f"<?xml version='1.0'?><methodResponse><params><param><value>{value}</value>"
            "</param></params></methodResponse>").encode()


def http(body, status="200 OK", headers=""):
    return (f"HTTP/1.1 {status}\r\nContent-Type: text/xml\r\n{headers}"
            f"Content-Length: {len(body)}\r\n\r\n").encode() + body


def listing(*records):
    """A supervisord that answers as it should, with these processes."""
    answers = {
        "supervisor.getPID": "<int>1</int>",
        "supervisor.getAllProcessInfo": array(*records),
        "supervisor.getState": "<struct><member><name>statecode</name><value><int>1</int></value>"
                               "</member><member><name>statename</name><value>RUNNING</value>"
                               "</member></struct>",
        "supervisor.getAllConfigInfo": array(),
    }

    def answer(request):
        called, *inside = re.findall(rb"<methodName>([^<]*)|<string>(\w+\.\w+)</string>", request)
        if called[0] == b"system.multicall":
            return http(response(array(*(answers.get(name.decode(), "") for _, name in inside))))
        return http(response(answers.get(called[0].decode(), "")))
    return answer


BOMB = (b"<?xml version='1.0'?><!DOCTYPE b [<!ENTITY a 'aaaaaaaaaaaaaaaa'>" +
        b"".join(b"<!ENTITY %c '%s'>" % (letter + 1, b"&%c;" % letter * 16)
                 for letter in range(ord("a"), ord("k"))) +
        b"]><methodResponse><params><param><value>&k;</value></param></params></methodResponse>")

ANSWERS = {
    "closes at once": b"",
    "half a status line": b"HTTP/1.1 2",
    "noise": bytes(range(256)) * 64,
    "HTML": http(b"<html><body>It works!</body></html>"),
    "401": http(b"", "401 Unauthorized", 'WWW-Authenticate: Basic realm="x"\r\n'),
    "500": http(b"Internal Server Error", "500 Internal Server Error"),
    "a redirect elsewhere": http(b"", "302 Found", "Location: http://127.0.0.1:9/\r\n"),
    "100 for ever": b"HTTP/1.1 100 Continue\r\n\r\n" * 100_000,
    "a head without an end": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1_000_000,
    "a header of 10 MB": b"HTTP/1.1 200 OK\r\nX: " + b"y" * 10_000_000,
    "a length that is a lie": b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n<?xml",
    "a negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n<?xml",
    "a chunk of 2^63 bytes": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                             b"7fffffffffffffff\r\n<?xml",
    "200 MB of extensions": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
                            (b"1;" + b"x" * 1000 + b"\r\na\r\n") * 200_000,
    "compressed": http(b"\x1f\x8b\x08" + b"\0" * 100, headers="Content-Encoding: gzip\r\n"),
    "an entity bomb": http(BOMB),
    "an external entity": http(
        b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"
        b"<methodResponse><params><param><value>&x;</value></param></params></methodResponse>"),
    "100 000 levels": http(b"<methodResponse><params><param>" + b"<value><array><data>" * 100_000),
    "a million empty values": http(response(array(*[""] * 1_000_000))),
    "not the answer to a multicall": http(response("<int>1</int>")),
    "too few results": http(response(array("<int>1</int>"))),
    "too many results": http(response(array(*["<int>1</int>"] * 500))),
    "a fault without a code": http(
        b"<methodResponse><fault><value><struct></struct></value></fault></methodResponse>"),
    "a number beyond 64 bits": http(response(f"<int>{'9' * 400}</int>")),
    "a double that is none": http(response("<double>nan</double>")),
    "base64 that is none": http(response("<base64>!!!!</base64>")),
    "a NUL in the text": http(response("<string>a\0b</string>")),
    "bytes that are not UTF-8": http(b"<methodResponse>\xff\xfe</methodResponse>"),
    "UTF-16": http(response("<int>1</int>").decode().encode("utf-16")),
    "a process without a name": listing(record(name="")),
    "a negative pid": listing(record(pid=-1)),
    "a pid beyond 32 bits": listing(record(pid=2**62)),
    "an unknown state": listing(record(state=9999, statename="ODD")),
    "a start in the year 300 000": listing(record(start=2**43)),
    "a name of 10 MB": listing(record(name="n" * 10_000_000)),
    "a name that ends a sample": listing(record(
        name="x&quot;} 1&#10;supervisord_up 7&#10;y{z=&quot;")),
    "the same process twice": listing(record(), record()),
    "100 000 processes": listing(*[record(name=f"p{each}") for each in range(100_000)]),
    "a struct where a text belongs": listing(record(name="<struct></struct>")),
    "two members of one name": listing("<struct>" + record()[8:-9] + record()[8:-9] + "</struct>"),
}


class Peer:
    """A server that answers every request with the same bytes, and counts its callers."""

    def __init__(self, serve):
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}/RPC2"
        self.serve = serve
        self.calls = 0
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.socket.accept()
                self.calls += 1
                threading.Thread(target=self.one, args=(client,), daemon=True).start()

    def one(self, client):
        with client, contextlib.suppress(OSError):
            client.settimeout(5)
            self.serve(client)

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()


def whole_request(client):
    request = b""
    while b"</methodCall>" not in request:
        block = client.recv(65536)
        if not block:
            break
        request += block
    return request


def says(answer):
    """Always the same bytes, or what a function makes of each request."""
    def serve(client):
        request = whole_request(client)
        client.sendall(answer(request) if callable(answer) else answer)
    return serve


def says_nothing(client):
    while client.recv(65536):
        pass


def drips(client):
    client.recv(65536)
    pause = threading.Event()
    for byte in http(response("<int>1</int>")):
        client.sendall(bytes([byte]))
        pause.wait(0.2)


def floods(client):
    whole_request(client)
    client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    for _ in range(1000):
        client.sendall(b" " * 1_000_000)


def resets(client):
    client.recv(10)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Peers(Scenario, Attacks):
    kind = "peers"

    def survive(self, serve, up=None):
        peer = Peer(serve)
        self.addCleanup(peer.close)
        agent = self.start_agent(f"supervisor: {{url: {peer.url}, timeout: 1s}}",
                                 name=f"reeve-{peer.url.split(':')[2].split('/')[0]}")
        until("it was asked six times", lambda: peer.calls >= 6)
        if up is not None:
            until("it is seen", lambda: agent.samples().one("supervisord_up") == up)
        page = agent.get("/metrics", timeout=5)
        self.assertEqual(page.status, 200)
        checked = subprocess.run(["promtool", "check", "metrics"], input=page.body, text=True,
                                 capture_output=True, check=False)
        self.assertNotIn("error while linting", checked.stderr)
        self.assertIsNone(next((line for line in page.body.splitlines()
                                if line.startswith("supervisord_up 7")), None))
        self.assertNotIn("root:", page.body)
        with open(f"/proc/{agent.pid}/status", encoding="ascii") as status:
            peak = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
        self.assertLess(peak, MEMORY)
        lines = len(agent.text().splitlines())
        self.assertLess(lines, 40, agent.text()[-2000:])
        agent.end()
        self.assertEqual(agent.wait(), 0, agent.text()[-2000:])

    def test_the_honest_one_is_believed(self):
        self.trick("none: this peer is honest", self.survive, says(listing(record())), 1)

    def test_answers(self):
        for name, answer in ANSWERS.items():
            self.trick(name, self.survive, says(answer))

    def test_manners(self):
        for name, serve in (("says nothing", says_nothing), ("drips", drips),
                            ("a gigabyte", floods), ("resets", resets)):
            self.trick(name, self.survive, serve)


if __name__ == "__main__":
    unittest.main()
