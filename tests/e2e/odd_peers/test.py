"""A supervisord behind a proxy with a path prefix, and one that lacks methods and says so by an HTTP
status."""

import http.client
import http.server
import json
import re
import socket
import threading
import unittest

from support import REEVE, Child, Scenario, reeve, until

PROGRAMS = """
[program:web]
command=sh -c "echo hello; exec sleep infinity"
startsecs=0
"""


class Proxy:
    """An HTTP server at a path prefix before a supervisord's socket. `missing` methods are answered
    with this status and text, /logtail with 404 unless it is passed on."""

    def __init__(self, supervisord, prefix="", status=400, missing=(), logtail=True):
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                proxy.methods.append(re.search(b"<methodName>(.*?)</methodName>", body)[1].decode())
                if proxy.methods[-1] in missing:
                    self.answer(status, b"rpc: can't find method " + proxy.methods[-1].encode())
                elif self.path == prefix + "/RPC2":
                    self.forward("POST", "/RPC2", body)
                else:
                    self.answer(404, b"nothing here")

            def do_GET(self):
                if logtail and self.path.startswith(prefix + "/logtail/"):
                    self.forward("GET", self.path[len(prefix):])
                else:
                    self.answer(404, b"nothing here")

            def answer(self, code, body):
                self.send_response(code)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def forward(self, method, path, body=None):
                connection = http.client.HTTPConnection("localhost")
                connection.sock = socket.socket(socket.AF_UNIX)
                connection.sock.connect(str(supervisord.socket))
                try:
                    connection.request(method, path, body, {"Content-Type": "text/xml"})
                    answer = connection.getresponse()
                    self.send_response(answer.status)
                    self.end_headers()
                    while piece := answer.read1(65536):
                        self.wfile.write(piece)
                except (OSError, http.client.HTTPException):
                    pass  # the scenario is at its end
                finally:
                    connection.sock.close()

        self.methods = []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}{prefix}/RPC2"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class OddPeers(Scenario):
    def setUp(self):
        self.supervisord = self.start_supervisord(PROGRAMS)

    def test_actions_pass_where_methods_are_missing_by_whatever_status(self):
        missing = ("system.multicall", "supervisor.getAllConfigInfo")
        for status in (400, 404, 500):
            with self.subTest(status=status), \
                    Proxy(self.supervisord, status=status, missing=missing) as proxy:
                agent = self.start_agent(f"supervisor: {{url: {proxy.url}}}", name=f"reeve{status}")
                until("it is up", lambda: agent.samples().one("supervisord_up") == 1)
                self.assertEqual(agent.samples().one("supervisord_process_up", name="web"), 1)
                done = agent.control("POST", "/api/v1/processes/web/restart?wait=20s",
                                     {"reason": "a test"})
                self.assertEqual((done.status, json.loads(done.body)["result"]), (200, "succeeded"))
                # Once, and once more with a single call, to tell a lack from an exception.
                self.assertEqual(proxy.methods.count("system.multicall"), 2)
                agent.end()

    def test_a_path_that_speaks_no_xml_rpc_is_no_lack_of_methods(self):
        with Proxy(self.supervisord) as proxy:
            done = reeve("list", "--url", proxy.url + "/elsewhere")
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("does the URL end in /RPC2?", done.stderr)

    def test_logs_are_followed_behind_a_path_prefix(self):
        with Proxy(self.supervisord, prefix="/supervisor") as proxy:
            tail = self.workspace.start(Child, [REEVE, "tail", "-f", "web", "--url", proxy.url],
                                        self.workspace.folder / "tail.log")
            until("it follows", lambda: "hello" in tail.text())
            tail.end()

    def test_a_log_that_a_proxy_does_not_pass_on_says_so(self):
        with Proxy(self.supervisord, logtail=False) as proxy:
            until("it has spoken", lambda: reeve("tail", "web", "--url", proxy.url).stdout)
            done = reeve("tail", "-f", "web", "--url", proxy.url)
            self.assertIn("a proxy in front of supervisord must pass on /logtail", done.stderr)
            agent = self.start_agent(f"supervisor: {{url: {proxy.url}}}")
            until("it is up", lambda: agent.samples().one("supervisord_up") == 1)
            followed = agent.control("GET", "/api/v1/processes/web/logs/stdout?follow=true")
            self.assertIn("reeve: this log is not followed any more: ", followed.body)
            self.assertIn("a proxy in front", followed.body)


if __name__ == "__main__":
    unittest.main()
