"""A person with a token and curl starts, stops and restarts processes."""

import json
import time
import unittest

from support import Agent, Scenario, until

PROGRAMS = """
[program:steady]
command=sleep infinity
startsecs=0
[program:stubborn]
command=sh -c "trap '' TERM; while :; do sleep 0.1; done"
startsecs=0
stopwaitsecs=2
[program:idle]
command=sleep infinity
autostart=false
startsecs=0
[program:pair]
command=sleep infinity
process_name=%(process_num)d
numprocs=2
startsecs=0
[program:broken]
command=/no/such/program
autostart=false
"""


class ControlOverHttp(Scenario):
    def setUp(self):
        self.supervisord, self.agent = self.watch(PROGRAMS)
        until("all is seen", lambda: self.agent.samples().one(
            "supervisord_process_up", name="stubborn") == 1)

    def process(self, name):
        return json.loads(self.agent.control("GET", f"/api/v1/processes/{name}").body)

    def post(self, name, action, query="?wait=20s", body=None, **options):
        return self.agent.control("POST", f"/api/v1/processes/{name}/{action}{query}",
                                   body, **options)

    def assert_problem(self, answer, status):
        self.assertEqual(answer.status, status, answer.body)
        self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
        problem = json.loads(answer.body)
        self.assertEqual(problem["status"], status)
        self.assertTrue(problem["title"] and problem["detail"], problem)

    def test_a_restart_with_wait_answers_when_the_new_run_is_verified(self):
        before = self.supervisord.rpc("getProcessInfo", "steady")
        answer = self.post("steady", "restart")
        self.assertEqual(answer.status, 200, answer.body)
        operation = json.loads(answer.body)
        self.assertEqual((operation["state"], operation["result"]), ("done", "succeeded"))
        after = self.supervisord.rpc("getProcessInfo", "steady")
        self.assertNotEqual(before["pid"], after["pid"])
        self.assertEqual(operation["incarnation_before"], f"{before['pid']}:{before['start']}")
        self.assertEqual(operation["incarnation_after"], f"{after['pid']}:{after['start']}")
        until("metrics show the new run", lambda: self.agent.samples().one(
            "supervisord_process_pid", name="steady") == after["pid"])

    def test_what_is_answered_as_done_a_get_shows(self):
        for _ in range(5):
            after = json.loads(self.post("steady", "restart").body)["incarnation_after"]
            seen = self.process("steady")
            self.assertEqual(f"{seen['pid']}:{seen['start_time']}", after)
            self.assertEqual(self.post("steady", "stop").status, 200)
            self.assertEqual(self.process("steady")["state"], "STOPPED")
            self.assertEqual(self.post("steady", "start").status, 200)
            self.assertEqual(self.process("steady")["state"], "RUNNING")
        group = self.agent.control("POST", "/api/v1/groups/pair/stop?wait=20s")
        self.assertEqual(group.status, 200, group.body)
        self.assertEqual([self.process(f"pair:{n}")["state"] for n in (0, 1)], ["STOPPED"] * 2)

    def test_the_time_that_an_action_took_is_measured(self):
        begun = time.monotonic()
        self.assertEqual(self.post("stubborn", "restart").status, 200)
        took = time.monotonic() - begun
        self.assertGreater(took, 1)  # stopwaitsecs
        seconds = self.agent.samples().one("reeve_action_duration_seconds_sum", action="restart")
        self.assertGreater(seconds, took / 2)
        self.assertLess(seconds, took + 1)

    def test_without_wait_the_operation_is_found_at_its_location(self):
        answer = self.post("idle", "start", query="")
        self.assertEqual(answer.status, 202, answer.body)
        location = answer.headers["Location"]

        def done():
            operation = json.loads(self.agent.control("GET", location).body)
            return operation if operation["state"] == "done" else None
        self.assertEqual(until("it is done", done)["result"], "succeeded")
        self.assertEqual(self.supervisord.state("idle"), "RUNNING")
        listed = json.loads(self.agent.control("GET", "/api/v1/operations").body)
        self.assertIn(location.rsplit("/", 1)[1], [operation["id"] for operation in listed])

    def test_a_start_of_what_runs_and_a_stop_of_what_is_stopped_change_nothing(self):
        for name, action in (("steady", "start"), ("idle", "stop")):
            answer = self.post(name, action)
            self.assertEqual(answer.status, 200, answer.body)
            self.assertIs(json.loads(answer.body)["changed"], False)

    def test_a_group_is_restarted_process_by_process(self):
        def pids():
            return [self.supervisord.rpc("getProcessInfo", f"pair:{each}")["pid"]
                    for each in range(2)]
        before = pids()
        for rolling in (True, False):
            answer = self.agent.control("POST", "/api/v1/groups/pair/restart?wait=20s",
                                        {"rolling": rolling})
            self.assertEqual(answer.status, 200, answer.body)
            operation = json.loads(answer.body)
            self.assertEqual((operation["group"], operation["name"]), ("pair", None))
            self.assertEqual([step["step"] for step in operation["steps"]],
                             ["looked", "member", "member", "finished"])
            self.assertFalse(set(before) & set(pids()))
            before = pids()

    def test_a_stop_and_a_signal(self):
        self.assertEqual(self.post("steady", "stop").status, 200)
        self.assertEqual(self.supervisord.state("steady"), "STOPPED")
        answer = self.post("stubborn", "signal", body={"signal": "HUP"})
        self.assertEqual(answer.status, 200, answer.body)
        self.assertNotEqual(self.post("stubborn", "signal", body={"signal": "KILL"}).status, 200)

    def test_the_list_of_processes(self):
        answer = self.agent.control("GET", "/api/v1/processes")
        self.assertEqual(answer.status, 200)
        self.assertEqual([process["name"] for process in json.loads(answer.body)],
                         ["broken", "idle", "0", "1", "steady", "stubborn"])
        self.assertEqual(self.process("steady")["state"], "RUNNING")

    def test_what_cannot_be_is_answered_with_a_problem(self):
        self.assert_problem(self.post("nobody", "restart"), 404)
        self.assert_problem(self.agent.control("GET", "/api/v1/processes/nobody"), 404)
        self.assert_problem(self.agent.control("PUT", "/api/v1/processes"), 405)
        self.assert_problem(self.post("steady", "restart", body={"if_incarnation": "1:1"}), 412)
        self.assert_problem(self.post("steady", "restart", body="not json", headers={
            "Content-Type": "application/json"}), 400)
        self.assert_problem(self.post("steady", "restart", body="wait=1", headers={
            "Content-Type": "application/x-www-form-urlencoded"}), 415)
        failed = self.post("broken", "start")
        self.assertNotEqual(json.loads(failed.body).get("result"), "succeeded", failed.body)

    def test_who_may_not_is_told_so(self):
        url = "/api/v1/processes"
        self.assert_problem(self.agent.control("GET", url, token="0" * 64), 401)
        self.assert_problem(self.agent.control("GET", url, headers={"Authorization": ""}), 401)
        self.assert_problem(self.agent.control("GET", url, headers={"Host": "evil.example"}), 421)
        self.assert_problem(self.post("steady", "restart", headers={
            "Origin": "https://evil.example"}), 403)
        self.assertEqual(self.supervisord.state("steady"), "RUNNING")

    def test_one_operation_at_a_time_on_a_process(self):
        before = self.supervisord.rpc("getProcessInfo", "stubborn")["pid"]
        self.assertEqual(self.post("stubborn", "restart", query="").status, 202)
        self.assert_problem(self.post("stubborn", "restart"), 409)
        until("it runs again", lambda: (
            self.supervisord.state("stubborn") == "RUNNING"
            and self.supervisord.rpc("getProcessInfo", "stubborn")["pid"] != before))

    def test_a_supervisord_that_is_gone_is_503(self):
        self.supervisord.end()
        until("it is seen", lambda: self.agent.samples().one("supervisord_up") == 0)
        self.assert_problem(self.post("steady", "restart"), 503)


