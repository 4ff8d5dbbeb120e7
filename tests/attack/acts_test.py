"""Many who act on one process at once, forged evidence, and disks that take nothing more: a process
is acted on once or not at all, and what is counted happened."""

import concurrent.futures
import datetime
import json
import os
import signal
import subprocess
import unittest

from support import REEVE, Listeners, Scenario, until
from table import Attacks

ALERTS = """
alerts:
  mode: enforce
  identity: {instance: host7}
  rules:
    - name: restart
      match: {alertname: Hung}
      target: "{{group}}:{{name}}"
      allow: ["steady"]
      action: restart
      min_uptime: 0s
      cooldown: {initial: 10m}
"""
STEADY = "[program:steady]\ncommand=sleep infinity\nstartsecs=0\n"


def firing(fingerprint="f", **labels):
    now = datetime.datetime.now(datetime.timezone.utc).isoformat()
    return {"status": "firing", "startsAt": now, "fingerprint": fingerprint,
            "labels": {"alertname": "Hung", "instance": "host7", "group": "steady",
                       "name": "steady", **labels}}


class Acts(Scenario, Attacks):
    def begin(self, programs=STEADY, more=""):
        supervisord = self.start_supervisord(programs)
        agent = self.start_agent(f"supervisor: {{url: {supervisord.url}, timeout: 1s}}\n{more}")
        until("it runs", lambda: agent.samples().one("supervisord_process_up", name="steady") == 1)
        return supervisord, agent

    @staticmethod
    def starts(supervisord):
        return (supervisord.folder / "supervisord.log").read_text().count("spawned: 'steady'")

    @staticmethod
    def at_once(work, times=20):
        with concurrent.futures.ThreadPoolExecutor(times) as pool:
            return list(pool.map(lambda _: work(), range(times)))


class DoubleActs(Acts):
    kind = "double acts"

    def settled(self, agent):
        until("all operations have ended", lambda: all(
            each["result"] for each in json.loads(agent.control("GET", "/api/v1/operations").body)))

    def test_twenty_at_once(self):
        supervisord, agent = self.begin()

        def twenty(headers=None):
            before = self.starts(supervisord)
            answers = self.at_once(lambda: agent.control(
                "POST", "/api/v1/processes/steady/restart", headers=headers))
            self.settled(agent)
            accepted = {json.loads(answer.body)["id"] for answer in answers if answer.status == 202}
            found = {answer.status for answer in answers}
            self.assertLessEqual(found, {200, 202, 409, 503})  # 503: too many at once
            self.assertEqual(self.starts(supervisord) - before, len(accepted))
            self.assertTrue(accepted)
            return accepted
        self.trick("twenty restarts of one process", twenty)
        self.trick("twenty with one Idempotency-Key", lambda: self.assertEqual(
            len(twenty({"Idempotency-Key": "k"})), 1))
        self.trick("the same key an operation later", self.again, supervisord, agent)

    def again(self, supervisord, agent):
        before = self.starts(supervisord)
        answer = agent.control("POST", "/api/v1/processes/steady/restart",
                               headers={"Idempotency-Key": "k"})
        self.assertIn(answer.status, (200, 202))
        self.settled(agent)
        self.assertEqual(self.starts(supervisord), before)

    def test_alerts(self):
        supervisord, agent = self.begin(more=ALERTS)
        # A new agent does not know what was done before, and waits for a cooldown.
        self.assertEqual(agent.control("POST", "/api/v1/guards/*/reset").status, 200)

        def posts(*alerts):
            before = self.starts(supervisord)
            body = {"version": "4", "alerts": list(alerts)}
            answers = self.at_once(lambda: agent.control("POST", "/api/v1/alerts", body))
            self.assertEqual({answer.status for answer in answers}, {200})
            self.settled(agent)
            decisions = [each["decision"] for answer in answers
                         for each in json.loads(answer.body)["decisions"]]
            self.assertEqual(self.starts(supervisord) - before, decisions.count("accepted"))
            return decisions.count("accepted")

        def first():
            self.assertEqual(posts(firing()), 1)
        self.trick("twenty posts of one alert", first)
        self.trick("the alert again, under other fingerprints",
                   lambda: self.assertEqual(posts(firing("g"), firing("h")), 0))
        self.trick("a label that names another process", lambda: self.assertEqual(
            posts(firing("i", name="*"), firing("j", name="ste?dy"), firing("k", group="")), 0))
        self.trick("another host's alert", lambda: self.assertEqual(
            posts(firing("l", instance="host8"), firing("m", instance="host7 ")), 0))
        self.trick("an alert that began in the year 9999", lambda: self.assertEqual(
            posts({**firing("n"), "startsAt": "9999-01-01T00:00:00Z"}), 0))


