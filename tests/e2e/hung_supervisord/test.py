"""A supervisord that does not answer is reported down; nothing waits for it."""

import statistics
import time
import unittest

from support import Scenario, until


TIMEOUT = 1  # of a call, in seconds, as watch() sets it
INTERVAL = 0.2
SLACK = 5  # for a machine that is busy with other tests


class HungSupervisord(Scenario):
    def measure_scrapes(self, agent, count=100):
        took = []
        for _ in range(count):
            begun = time.perf_counter()
            self.assertEqual(agent.get("/metrics").status, 200)
            took.append((time.perf_counter() - begun) * 1000)
        print(f"{count} scrapes while supervisord hangs: median {statistics.median(took):.1f} ms,"
              f" worst {max(took):.1f} ms", flush=True)
        self.assertLess(statistics.median(took), TIMEOUT * 1000 / 2)  # none waits for supervisord

    def test_scrapes_go_on_while_it_hangs_and_all_is_back_when_it_wakes(self):
        supervisord, agent = self.watch("[program:steady]\ncommand=sleep infinity\n")

        def answered(up):
            page = agent.get("/metrics", timeout=1)  # far below any patience with supervisord
            self.assertEqual(page.status, 200)
            samples = agent.samples()
            return samples if samples.one("supervisord_up") == up else None

        until("steady runs", lambda: agent.samples().one("supervisord_process_up") == 1)
        supervisord.pause()
        down = until("it is reported down", lambda: answered(0), patience=TIMEOUT + INTERVAL + SLACK)
        self.measure_scrapes(agent)
        self.assertEqual(down.find("supervisord_process_up"), [])
        self.assertEqual(down.find("supervisord_process_state"), [])
        self.assertEqual(down.find("supervisord_group_processes"), [])
        self.assertEqual(len(down.find("supervisord_process_restarts_total")), 1)
        until("the next poll has failed, too", lambda: sum(agent.samples().find(
            "supervisord_poll_failures_total")) > 0)
        supervisord.resume()
        back = until("it is back", lambda: answered(1), patience=INTERVAL + SLACK)
        self.assertEqual(back.one("supervisord_process_up", name="steady"), 1)
        self.assertEqual(back.one("supervisord_process_restarts_total", name="steady"), 0)

    def test_a_supervisord_that_is_killed_and_comes_again_is_seen_to_have_restarted(self):
        programs = "[program:steady]\ncommand=sleep infinity\n"
        supervisord, agent = self.watch(programs)
        supervisord.end()
        until("it is reported down", lambda: agent.samples().one("supervisord_up") == 0)
        self.start_supervisord(programs)
        until("it is back", lambda: agent.samples().one("supervisord_up") == 1)
        until("and runs its program", lambda: agent.samples().one("supervisord_process_up") == 1)
        self.assertEqual(agent.samples().one("supervisord_restarts_total"), 1)


if __name__ == "__main__":
    unittest.main()
