"""Clients that read what takes long keep nobody from acting, and no alert waiting."""

import threading
import time
import unittest

from support import Agent, Scenario, until

PROGRAMS = "[program:p]\ncommand=sleep infinity\nstartsecs=0\nstopwaitsecs=1\n"


class BusyReaders(Scenario):
    CONFIG = """
supervisors:
  - {{name: one, url: {one}, timeout: 20s}}
  - {{name: two, url: {two}}}
poll: {{interval: 500ms, timeout: 20s}}
metrics: {{listen: "127.0.0.1:{{metrics}}"}}
control:
  enabled: true
  listen: "127.0.0.1:{{control}}"
  tokens:
    - {{name: ops, file: {{token_file}}, scopes: [read, control, alerts]}}
    - {{name: reader, file: {reader}, scopes: [read, logs]}}
"""

    def setUp(self):
        self.one = self.start_supervisord(PROGRAMS, name="one")
        self.two = self.start_supervisord(PROGRAMS, name="two")
        reader = self.workspace.folder / "reader"
        reader.write_text("r" * 40)
        reader.chmod(0o600)
        self.agent = self.workspace.start(
            Agent, self.workspace.folder / "reeve",
            self.CONFIG.format(one=self.one.url, two=self.two.url, reader=reader))
        until("both are known", lambda: self.agent.control(
            "GET", "/api/v1/processes").body.count('"RUNNING"') == 2)

    def read_log(self):
        self.agent.control("GET", "/api/v1/processes/p/logs/stdout?supervisor=one", token="r" * 40,
                           timeout=60)

    def test_logs_of_a_hung_supervisord_do_not_keep_others_from_acting(self):
        self.one.pause()
        readers = [threading.Thread(target=self.read_log) for _ in range(20)]
        for reader in readers:
            reader.start()
        try:
            begun = time.monotonic()
            for _ in range(10):
                for action in ("stop", "start"):
                    answer = self.agent.control(
                        "POST", f"/api/v1/processes/p/{action}?supervisor=two&wait=20s")
                    self.assertEqual(answer.status, 200, answer.body)
                answer = self.agent.control("GET", "/api/v1/processes", token="r" * 40)
                self.assertEqual(answer.status, 200, answer.body)
                answer = self.agent.control("POST", "/api/v1/alerts",
                                            {"version": "4", "alerts": []})
                self.assertEqual(answer.status, 200, answer.body)
            self.assertLess(time.monotonic() - begun, 60)
            self.assertTrue(any(reader.is_alive() for reader in readers))
        finally:
            self.one.resume()
            for reader in readers:
                reader.join()


if __name__ == "__main__":
    unittest.main()