class WhatATokenMay(Scenario):
    def test_scopes_and_allow_lists_bind(self):
        supervisord = self.start_supervisord(PROGRAMS)
        readers = self.workspace.folder / "readers"
        few = self.workspace.folder / "few"
        readers.write_text("r" * 64)
        few.write_text("f" * 64)
        readers.chmod(0o600)
        few.chmod(0o600)
        config = f"""
supervisor: {{url: {supervisord.url}}}
metrics: {{listen: "127.0.0.1:{{metrics}}"}}
control:
  enabled: true
  listen: "127.0.0.1:{{control}}"
  tokens:
    - {{name: readers, file: {readers}, scopes: [read]}}
    - {{name: few, file: {few}, scopes: [read, control], allow: [idle]}}
"""
        agent = self.workspace.start(Agent, self.workspace.folder / "reeve", config)
        path = "/api/v1/processes/{}/start?wait=20s"

        def start(name, token):
            return agent.control("POST", path.format(name), token=token).status
        self.assertEqual(agent.control("GET", "/api/v1/processes", token="r" * 64).status, 200)
        self.assertEqual(start("idle", "r" * 64), 403)
        self.assertEqual(start("steady", "f" * 64), 403)
        self.assertEqual(start("idle", "f" * 64), 200)


if __name__ == "__main__":
    unittest.main()
