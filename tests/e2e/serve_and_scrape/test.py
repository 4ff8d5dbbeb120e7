"""Prometheus sees what supervisord runs."""

import subprocess
import unittest

from support import Prometheus, Scenario, until

PROGRAMS = """
[program:web]
command=sleep infinity
process_name=%(program_name)s_%(process_num)d
numprocs=2
[program:broken]
command=/no/such/program
[program:idle]
command=sleep infinity
autostart=false
"""


class ServeAndScrape(Scenario):
    def test_promtool_finds_nothing_to_say_about_the_page(self):
        supervisord, agent = self.watch(PROGRAMS)
        until("broken is FATAL", lambda: supervisord.state("broken") == "FATAL")
        until("the agent knows", lambda: agent.samples().one(
            "supervisord_process_state", name="broken", state="FATAL") == 1)
        page = agent.get("/metrics")
        self.assertEqual(page.headers["Content-Type"].split(";")[0], "text/plain")
        checked = subprocess.run(["promtool", "check", "metrics"], input=page.body, text=True,
                                 capture_output=True)
        self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, ""))

    def test_prometheus_scrapes_it_with_the_example_configuration(self):
        _, agent = self.watch(PROGRAMS)
        prometheus = self.workspace.start(Prometheus, self.workspace.folder, [agent.metrics_port])
        until("up", lambda: prometheus.query('up{job="reeve"} == 1'))
        running = until("both run", lambda: len(prometheus.query(
            'supervisord_process_up{group="web"} == 1')) == 2)
        self.assertTrue(running)
        until("idle is down", lambda: [each["value"][1] for each in prometheus.query(
            'supervisord_process_up{name="idle"}')] == ["0"])

    def test_several_supervisords_are_told_apart_and_do_not_delay_each_other(self):
        one = self.start_supervisord("[program:only]\ncommand=sleep infinity\n", name="one")
        two = self.start_supervisord("[program:only]\ncommand=sleep infinity\nautostart=false\n",
                               name="two")
        gone = f"unix://{self.workspace.folder}/gone.sock"
        agent = self.start_agent("supervisors:\n" + "".join(
            f"  - {{name: {name}, url: {url}, timeout: 1s}}\n"
            for name, url in (("one", one.url), ("two", two.url), ("gone", gone))))

        def ups():
            samples = agent.samples()
            return [samples.one("supervisord_up", supervisor=name)
                    for name in ("one", "two", "gone")]
        until("two of three are up", lambda: ups() == [1, 1, 0])
        one.pause()
        until("one of three is up", lambda: ups() == [0, 1, 0])
        samples = agent.samples()
        self.assertEqual(samples.find("supervisord_process_up", supervisor="one"), [])
        self.assertEqual(samples.find("supervisord_process_up", supervisor="two"), [0])
        one.resume()
        until("two of three are up again", lambda: ups() == [1, 1, 0])

    def test_a_log_that_tells_nothing_counts_no_exits(self):
        supervisord = self.start_supervisord(
            "[supervisord]\nlogfile=/dev/null\n"
            "[program:crash]\ncommand=sh -c 'sleep 0.2; exit 7'\nstartsecs=0\nautorestart=true\n"
            "[program:out]\ncommand=sleep infinity\nstdout_logfile=/dev/stdout\n"
            "stdout_logfile_maxbytes=0\n")
        agent = self.start_agent(f"supervisor: {{url: {supervisord.url}}}")
        until("restarts are counted", lambda: (agent.samples().one(
            "supervisord_process_restarts_total", name="crash") or 0) > 2)
        samples = agent.samples()
        self.assertEqual(samples.find("supervisord_process_unexpected_exits_total"), [])
        self.assertEqual(samples.one("supervisord_counters_source", source="polls"), 1)
        self.assertEqual(samples.find("supervisord_process_log_bytes", name="out",
                                      stream="stdout"), [])

    def test_the_other_pages(self):
        _, agent = self.watch(PROGRAMS)
        self.assertEqual(agent.get("/-/healthy").status, 200)
        self.assertEqual(agent.get("/-/ready").status, 200)
        self.assertIn("/metrics", agent.get("/").body)
        self.assertEqual(agent.get("/elsewhere").status, 404)


if __name__ == "__main__":
    unittest.main()
