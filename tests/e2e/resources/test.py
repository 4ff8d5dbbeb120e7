"""What programs use, as the agent shows it, is what the kernel says."""

import os
import pathlib
import unittest

from support import Scenario, descendants, until

HERE = pathlib.Path(__file__).parent
# Enough to spend four seconds of CPU: what the kernel tells is rounded down to hundredths, of each
# process and each of user, system, and children's time.
ROUNDS = int(os.environ.get("CHURN_ROUNDS", "25"))

PROGRAMS = f"""
[program:churn]
command=python3 {HERE}/churn.py {ROUNDS} {{folder}}/report
startsecs=0
stopasgroup=true
killasgroup=true
[program:resting]
command=sleep infinity
autostart=false
startsecs=0
"""
CPU = "supervisord_process_cpu_seconds_total"


def resident(pid):
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Resources(Scenario):
    def test_a_forking_program_within_two_per_cent(self):
        supervisord, agent = self.watch(PROGRAMS)
        report = supervisord.folder / "report"
        before = 0

        def churned():
            nonlocal before
            now = sum(agent.samples().find(CPU, name="churn")) or before  # none while it is silent
            self.assertGreaterEqual(now, before)
            before = now
            return report.exists()
        until("the program rests", churned, patience=60 + 2 * ROUNDS)
        until("both of its processes are seen", lambda: agent.samples().one(
            "supervisord_process_tree_size", name="churn") == 2)
        spent = float(report.read_text())
        tree = [supervisord.rpc("getProcessInfo", "churn")["pid"]]
        tree += descendants(tree[0])

        def agrees():
            samples = agent.samples()
            shown = sum(samples.find(CPU, name="churn"))
            memory = samples.one("supervisord_process_resident_memory_bytes", name="churn") or 0
            held = sum(resident(pid) for pid in tree)
            self.last = (f"CPU: {shown} s shown, {spent} s spent; "
                         f"memory: {memory} shown, {held} held")
            return abs(shown - spent) < 0.02 * spent and abs(memory - held) < 0.02 * held
        try:
            until("CPU and memory agree", agrees, patience=20)
        except AssertionError:
            self.fail(self.last)

    def test_each_run_begins_anew_and_a_resting_program_uses_nothing(self):
        supervisord, agent = self.watch(PROGRAMS)
        self.assertEqual(agent.samples().find(CPU, name="resting"), [])
        supervisord.rpc("startProcess", "resting")
        until("it is measured", lambda: len(agent.samples().find(CPU, name="resting")) == 2)
        until("the other has used much", lambda: sum(agent.samples().find(CPU, name="churn")) > 1)
        supervisord.rpc("stopProcess", "churn")
        until("it is gone", lambda: agent.samples().find(CPU, name="churn") == [])
        supervisord.rpc("startProcess", "churn")
        anew = until("it begins anew", lambda: agent.samples().find(CPU, name="churn"))
        self.assertLess(sum(anew), 1)

    def test_nothing_is_shown_where_it_is_not_wanted_or_supervisord_is_silent(self):
        supervisord, agent = self.watch(PROGRAMS)
        until("it is measured", lambda: agent.samples().find(CPU, name="churn"))
        supervisord.pause()
        until("nothing is shown", lambda: agent.samples().find(CPU) == [])
        supervisord.resume()
        until("it is measured again", lambda: agent.samples().find(CPU, name="churn"))
        agent.write_config(agent.config.read_text().replace("metrics:",
                                                            "metrics:\n  resources: off"))
        self.assertEqual(agent.control("POST", "/-/reload").status, 200)
        until("nothing is shown", lambda: agent.samples().find(CPU) == [])

    def test_the_limit_of_open_files_is_raised_for_the_agent(self):
        _, agent = self.watch(PROGRAMS)
        with open(f"/proc/{agent.pid}/limits") as file:
            soft, hard = next(line for line in file if line.startswith("Max open files")).split()[3:5]
        self.assertGreaterEqual(int(soft), min(int(hard), 65536))


if __name__ == "__main__":
    unittest.main()
