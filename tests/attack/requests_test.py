"""Requests that two parsers might read differently, credentials that are nearly right, and paths
to what a token may not do. The prize of each is one forbidden stop of `steady`."""

import base64
import json
import socket
import unittest
import urllib.parse

from support import Agent, Supervisord, Workspace, request, until
from table import Attacks

PROGRAMS = """
[program:steady]
command=sleep infinity
startsecs=0
[program:other]
command=sleep infinity
startsecs=0
[program:slow]
process_name=%(process_num)d
numprocs=6
command=sleep infinity
autostart=false
startsecs=600
[group:web]
programs=front
[program:front]
command=sleep infinity
startsecs=0
"""

CONFIG = """
supervisor: {url: URL, timeout: 2s}
poll: {interval: 200ms, timeout: 2s}
metrics: {listen: "127.0.0.1:{metrics}"}
control:
  enabled: true
  listen: "127.0.0.1:{control}"
  tokens:
    - {name: test, file: {token_file}, scopes: [read, logs, control, alerts, admin]}
    - {name: reader, file: reader, scopes: [read]}
    - {name: webber, file: webber, scopes: [read, logs, control], allow: ["web:*"]}
    - {name: pager, file: pager, scopes: [alerts]}
"""
STOP = "/api/v1/processes/steady/stop"


def setUpModule():
    global SUPERVISORD, AGENT, TOKENS
    workspace = Workspace()
    unittest.addModuleCleanup(workspace.close)
    SUPERVISORD = workspace.start(Supervisord, workspace.folder / "supervisord", PROGRAMS)
    folder = workspace.folder / "reeve"
    folder.mkdir()
    TOKENS = {}
    for name in ("reader", "webber", "pager"):
        TOKENS[name] = (name * 40)[:48]
        (folder / name).write_text(TOKENS[name] + "\n")
        (folder / name).chmod(0o600)
    AGENT = workspace.start(Agent, folder, CONFIG.replace("URL", SUPERVISORD.url))
    until("supervisord is seen", lambda: AGENT.samples().one("supervisord_up") == 1)
    until("all run", lambda: all(SUPERVISORD.state(name) == "RUNNING"
                                 for name in ("steady", "other", "web:front")))


def exchange(raw, port=None):
    """Everything that comes back until the server closes or has nothing more to say."""
    with socket.create_connection(("127.0.0.1", port or AGENT.control_port), timeout=3) as client:
        answer = b""
        try:
            client.sendall(raw)
            client.shutdown(socket.SHUT_WR)
            while block := client.recv(65536):
                answer += block
        except (TimeoutError, ConnectionError):
            pass
        return answer


def statuses(answer):
    return [int(line.split()[1]) for line in answer.split(b"\r\n")
            if line.startswith(b"HTTP/1.1 ")]


class Prize(Attacks):
    """Nothing of what follows may stop a process, and the agent goes on."""

    def trick(self, name, attack, *args):
        if SUPERVISORD.state("steady") != "RUNNING":  # an attack before this one got in
            SUPERVISORD.rpc("startProcess", "steady")
        self.pids = self.look()
        super().trick(name, attack, *args)

    def look(self):
        return {info["name"]: info["pid"] for info in SUPERVISORD.rpc("getAllProcessInfo")}

    def nothing_happened(self):
        self.assertTrue(AGENT.running(), AGENT.text()[-2000:])
        self.assertEqual(self.look(), self.pids)
        self.assertEqual(AGENT.get("/-/healthy").status, 200)


def hidden_stop():
    """What a second reading of a request would find: a stop with the right token."""
    return (f"POST {STOP} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {AGENT.token}\r\n"
            "Content-Length: 0\r\n\r\n").encode()