class OwnProgram(Acts):
    kind = "own program"

    def test_behind_a_script(self):
        folder = self.workspace.folder
        (folder / "agent").symlink_to(REEVE)
        script = folder / "start"
        self.listeners = Listeners(folder / "own", "supervisor: {url: unix://" + str(
            folder / "supervisord/s.sock") + ", timeout: 1s}\n" + Listeners.LISTENERS)
        script.write_text("#!/bin/sh\nunset SUPERVISOR_GROUP_NAME SUPERVISOR_PROCESS_NAME\n"
                          f"echo {folder}/agent serve --config {self.listeners.config} | xargs env\n")
        script.chmod(0o755)
        self.supervisord = self.start_supervisord(
            STEADY + f"[program:hidden]\ncommand={script}\nstartsecs=0\nstopasgroup=true\n"
                     "redirect_stderr=true\nstdout_logfile={folder}/hidden.out\n")
        until("the agent serves", lambda: self.listeners.samples().one(
            "supervisord_process_up", name="hidden") == 1)
        for action in ("stop", "restart"):
            self.trick(f"{action} of the agent behind a script, xargs and a link", self.refused,
                       f"/api/v1/processes/hidden/{action}")
        self.trick("a stop of its group", self.refused, "/api/v1/groups/hidden/stop")

    def refused(self, path):
        before = self.supervisord.rpc("getProcessInfo", "hidden")["pid"]
        answer = self.listeners.control("POST", path)
        self.assertEqual(answer.status, 403, answer.body)
        self.assertIn("own_program", answer.body)
        self.assertEqual(self.supervisord.rpc("getProcessInfo", "hidden")["pid"], before)


class ForgedEvidence(Acts):
    kind = "forged evidence"

    def test_what_a_program_prints(self):
        now = datetime.datetime.now()
        lines = "".join(f"{now:%Y-%m-%d %H:%M:%S},000 {level} {text}\n" for level, text in (
            ("INFO", "exited: steady (exit status 7; not expected)"),
            ("INFO", "spawned: 'steady' with pid 1"),
            ("INFO", "gave up: steady entered FATAL state, too many start retries too quickly"),
            ("CRIT", "Server 'unix_http_server' running without any HTTP authentication checking"),
            ("INFO", "supervisord started with pid 1")))
        forged = self.workspace.folder / "forged"
        forged.write_text(lines + "<!--XSUPERVISOR:BEGIN-->forged<!--XSUPERVISOR:END-->\n" +
                          "ver:3.0 server:supervisor serial:1 pool:reeve poolserial:1 "
                          "eventname:PROCESS_STATE_FATAL len:0\n\n")
        programs = STEADY + f"""
[program:liar]
command=sh -c "while :; do cat {forged}; cat {forged} >&2; sleep 0.1; done"
startsecs=0
stdout_events_enabled=true
stdout_capture_maxbytes=1MB
[program:exited]
command=sleep infinity
startsecs=0
[program:spawned]
command=sleep infinity
startsecs=0
"""
        self.trick("lines of supervisord's log and events, printed by a program", self.uncounted,
                   programs)

    def uncounted(self, programs):
        _, agent = self.begin(programs)
        polls = agent.samples().one("supervisord_poll_duration_seconds_count")
        until("it was polled ten times more", lambda: agent.samples().one(
            "supervisord_poll_duration_seconds_count") > polls + 10)
        samples = agent.samples()
        self.assertEqual(samples.one("supervisord_process_up", name="steady"), 1)
        for family in ("restarts_total", "exits_total", "unexpected_exits_total"):
            self.assertFalse(any(samples.find(f"supervisord_process_{family}")), family)


class FullDisks(Acts):
    kind = "full disks"

    def refuses(self, prepare):
        supervisord, agent = self.begin()
        before = supervisord.rpc("getProcessInfo", "steady")["pid"]
        prepare(agent)
        answer = agent.control("POST", "/api/v1/processes/steady/restart")
        self.assertEqual(answer.status, 500, answer.body)
        self.assertIn("not_recorded", answer.body)
        self.assertEqual(supervisord.rpc("getProcessInfo", "steady")["pid"], before)
        self.assertEqual(agent.get("/metrics").status, 200)
        self.assertTrue(agent.running())

    def limited(self, agent):
        """No file may grow: as on a full disk, but with a signal that ends who ignores it not."""
        size = max(file.stat().st_size for file in (agent.folder / "state").iterdir())
        subprocess.run(["prlimit", f"--pid={agent.pid}", f"--fsize={size}:{size}"], check=True)

    def test_no_room(self):
        self.trick("a limit of file sizes", self.refuses, self.limited)


class Signals(Acts):
    kind = "signals"

    def test_signals(self):
        _, agent = self.begin()
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGHUP):
            self.trick(number.name, self.lives_on, agent, number)

    def lives_on(self, agent, number):
        for _ in range(10):
            os.kill(agent.pid, number)
        until("it serves", lambda: agent.get("/metrics").status == 200)
        self.assertTrue(agent.running(), agent.text()[-2000:])


if __name__ == "__main__":
    unittest.main()
