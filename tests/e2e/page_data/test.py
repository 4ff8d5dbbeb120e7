"""What a page shows and does beyond single processes: history, resources, batches, an update of
supervisord's configuration, and decisions, against a real supervisord."""

import json
import os
import unittest

from support import Scenario, until

PROGRAMS = """
[program:steady]
command=sleep infinity
startsecs=0
[program:other]
command=sleep infinity
startsecs=0
[program:crasher]
command=sh -c 'exit 3'
autostart=false
autorestart=false
startsecs=0
"""
FRESH = """
[program:fresh]
command=sleep infinity
startsecs=0
"""


class PageData(Scenario):
    def setUp(self):
        self.supervisord, self.agent = self.watch(PROGRAMS)
        until("all is seen", lambda: self.agent.samples().one(
            "supervisord_process_up", name="steady") == 1)

    def get(self, path):
        answer = self.agent.control("GET", f"/api/v1/{path}")
        self.assertEqual(answer.status, 200, answer.body)
        return json.loads(answer.body)

    def post(self, path, body=None):
        answer = self.agent.control("POST", f"/api/v1/{path}", body)
        self.assertEqual(answer.status, 200, answer.body)
        return json.loads(answer.body)

    def transitions(self, name):
        return self.get(f"processes/{name}/history")["transitions"]

    def test_history_says_who_did_it_and_how_it_ended(self):
        done = self.post("processes/steady/restart?wait=20s", {"reason": "new certificate"})
        mine = until("the restart is in the history", lambda: [
            each for each in self.transitions("steady")
            if each["operation"] == done["id"] and each["to"] == "RUNNING"])[-1]
        self.assertEqual((mine["cause"], mine["actor"], mine["reason"]),
                         ("operation", done["actor"], "new certificate"))
        self.assertEqual(f"{mine['pid']}:{mine['start_time']}", done["incarnation_after"])
        self.supervisord.rpc("startProcess", "crasher", False)
        crash = until("the crash is in the history", lambda: [
            each for each in self.transitions("crasher") if each["to"] == "EXITED"
            and each["exit_status"] == 3])[-1]
        self.assertIs(crash["expected"], False)
        self.assertNotEqual(crash["cause"], "operation")
        day = self.get("processes/steady/history")["day"]
        self.assertEqual((day["slot_seconds"], len(day["up"])), (900, 96))
        self.assertTrue(any(share for share in day["up"]), day)

    def test_a_batch_is_one_operation_with_members(self):
        before = {name: self.get(f"processes/{name}")["pid"] for name in ("steady", "other")}
        done = self.post("actions?wait=20s", {"action": "restart",
                                              "processes": ["steady", "other"]})
        self.assertEqual((done["result"], len(done["members"])), ("succeeded", 2))
        for name, pid in before.items():
            self.assertNotEqual(self.get(f"processes/{name}")["pid"], pid)
        decided = self.get("processes/other/decisions")
        self.assertEqual([(each["name"], each["result"]) for each in decided],
                         [("other", "succeeded")])
        self.assertIn(decided[0]["operation"], done["members"])

    def test_an_update_takes_over_what_has_changed(self):
        config = self.supervisord.config
        text = config.read_text()
        self.assertIn("[program:other]", text)
        config.write_text(text.replace("[program:other]\ncommand=sleep infinity",
                                       "[program:other]\ncommand=sleep 100000") + FRESH)
        changes = self.get("configuration/changes")
        self.assertEqual(changes, {"added": ["fresh"], "changed": ["other"], "removed": []})
        before = self.supervisord.rpc("getProcessInfo", "other")["pid"]
        done = self.post("configuration/update?wait=30s", {"reason": "deploy"})
        self.assertEqual((done["action"], done["result"], done["changed"]),
                         ("update", "succeeded", True))
        self.assertEqual(self.supervisord.state("fresh"), "RUNNING")
        self.assertNotEqual(self.supervisord.rpc("getProcessInfo", "other")["pid"], before)
        self.assertEqual(self.get("configuration/changes"),
                         {"added": [], "changed": [], "removed": []})
        until("fresh is listed", lambda: self.agent.control(
            "GET", "/api/v1/processes/fresh").status == 200)

    @unittest.skipUnless(os.path.isdir("/proc/self"), "there is no /proc")
    def test_resources_are_those_of_the_metrics(self):
        resources = until("they are measured",
                          lambda: self.get("processes/steady")["resources"])
        self.assertEqual(resources["threads"], 1)
        self.assertGreater(resources["resident_memory_bytes"], 0)
        self.assertGreaterEqual(resources["cpu_seconds_total"], 0)


if __name__ == "__main__":
    unittest.main()
