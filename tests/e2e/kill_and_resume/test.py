"""The agent is killed at each step of a restart, and started again."""

import json
import signal
import unittest

from support import Agent, Scenario, until

PROGRAMS = """
[program:job]
command=sh -c "echo run >> {folder}/runs; trap 'until test -e {folder}/go; do sleep 0.02; done; exit' TERM; while :; do sleep 0.02; done"
startsecs=1
stopwaitsecs=60
"""

#: Behind these the stop was asked for: the process must run again.
STOP_ASKED_FOR = ("stopped", "start_requested", "started", "finished")


class KillAndResume(Scenario):
    def setUp(self):
        self.supervisord, self.agent = self.watch(PROGRAMS)
        until("it runs", lambda: self.supervisord.state("job") == "RUNNING")
        until("that is seen", lambda: self.agent.samples().one(
            "supervisord_process_up", name="job") == 1)

    def go(self, may):
        """Lets the program end when it is asked to, or not."""
        file = self.supervisord.folder / "go"
        file.touch() if may else file.unlink(missing_ok=True)

    def runs(self):
        return len((self.supervisord.folder / "runs").read_text().splitlines())

    def journal(self):
        """The last state of each operation, by its id."""
        lines = (self.agent.folder / "state/journal.jsonl").read_text().split("\n")[:-1]
        return {entry["id"]: entry for entry in map(json.loads, lines)}

    def steps(self):
        entries = list(self.journal().values())
        return [step["step"] for step in entries[0].get("steps", [])] if entries else []

    def post(self, **more):
        return self.agent.control("POST", "/api/v1/processes/job/restart",
                                  {"reason": "a test", **more})

    def start_again(self):
        """Another run of the agent, on what the one before left."""
        before = self.agent
        self.agent = self.workspace.start(Agent, before.folder, before.config.read_text(),
                                          before.metrics_port, before.control_port)

    def operations(self):
        return json.loads(self.agent.control("GET", "/api/v1/operations").body)

    def ended(self):
        """The only operation, once it is done."""
        def done():
            operations = self.operations()
            return operations[0] if operations[0]["state"] == "done" else None
        return until("the operation is done", done)

    def record(self):
        lines = (self.agent.folder / "state/audit.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]

    def kill(self):
        self.agent.signal(signal.SIGKILL)
        self.agent.wait()

    def kill_in_stop(self):
        """The stop was asked for; the program takes its time."""
        self.assertEqual(self.post().status, 202)
        until("it stops", lambda: self.supervisord.state("job") == "STOPPING")
        self.kill()
        self.assertEqual(self.steps()[-1], "stop_requested")

    def test_before_anything_was_asked_for_nothing_is_done(self):
        self.assertEqual(self.post(dry_run=True).status, 200)  # the list of programs is known now
        self.supervisord.pause()
        self.assertEqual(self.post().status, 202)
        self.kill()
        self.assertLessEqual(len(self.steps()), 1)
        self.supervisord.resume()
        self.start_again()
        operation = self.ended()
        self.assertEqual(operation["result"], "abandoned", operation)
        self.assertEqual((self.supervisord.state("job"), self.runs()), ("RUNNING", 1))
        self.assertEqual(self.record()[-1]["result"], "abandoned")

    def test_while_it_stops_the_restart_is_finished(self):
        self.kill_in_stop()
        self.start_again()
        self.go(True)
        self.assert_finished()

    def test_once_it_is_stopped_the_restart_is_finished(self):
        self.kill_in_stop()
        self.go(True)
        until("it is stopped", lambda: self.supervisord.state("job") == "STOPPED")
        self.start_again()
        self.assert_finished()

    def test_killed_again_and_again_it_is_started_once(self):
        self.kill_in_stop()
        for _ in range(3):
            self.start_again()
            until("it goes on", lambda: "resumed" in self.steps())
            self.kill()
        self.go(True)
        self.start_again()
        self.assert_finished()

    def test_while_it_starts_it_is_not_started_again(self):
        self.go(True)
        self.assertEqual(self.post().status, 202)
        until("it starts", lambda: self.supervisord.state("job") == "STARTING")
        self.kill()
        self.assertEqual(self.steps()[-1], "start_requested")
        self.start_again()
        self.assert_finished()

    def test_at_whatever_step_it_ends_well(self):
        """Killed as soon as a step is on the disk: what comes first afterwards is chance."""
        self.go(True)
        for step in ("looked", "stop_requested", "stopped", "start_requested", "started",
                     "finished"):
            with self.subTest(step):
                runs = self.runs()
                self.assertEqual(self.post().status, 202)
                newest = max(self.journal())
                until(f"{step} is on the disk", lambda: step in json.dumps(
                    self.journal()[newest].get("steps", [])))
                self.kill()
                reached = [each["step"] for each in self.journal()[newest]["steps"]]
                self.start_again()
                done = until("all is done", lambda: all(
                    each["state"] == "done" for each in self.operations()))
                self.assertTrue(done)
                until("it runs", lambda: self.supervisord.state("job") == "RUNNING")
                self.assertLessEqual(self.runs(), runs + 1)
                if any(each in STOP_ASKED_FOR for each in reached):
                    self.assertEqual(self.runs(), runs + 1, reached)

    def test_what_a_person_did_meanwhile_wins(self):
        self.kill_in_stop()
        self.go(True)
        until("it is stopped", lambda: self.supervisord.state("job") == "STOPPED")
        self.supervisord.rpc("startProcess", "job")
        self.supervisord.rpc("stopProcess", "job")
        runs = self.runs()
        self.start_again()
        operation = self.ended()
        self.assertEqual(operation["result"], "abandoned", operation)
        self.assertEqual((self.supervisord.state("job"), self.runs()), ("STOPPED", runs))
        self.assertIn("another client started it", self.record()[-1]["reason"])

    def test_a_supervisord_that_is_not_there_yet_is_waited_for(self):
        self.kill_in_stop()
        self.go(True)
        until("it is stopped", lambda: self.supervisord.state("job") == "STOPPED")
        self.supervisord.pause()
        self.start_again()
        self.assertNotEqual(self.operations()[0]["state"], "done")
        self.supervisord.resume()
        self.assert_finished()

    def test_a_second_agent_does_not_take_the_same_state(self):
        second = Agent(self.agent.folder, self.agent.config.read_text(), self.agent.metrics_port,
                       self.agent.control_port)
        self.addCleanup(second.end)
        self.assertEqual(second.wait(), 1)
        self.assertIn("in use by another agent", second.text())

    def assert_finished(self):
        operation = self.ended()
        self.assertEqual(operation["result"], "succeeded", operation)
        self.assertIn("resumed", [step["step"] for step in operation["steps"]])
        self.assertEqual((self.supervisord.state("job"), self.runs()), ("RUNNING", 2))
        entry = self.record()[-1]
        self.assertEqual((entry["operation"], entry["result"], entry["reason"]),
                         (operation["id"], "succeeded", "a test"))


if __name__ == "__main__":
    unittest.main()
