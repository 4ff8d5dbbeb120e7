"""What happened while no agent ran: what the relay has kept counts, once, also after kill -9 of the
agent; what did not fit its buffer is a gap; and how the last runs ended is read from supervisord's
log."""

import os
import signal
import unittest

from support import REEVE, Agent, Scenario, stanza, until

PROGRAMS = """
[program:web]
command=sleep infinity
startsecs=0
[program:worker]
command=sleep infinity
startsecs=0
"""
RESTARTS = "supervisord_process_restarts_total"
# One event takes 16 KiB of the relay's 8 MiB at most.
TOO_MANY_EVENTS = 600
LONG_DATA = "x" * 20000

ENDED = """
[program:broken]
command=/bin/sh -c "exit 3"
startsecs=1
startretries=0
[program:once]
command=/bin/sh -c "exit 4"
startsecs=0
autorestart=false
[program:killed]
command=/bin/sh -c "kill -9 $$"
startsecs=0
autorestart=false
[program:again]
command=sleep infinity
startsecs=0
autorestart=true
[program:stopped]
command=sleep infinity
startsecs=0
"""


class BeforeTheAgent(Scenario):
    def start_relay(self):
        self.socket = self.workspace.folder / "events.sock"
        relay = stanza("reeve-relay.conf", f"{REEVE} relay-events --socket {self.socket}")
        self.supervisord = self.start_supervisord(PROGRAMS + relay)

    def next_agent(self, name, events):
        config = (f"supervisor: {{url: {self.supervisord.url}}}\nevents: {{{events}}}\n"
                  "poll: {interval: 1s}\n" + Agent.LISTENERS)
        return self.workspace.start(Agent, self.workspace.folder / name, config)

    def relayed_agent(self, name):
        agent = self.next_agent(name, f"main_log: off, socket: {self.socket}")
        until("events feed the counters", lambda: agent.samples().one(
            "supervisord_counters_source", source="events") == 1)
        return agent

    def pid(self, name):
        return self.supervisord.rpc("getProcessInfo", name)["pid"]

    def crash(self, name, times=1):
        for _ in range(times):
            before = self.pid(name)
            os.kill(before, signal.SIGKILL)
            until("it runs again", lambda: self.pid(name) not in (0, before))

    def restarts(self, agent):
        samples = agent.samples()
        return {name: samples.one(RESTARTS, name=name) for name in ("web", "worker")}

    def lost(self, agent):
        samples = agent.samples()
        return (sum(samples.find("reeve_events_lost_total")),
                samples.one("supervisord_counters_gaps_total", source="events"))

    def test_what_no_agent_has_acknowledged_counts_once(self):
        self.start_relay()
        first = self.relayed_agent("first")
        self.crash("web")
        until("it is counted", lambda: self.restarts(first)["web"] == 1)
        first.signal(signal.SIGKILL)
        first.wait()
        self.crash("web", 6)
        self.crash("worker", 14)
        second = self.relayed_agent("second")
        self.assertEqual(self.restarts(second), {"web": 6, "worker": 14})
        self.assertEqual(self.lost(second), (0, 0))
        self.crash("worker")
        until("it is counted", lambda: self.restarts(second)["worker"] == 15)
        second.signal(signal.SIGKILL)
        second.wait()
        third = self.relayed_agent("third")
        self.crash("web")
        until("it is counted", lambda: self.restarts(third)["web"] > 0)
        self.assertEqual(self.restarts(third), {"web": 1, "worker": 0})
        self.assertEqual(self.lost(third), (0, 0))

    def test_what_did_not_fit_is_a_gap(self):
        self.start_relay()
        self.crash("web", 2)
        for _ in range(TOO_MANY_EVENTS):
            self.supervisord.rpc("sendRemoteCommEvent", "noise", LONG_DATA)
        agent = self.relayed_agent("reeve")
        lost, gaps = self.lost(agent)
        self.assertGreater(lost, 0)
        self.assertEqual(gaps, 1)

    def test_how_the_last_runs_ended(self):
        self.supervisord = self.start_supervisord(ENDED)
        until("broken is given up", lambda: self.supervisord.state("broken") == "FATAL")
        until("killed has ended", lambda: self.supervisord.state("killed") == "EXITED")
        until("again runs", lambda: self.supervisord.state("again") == "RUNNING")
        self.crash("again")
        self.supervisord.rpc("stopProcess", "stopped")
        agent = self.next_agent("reeve", "main_log: on")
        ends = {"broken": (3, None), "once": (4, None), "killed": (-1, 9), "again": (-1, 9),
                "stopped": (-1, 15)}

        def shown():
            samples = agent.samples()
            return {name: tuple(samples.one(f"supervisord_process_exit_{what}", name=name)
                                for what in ("status", "signal")) for name in ends}

        until("all ends are shown", lambda: shown() == ends)
        self.assertEqual(sum(agent.samples().find(RESTARTS)), 0)


if __name__ == "__main__":
    unittest.main()
