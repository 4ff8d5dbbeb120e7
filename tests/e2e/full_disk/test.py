"""An agent whose state can no longer be written, by a limit on the size of files: it refuses to act,
says so, and goes on once there is room."""

import json
import resource
import unittest

from support import Scenario, until

PROGRAMS = """
[program:web]
command=sleep infinity
startsecs=0
"""


class FullDisk(Scenario):
    def setUp(self):
        self.supervisord, self.agent = self.watch(PROGRAMS)
        until("it is seen", lambda: self.agent.samples().one("supervisord_process_up") == 1)

    def limit_files(self, size):
        _, hard = resource.prlimit(self.agent.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.agent.pid, resource.RLIMIT_FSIZE, (size, hard))

    def restart(self):
        return self.agent.control("POST", "/api/v1/processes/web/restart?wait=20s")

    def test_a_write_beyond_the_limit_is_refused_and_ends_nothing(self):
        before = self.supervisord.rpc("getProcessInfo", "web")["pid"]
        self.limit_files(0)
        answer = self.restart()
        self.assertEqual(answer.status, 500, answer.body)
        self.assertEqual(json.loads(answer.body)["type"], "urn:reeve:problem:not_recorded")
        self.assertEqual(self.supervisord.rpc("getProcessInfo", "web")["pid"], before)
        self.assertTrue(self.agent.running())
        self.limit_files(resource.RLIM_INFINITY)
        self.assertEqual(self.restart().status, 200)


if __name__ == "__main__":
    unittest.main()