class Smuggling(Prize):
    kind = "smuggling"

    def refused(self, head, body=b""):
        """A request with a hidden one as its body: one answer at most, and no 2xx."""
        hidden = hidden_stop()
        raw = head.replace(b"LENGTH", str(len(hidden)).encode()) + body + hidden
        found = statuses(exchange(raw))
        self.assertLessEqual(len(found), 1, found)
        self.assertTrue(all(status >= 400 for status in found), found)
        self.nothing_happened()

    def test_two_readings_of_a_length(self):
        start = b"POST /api/v1/processes/other/start HTTP/1.1\r\nHost: localhost\r\n"
        zero = b"0\r\n\r\n"
        for name, headers, body in (
                ("Content-Length and chunked",
                 b"Content-Length: LENGTH\r\nTransfer-Encoding: chunked\r\n", zero),
                ("chunked and Content-Length",
                 b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", zero),
                ("two lengths", b"Content-Length: 0\r\nContent-Length: LENGTH\r\n", b""),
                ("two lengths in one header", b"Content-Length: 0, LENGTH\r\n", b""),
                ("a length with a sign", b"Content-Length: +0\r\n", b""),
                ("a negative length", b"Content-Length: -1\r\n", b""),
                ("a hexadecimal length", b"Content-Length: 0x0\r\n", b""),
                ("a length with a blank in it", b"Content-Length: 0 0\r\n", b""),
                ("a length beyond 64 bits", b"Content-Length: 18446744073709551616\r\n", b""),
                ("no length at all", b"Content-Length:\r\n", b""),
                ("chunked, misspelt", b"Transfer-Encoding: xchunked\r\n", zero),
                ("chunked twice", b"Transfer-Encoding: chunked, chunked\r\n", zero),
                ("chunked in two headers",
                 b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", zero),
                ("chunked, then identity", b"Transfer-Encoding: chunked, identity\r\n", zero),
                ("chunked behind a vertical tab", b"Transfer-Encoding:\x0bchunked\r\n", zero),
                ("chunked in quotes", b'Transfer-Encoding: "chunked"\r\n', zero),
                ("a blank before the colon", b"Content-Length : 0\r\n", b""),
                ("chunked, a blank before the colon",
                 b"Transfer-Encoding : chunked\r\n", zero),
                ("a folded header", b"X: a\r\n Content-Length: 0\r\n", b""),
                ("a line feed alone", b"X: a\nContent-Length: 0\r\n", b""),
                ("a carriage return alone", b"X: a\rContent-Length: 0\r\n", b""),
                ("a NUL in a header", b"X: a\x00b\r\nContent-Length: 0\r\n", b""),
                ("an underscore for a hyphen and a real one",
                 b"Content_Length: 0\r\nContent-Length: bad\r\n", b""),
                ("a header without a name", b": x\r\nContent-Length: 0\r\n", b""),
        ):
            self.trick(name, self.refused, start + headers + b"\r\n", body)

    def test_chunks(self):
        start = (b"POST /api/v1/processes/other/start HTTP/1.1\r\nHost: localhost\r\n"
                 b"Content-Type: application/json\r\nAuthorization: Bearer " +
                 AGENT.token.encode() + b"\r\nTransfer-Encoding: chunked\r\n\r\n")
        for name, body in (
                ("a chunk's size beyond 64 bits", b"10000000000000000\r\n"),
                ("a chunk's size with a prefix", b"0x0\r\n\r\n"),
                ("a negative chunk", b"-1\r\n\r\n"),
                ("a chunk without its line end", b"1\r\nxyy0\r\n\r\n"),
                ("a line feed after a size", b"0\n\n"),
                ("a blank before a size", b" 0\r\n\r\n"),
                ("an empty size", b"\r\n\r\n"),
                ("an extension of 100 kB", b"0;" + b"x" * 100_000 + b"\r\n\r\n"),
        ):
            self.trick(name, self.refused, start, body)

    def test_request_lines(self):
        rest = b"Host: localhost\r\nContent-Length: 0\r\n\r\n"
        for name, line in (
                ("HTTP/0.9", b"POST " + STOP.encode() + b"\r\n"),
                ("HTTP/2's preface", b"PRI * HTTP/2.0\r\n"),
                ("two blanks", b"POST  " + STOP.encode() + b" HTTP/1.1\r\n"),
                ("a tab", b"POST\t" + STOP.encode() + b" HTTP/1.1\r\n"),
                ("an unknown version", b"POST " + STOP.encode() + b" HTTP/9.9\r\n"),
                ("CONNECT", b"CONNECT localhost:80 HTTP/1.1\r\n"),
                ("another host's absolute URL",
                 b"POST http://evil.example" + STOP.encode() + b" HTTP/1.1\r\n"),
                ("a fragment", b"POST " + STOP.encode() + b"#x HTTP/1.1\r\n"),
                ("a NUL in the path", b"POST /api\x00 HTTP/1.1\r\n"),
                ("a path of 100 kB", b"POST /" + b"a" * 100_000 + b" HTTP/1.1\r\n"),
        ):
            self.trick(name, self.refused, line + rest)

    def test_hosts(self):
        for host in ("evil.example", "localhost.evil.example", "localhost:evil.example",
                     "[::1].evil.example", "[::1]@evil.example", "localhost@evil.example",
                     "evil.example#localhost", "localhost\t.evil.example", "127.0.0.1.evil.example",
                     "localhost:99999", "localhost:80:80", "",
                     "localhost\r\nHost: evil.example"):
            head = (f"POST {STOP} HTTP/1.1\r\nHost: {host}\r\n"
                    f"Authorization: Bearer {AGENT.token}\r\nContent-Length: 0\r\n\r\n")
            self.trick(f"Host {host!r}", self.bad_host, head.encode())

    def bad_host(self, raw):
        found = statuses(exchange(raw))
        self.assertLessEqual(len(found), 1, found)
        self.assertTrue(all(status in (400, 421) for status in found), found)
        self.nothing_happened()


class Credentials(Prize):
    kind = "credentials"

    def answers(self, expected, headers, path=STOP, method="POST", body=None):
        url = f"http://127.0.0.1:{AGENT.control_port}{path}"
        answer = request(method, url, body, headers)
        self.assertIn(answer.status, expected, answer.body)
        self.assertNotIn(AGENT.token, answer.body)
        self.nothing_happened()

    def test_nearly_right(self):
        right = AGENT.token
        basic = base64.b64encode(f"test:{right}".encode()).decode()
        for name, headers in (
                ("nothing", {}),
                ("an empty token", {"Authorization": "Bearer "}),
                ("all but its last character", {"Authorization": f"Bearer {right[:-1]}"}),
                ("one character more", {"Authorization": f"Bearer {right}x"}),
                ("in capitals", {"Authorization": f"Bearer {right.upper()}x"}),
                ("with a NUL", {"Authorization": f"Bearer {right}%00"}),
                ("as a password", {"Authorization": f"Basic {basic}"}),
                ("without a scheme", {"Authorization": right}),
                ("as a cookie", {"Cookie": f"token={right}; session={right}"}),
                ("in a header of a proxy", {"Proxy-Authorization": f"Bearer {right}"}),
                ("as a forwarded user", {"X-Forwarded-User": "test", "X-Remote-User": "test"}),
        ):
            self.trick(name, self.answers, (401, 429), headers)
        self.trick("in the query", self.answers, (401, 429), {}, f"{STOP}?token={right}")

    def test_the_right_one_elsewhere(self):
        right = {"Authorization": f"Bearer {AGENT.token}"}
        for name, headers in (
                ("another origin", {"Origin": "http://evil.example"}),
                ("no origin at all", {"Origin": "null"}),
                ("fetched from another site", {"Sec-Fetch-Site": "cross-site"}),
        ):
            self.trick(name, self.answers, (403,), {**right, **headers})
        for form in ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data"):
            self.trick(f"a form as {form}", self.answers, (415,),
                       {**right, "Content-Type": form}, STOP, "POST", "{}")
        for name, headers in (
                ("a method in a header", {"X-HTTP-Method-Override": "POST"}),
                ("a path in a header", {"X-Original-URL": STOP, "X-Rewrite-URL": STOP})):
            self.trick(name, self.answers, (404, 405), {**right, **headers}, STOP, "GET")
        self.trick("HEAD", self.answers, (404, 405), right, STOP, "HEAD")


class Scopes(Prize):
    kind = "scopes"

    def refused(self, token, method, path, body=None, expected=(400, 403, 404, 405, 422)):
        answer = AGENT.control(method, path, body, token=TOKENS[token])
        self.assertIn(answer.status, expected, answer.body)
        self.nothing_happened()

    def test_a_reader_acts(self):
        for name, path in (
                ("a stop", STOP),
                ("with a slash behind", STOP + "/"),
                ("with two slashes", "/" + STOP),
                ("through a dot", "/api/v1/./processes/steady/stop"),
                ("through two dots", "/api/v1/processes/x/../steady/stop"),
                ("through encoded dots", "/api/v1/processes/%2e%2e/processes/steady/stop"),
                ("with an encoded slash", "/api/v1/processes/steady%2fstop"),
                ("encoded twice", "/api/v1/processes/steady%252fstop"),
                ("in capitals", STOP.upper()),
                ("with a parameter in the path", "/api/v1/processes/steady;x/stop"),
                ("with a method in the query", "/api/v1/processes/steady?_method=POST"),
                ("a reload", "/-/reload"),
                ("a reset of all guards", "/api/v1/guards/*/reset"),
                ("a post of alerts", "/api/v1/alerts"),
        ):
            self.trick(f"a reader: {name}", self.refused, "reader", "POST", path)
        self.trick("a reader: a maintenance window", self.refused, "reader", "PUT",
                   "/api/v1/maintenance/steady", {"ttl": "1h", "reason": "x"})
        self.trick("a reader: a log", self.refused, "reader", "GET",
                   "/api/v1/processes/steady/logs/stdout")

    def test_a_token_for_web_acts_elsewhere(self):
        for name in ("steady", "*", "web:*", "web:front,steady", "steady:steady", "web:../steady",
                     "web:front\x00steady", "web:front/steady", "STEADY", "w*b:front",
                     "web:front ", " steady", "st[e]ady", "steady\n"):
            path = f"/api/v1/processes/{urllib.parse.quote(name, safe='')}/stop"
            self.trick(f"a token for web: {name!r}", self.refused, "webber", "POST", path)
        self.trick("a token for web: another group", self.refused, "webber", "POST",
                   "/api/v1/groups/steady/stop")
        self.trick("a token for web: a group of everything", self.refused, "webber", "POST",
                   "/api/v1/groups/*/stop")
        self.trick("a token for web: a member said twice", self.twice)
        self.trick("a token for web: maintenance for others", self.refused, "webber", "PUT",
                   "/api/v1/maintenance/steady", {"ttl": "1h", "reason": "x"})

    def twice(self):
        body = '{"dry_run": true, "dry_run": false}'
        answer = AGENT.control("POST", STOP, body, headers={"Content-Type": "application/json"})
        self.assertEqual(answer.status, 400, answer.body)
        self.nothing_happened()

    def test_a_token_for_web_learns_of_others(self):
        def same(method, path):
            answers = set()
            for name in ("steady", "nobody"):
                answer = AGENT.control(method, path.replace("NAME", name), token=TOKENS["webber"])
                answers.add((answer.status, answer.body.replace(name, "NAME")))
            self.assertEqual(len(answers), 1, answers)
            self.nothing_happened()
        for method, path in (("GET", "processes/NAME"), ("GET", "processes/NAME/logs/stdout"),
                             ("POST", "processes/NAME/stop"), ("POST", "processes/NAME/restart"),
                             ("POST", "groups/NAME/stop"), ("POST", "guards/NAME/reset")):
            self.trick(f"a token for web: is there a process, by {method} {path}", same, method,
                       f"/api/v1/{path}")
        self.trick("a token for web: what others do", self.hidden)

    def hidden(self):
        for scope in ("steady:steady", "other:*"):
            answer = AGENT.control("PUT", f"/api/v1/maintenance/{scope}",
                                   {"ttl": "1h", "reason": "not for everybody"})
            self.assertEqual(answer.status, 200, answer.body)
        for path in ("maintenance", "audit", "operations", "guards"):
            answer = AGENT.control("GET", f"/api/v1/{path}", token=TOKENS["webber"])
            self.assertEqual(answer.status, 200, answer.body)
            self.assertNotIn("not for everybody", answer.body)
            self.assertNotIn("other", answer.body)
        self.nothing_happened()

    def test_a_pager_reads(self):
        for path in ("/api/v1/processes", "/api/v1/audit", "/api/v1/events", "/api/v1/operations"):
            self.trick(f"a pager: {path}", self.refused, "pager", "GET", path)
        alert = {"version": "4", "alerts": [
            {"status": "firing", "labels": {"alertname": "X", "group": "web", "name": "front"},
             "startsAt": "2020-01-01T00:00:00Z", "fingerprint": "f"}]}
        self.trick("a pager: an alert without a rule", self.decided_nothing, alert)

    def decided_nothing(self, alert):
        answer = AGENT.control("POST", "/api/v1/alerts", alert, token=TOKENS["pager"])
        if answer.status == 200:
            decisions = json.loads(answer.body)["decisions"]
            self.assertNotIn("accepted", [each["decision"] for each in decisions])
        self.nothing_happened()


class Places(Attacks):
    """Requests that hold a place of the control listener although nobody waits for them."""
    kind = "places"

    def test_clients_that_left(self):
        self.trick("waits of clients that left, 32 for each of six operations", self.wait_and_leave)

    def wait_and_leave(self):
        for number in range(6):
            path = f"/api/v1/processes/slow:{number}/start"
            key = f"slow {number}"
            answer = AGENT.control("POST", path, headers={"Idempotency-Key": key})
            self.assertEqual(answer.status, 202, answer.body)
            for _ in range(32):
                with socket.create_connection(("127.0.0.1", AGENT.control_port), 10) as client:
                    client.sendall((f"POST {path}?wait=5m HTTP/1.1\r\nHost: localhost\r\n"
                                    f"Authorization: Bearer {AGENT.token}\r\n"
                                    f"Idempotency-Key: {key}\r\n"
                                    "Content-Length: 0\r\n\r\n").encode())
            until("what came at once is in work no more", lambda: AGENT.control(
                "GET", "/api/v1/supervisors").status == 200, patience=20)
        for _ in range(20):
            answer = AGENT.control("GET", "/api/v1/supervisors")
            self.assertEqual(answer.status, 200, answer.body)


if __name__ == "__main__":
    unittest.main()
