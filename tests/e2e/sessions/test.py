"""A page signs in: a token becomes a cookie, which may do what the token may, and ends with it."""

import http.client
import json
import signal
import unittest

from support import PATIENCE, Agent, Scenario, request, until

CONFIG = """
supervisor: {{url: {url}}}
poll: {{interval: 200ms}}
metrics: {{listen: "127.0.0.1:{{metrics}}"}}
control:
  enabled: true
  listen: "127.0.0.1:{{control}}"
  tokens:
    - {{name: kept, file: {{token_file}}, scopes: [read, control]}}
"""
GUEST = "    - {{name: guest, file: {file}, scopes: [read, control], allow: [mine]}}\n"
PROGRAMS = """
[program:mine]
command=sleep infinity
startsecs=0
[program:other]
command=sleep infinity
startsecs=0
"""


class Sessions(Scenario):
    def setUp(self):
        supervisord = self.start_supervisord(PROGRAMS)
        self.guest = "g" * 40
        file = self.workspace.folder / "guest"
        file.write_text(self.guest)
        file.chmod(0o600)
        self.without_guest = CONFIG.format(url=supervisord.url)
        self.agent = self.workspace.start(
            Agent, self.workspace.folder / "reeve",
            self.without_guest + GUEST.format(file=file))
        until("mine is known", lambda: self.agent.control(
            "GET", "/api/v1/processes/mine").status == 200)

    def sign_in(self, token=None):
        answer = self.agent.control("POST", "/api/v1/session", token=token)
        self.assertEqual(answer.status, 201, answer.body)
        return answer.headers["Set-Cookie"].split(";")[0], json.loads(answer.body)

    def ask(self, method, path, cookie, csrf=None, body=None):
        headers = {"Cookie": cookie, **({"X-CSRF-Token": csrf} if csrf else {})}
        return request(method, f"http://127.0.0.1:{self.agent.control_port}{path}", body, headers)

    def test_it_acts_like_its_token_and_ends_when_asked(self):
        cookie, session = self.sign_in(self.guest)
        self.assertEqual((session["name"], session["scopes"], session["allow"]),
                         ("guest", ["read", "control"], ["mine"]))
        path = "/api/v1/processes/mine/restart?wait=20s"
        self.assertEqual(self.ask("POST", path, cookie).status, 403)
        done = self.ask("POST", path, cookie, session["csrf_token"])
        self.assertEqual((done.status, json.loads(done.body)["actor"]), (200, "guest"))
        for name, status in (("mine", 200), ("other", 403)):
            self.assertEqual(self.ask("GET", f"/api/v1/processes/{name}", cookie).status, status)
            restarted = self.ask("POST", f"/api/v1/processes/{name}/restart?wait=20s", cookie,
                                 session["csrf_token"])
            self.assertEqual(restarted.status, status)
        self.assertEqual(json.loads(self.ask("GET", "/api/v1/session", cookie).body), session)
        self.assertEqual(self.ask("DELETE", "/api/v1/session", cookie).status, 403)
        ended = self.ask("DELETE", "/api/v1/session", cookie, session["csrf_token"])
        self.assertEqual(ended.status, 204)
        self.assertEqual(self.ask("GET", "/api/v1/processes", cookie).status, 401)

    def test_a_reload_without_its_token_ends_it_and_its_stream(self):
        cookie, _ = self.sign_in(self.guest)
        kept, _ = self.sign_in()
        connection = http.client.HTTPConnection("127.0.0.1", self.agent.control_port,
                                                timeout=PATIENCE)
        self.addCleanup(connection.close)
        connection.request("GET", "/api/v1/events", headers={"Cookie": cookie})
        events = connection.getresponse()
        self.assertEqual(events.status, 200)
        self.agent.write_config(self.without_guest)
        self.agent.signal(signal.SIGHUP)
        self.assertIn("event: end", events.read().decode())
        self.assertEqual(self.ask("GET", "/api/v1/session", cookie).status, 401)
        self.assertEqual(self.ask("GET", "/api/v1/session", kept).status, 200)


if __name__ == "__main__":
    unittest.main()
