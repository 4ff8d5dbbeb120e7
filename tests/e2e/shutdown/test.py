"""The agent ends in bounded time, whatever it was doing."""

import json
import os
import signal
import socket
import threading
import unittest

from support import Agent, Scenario, until

PROGRAMS = """
[program:steady]
command=sleep infinity
[program:stubborn]
command=sh -c "trap '' TERM; while :; do sleep 0.1; done"
startsecs=0
stopwaitsecs=3
"""


class Shutdown(Scenario):
    def ends_well(self, agent, number=signal.SIGTERM):
        agent.signal(number)
        self.assertEqual(agent.wait(), 0, agent.text())

    def test_on_either_signal(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            supervisord = self.start_supervisord(PROGRAMS, name=f"supervisord-{number}")
            agent = self.start_agent(f"supervisor: {{url: {supervisord.url}}}", name=f"reeve-{number}")
            self.ends_well(agent, number)
            self.assertIn(supervisord.state("steady"), ("STARTING", "RUNNING"))

    def test_while_supervisord_hangs(self):
        supervisord, agent = self.watch(PROGRAMS)
        supervisord.pause()
        until("it is seen", lambda: agent.samples().one("supervisord_up") == 0)
        self.ends_well(agent)

    def test_with_clients_that_say_nothing(self):
        _, agent = self.watch(PROGRAMS)
        for port in (agent.metrics_port, agent.control_port):
            for _ in range(20):
                client = socket.create_connection(("127.0.0.1", port))
                self.addCleanup(client.close)
        self.ends_well(agent)

    def test_a_restart_that_has_stopped_its_process_starts_it_again_first(self):
        supervisord, agent = self.watch(PROGRAMS)
        before = supervisord.rpc("getProcessInfo", "stubborn")["pid"]
        answers = []
        client = threading.Thread(target=lambda: answers.append(
            agent.control("POST", "/api/v1/processes/stubborn/restart?wait=20s")))
        client.start()
        until("it stops", lambda: supervisord.state("stubborn") == "STOPPING")
        self.ends_well(agent)
        self.assertEqual(supervisord.state("stubborn"), "RUNNING")
        self.assertNotEqual(supervisord.rpc("getProcessInfo", "stubborn")["pid"], before)
        client.join()
        # Who waits is told before the listener closes.
        self.assertEqual([answer.status for answer in answers], [200])
        self.assertEqual(json.loads(answers[0].body)["result"], "succeeded")


class Notify(Scenario):
    def test_systemd_is_told_when_it_is_ready_and_when_it_stops(self):
        path = str(self.workspace.folder / "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
            systemd.bind(path)
            systemd.settimeout(20)
            os.environ["NOTIFY_SOCKET"] = path
            self.addCleanup(os.environ.pop, "NOTIFY_SOCKET")
            agent = self.workspace.start(Agent, self.workspace.folder / "reeve", Agent.LISTENERS)
            self.assertIn(b"READY=1", systemd.recv(4096))
            agent.signal(signal.SIGTERM)
            self.assertIn(b"STOPPING=1", systemd.recv(4096))


if __name__ == "__main__":
    unittest.main()
