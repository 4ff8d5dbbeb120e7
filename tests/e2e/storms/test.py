"""Storms of clients that do not read, or look honest and are slow: scrapes and right tokens are
answered all the same, from the first moment on."""

import os
import pathlib
import unittest

import storm_clients
from support import Scenario, until

BOUND = 5  # seconds: far more than it takes, far less than a place that never becomes free
SECONDS = 4
PROGRAMS = "[program:p]\ncommand=sleep infinity\nnumprocs=40\nprocess_name=p%(process_num)02d\n"


def open_sockets(pid):
    links = [os.readlink(path) for path in pathlib.Path(f"/proc/{pid}/fd").iterdir()]
    return sum(link.startswith("socket:") for link in links)


class Storms(Scenario):
    def check(self, storm):
        storm_clients.raise_file_limit()
        _, agent = self.watch(PROGRAMS)
        with storm_clients.raging(storm, agent, SECONDS + 30):
            seen = storm_clients.watch(agent, SECONDS, BOUND)
            for listener in ("metrics", "control"):
                mine = [each for each in seen if each.listener == listener]
                self.assertEqual([each for each in mine if each.status != 200], [])
                self.assertGreater(len(mine), 0)
        after = until("the storm is over", agent.samples)
        for listener in ("metrics", "control"):
            def counted(name):
                return sum(after.find(f"reeve_http_{name}_connections_total", listener=listener))
            self.assertGreater(counted("evicted"), 100)
            self.assertEqual(counted("rejected"), 0)
        until("no connection of the storm is left", lambda: open_sockets(agent.pid) < 20)

    def test_clients_that_read_nothing(self):
        self.check("deaf")

    def test_clients_that_look_honest(self):
        self.check("honest-looking")


if __name__ == "__main__":
    unittest.main()
