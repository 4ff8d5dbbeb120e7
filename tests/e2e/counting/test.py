"""Under crash loops every start and every exit is counted, as often as supervisord's own log says,
by whatever the agent counts: supervisord's events on its standard input or over a relay, the log,
or both. COUNTING_SECONDS makes the loops last longer."""

import collections
import os
import re
import signal
import threading
import time
import unittest
import xmlrpc.client

from support import REEVE, Agent, Listeners, Scenario, stanza, until

SECONDS = float(os.environ.get("COUNTING_SECONDS", "6"))

LOOP = """
[program:{name}]
command=/bin/sh -c "sleep 0.1; {end}"
autostart=false
autorestart=true
startsecs={startsecs}
startretries=1000
"""
ENDS = {"one": "exit 1", "three": "exit 3", "fine": "exit 0", "killed": "kill -9 $$",
        "quick": "exit 7"}
PROGRAMS = "".join(LOOP.format(name=name, end=end, startsecs=int(name == "quick"))
                   for name, end in ENDS.items())
BURST = """
[program:many]
command=sleep infinity
process_name=%(program_name)s_%(process_num)03d
numprocs=300
autostart=false
startsecs=0
"""
EXIT = {"one": (1, None), "three": (3, None), "fine": (0, None), "killed": (-1, 9),
        "quick": (7, None)}

COUNTERS = [f"supervisord_process_{what}_total"
            for what in ("starts", "restarts", "unexpected_exits")]

SPAWNED = re.compile(r"spawned: '(\w+)' with pid")
UNEXPECTED = re.compile(r"exited: (\w+) \(.*not expected\)")


class Counting(Scenario):
    def listen(self, main_log):
        """supervisord runs the agent as its listener."""
        folder = self.workspace.folder / "reeve"
        self.agent = Listeners(folder, self.config(f"main_log: {main_log}"))
        self.supervisord = self.start_supervisord(
            PROGRAMS + stanza("reeve-listener.conf", f"{REEVE} serve --config {self.agent.config}"))
        until("the agent is up", self.agent.up)

    def config(self, events, url=None):
        supervisor = f"supervisor: {{url: {url}}}\n" if url else ""
        return supervisor + f"events: {{{events}}}\npoll: {{interval: 5s}}\n" + Agent.LISTENERS

    def counters(self, family):
        found = collections.Counter()
        for name, labels, value in self.agent.samples():
            if name == family and labels["name"] in ENDS:
                found[labels["name"]] = int(value)
        return dict(found)

    def truth(self, pattern):
        log = (self.supervisord.folder / "supervisord.log").read_text()
        found = collections.Counter(pattern.findall(log))
        return {name: found[name] for name in ENDS}

    def end_of(self, name):
        samples = self.agent.samples()
        return tuple(samples.one(f"supervisord_process_exit_{what}", name=name)
                     for what in ("status", "signal"))

    def stop(self, name):
        try:
            return self.supervisord.rpc("stopProcess", name, False)
        except xmlrpc.client.Fault:  # it has just ended and is not started again yet
            return False

    def churn(self, source, ends_are_known):
        self.feeds(source)
        self.start_loops()
        time.sleep(SECONDS)  # the length of what is counted, not a wait
        if ends_are_known:
            for name, end in EXIT.items():
                until(f"how {name} ended is known", lambda: self.end_of(name) == end)
        for name in ENDS:
            until(f"{name} is told to stop", lambda: self.stop(name))
        until("all is quiet", lambda: all(self.supervisord.state(name) in ("STOPPED", "EXITED")
                                          for name in ENDS))

    def compare(self):
        starts = self.truth(SPAWNED)
        self.assertGreater(sum(starts.values()), 3 * len(ENDS), "hardly anything happened")
        until(f"the starts are {starts}",
              lambda: self.counters("supervisord_process_starts_total") == starts, 15)
        unexpected = self.truth(UNEXPECTED)
        until(f"the unexpected exits are {unexpected}", lambda: self.counters(
            "supervisord_process_unexpected_exits_total") == unexpected, 15)
        self.assertEqual(self.counters("supervisord_process_restarts_total"),
                         {name: count - 1 for name, count in starts.items()})
        gaps = self.agent.samples().find("supervisord_counters_gaps_total")
        self.assertEqual(sum(gaps), 0)

    def never_fall(self):
        """Watches until the test ends that no counter of what happened to a process falls."""
        self.fallen, last, stop = [], {}, threading.Event()

        def watch():
            while not stop.wait(0.1):
                try:
                    samples = self.agent.samples()
                except OSError:
                    continue
                for name, labels, value in samples:
                    if name in COUNTERS:
                        key = name, labels["group"], labels["name"]
                        if value < last.get(key, 0):
                            self.fallen.append((key, last[key], value))
                        last[key] = value
        watcher = threading.Thread(target=watch)
        watcher.start()
        self.addCleanup(watcher.join)
        self.addCleanup(stop.set)

    def start_loops(self):
        for name in ENDS:
            try:
                self.supervisord.rpc("startProcess", name, False)
            except xmlrpc.client.Fault as fault:  # it runs
                self.assertIn("ALREADY_STARTED", fault.faultString)

    def relayed(self, programs, main_log="off"):
        """An agent that hears supervisord over a relay."""
        socket = self.workspace.folder / "events.sock"
        programs += stanza("reeve-relay.conf", f"{REEVE} relay-events --socket {socket}")
        self.supervisord = self.start_supervisord(programs, minfds=4096)
        self.agent_config = self.config(f"main_log: {main_log}, socket: {socket}",
                                        self.supervisord.url)
        self.agent = self.workspace.start(Agent, self.workspace.folder / "reeve",
                                          self.agent_config)
        return programs

    def alone(self, programs):
        """An agent that has nothing but supervisord's log."""
        self.supervisord = self.start_supervisord(programs, minfds=4096)
        self.agent = self.workspace.start(Agent, self.workspace.folder / "reeve", self.config(
            "main_log: on", self.supervisord.url))

    def feeds(self, source):
        until(f"{source} feed the counters", lambda: self.agent.samples().one(
            "supervisord_counters_source", source=source) == 1)

    def assert_not_more_than(self, truth):
        counted = self.counters("supervisord_process_starts_total")
        self.assertTrue(all(counted[name] <= truth[name] for name in ENDS), (counted, truth))
        self.assertGreater(sum(counted.values()), 0)

    def burst(self, source):
        self.feeds(source)
        self.supervisord.rpc("startProcessGroup", "many", False)
        until("each of 300 starts is counted once", lambda: [
            1] * 300 == self.agent.samples().find("supervisord_process_starts_total",
                                                  group="many"))
        self.assertEqual(sum(self.agent.samples().find("supervisord_counters_gaps_total")), 0)

    def test_a_burst_of_starts_by_events_alone(self):
        self.relayed(BURST)
        self.burst("events")

    def test_a_burst_of_starts_by_the_log_alone(self):
        self.alone(BURST)
        self.burst("log")

    def test_an_agent_that_was_killed_counts_what_happens_from_then_on(self):
        self.relayed(PROGRAMS)
        self.feeds("events")
        self.start_loops()
        time.sleep(SECONDS / 3)
        self.agent.signal(signal.SIGKILL)
        self.agent.wait()
        before = self.truth(SPAWNED)
        self.agent = self.workspace.start(Agent, self.workspace.folder / "again",
                                          self.agent_config)
        self.churn("events", ends_are_known=False)
        after = self.truth(SPAWNED)
        self.assert_not_more_than({name: after[name] - before[name] for name in ENDS})

    def restart_in_place(self, source):
        self.feeds(source)
        self.never_fall()
        self.start_loops()
        time.sleep(SECONDS / 3)
        self.supervisord.rpc("restart")
        until("it is seen", lambda: self.agent.samples().one("supervisord_restarts_total") == 1)
        until("it is up", self.supervisord.up)
        self.churn(source, ends_are_known=False)
        self.assertEqual(self.fallen, [])
        self.assertEqual(self.agent.samples().one("supervisord_restarts_total"), 1)
        self.assert_not_more_than(self.truth(SPAWNED))

    def test_a_restart_of_supervisord_in_place_by_events(self):
        self.relayed(PROGRAMS)
        self.restart_in_place("events")

    def test_a_restart_of_supervisord_in_place_by_the_log_alone(self):
        self.alone(PROGRAMS)
        self.restart_in_place("log")

    def test_through_the_death_of_supervisord_and_changes_of_its_configuration(self):
        programs = self.relayed(PROGRAMS, main_log="on")
        self.churn("events", ends_are_known=False)
        self.compare()
        self.never_fall()

        self.start_loops()
        config = self.supervisord.config.read_text()
        self.supervisord.config.write_text(
            config.replace("[program:three]", "[program:four]") + LOOP.format(
                name="three", end="exit 4", startsecs=0))
        _, changed, _ = self.supervisord.rpc("reloadConfig")[0]
        for group in changed:
            self.supervisord.rpc("stopProcessGroup", group)
            self.supervisord.rpc("removeProcessGroup", group)
            self.supervisord.rpc("addProcessGroup", group)
        self.supervisord.rpc("addProcessGroup", "four")
        until("the new group is shown", lambda: self.agent.samples().find(
            "supervisord_process_up", group="four"), 10)

        self.supervisord.signal(signal.SIGKILL)
        self.supervisord.wait()
        until("it is seen to be down", lambda: self.agent.samples().one("supervisord_up") == 0)
        self.supervisord = self.start_supervisord(programs)
        self.churn("events", ends_are_known=False)
        until("the restart is counted", lambda: self.agent.samples().one(
            "supervisord_restarts_total") == 1)
        samples = self.agent.samples()
        self.assertGreater(sum(samples.find("supervisord_counters_gaps_total")), 0)
        self.assertEqual(self.fallen, [])
        # The log of both lives is in one file, which only grew.
        self.assert_not_more_than(self.truth(SPAWNED))

    def test_by_events_alone(self):
        self.listen("off")
        self.churn("events", ends_are_known=False)
        self.compare()

    def test_by_events_and_log(self):
        self.listen("on")
        self.churn("events", ends_are_known=True)
        self.compare()

    def test_by_the_log_alone(self):
        self.alone(PROGRAMS)
        self.churn("log", ends_are_known=True)
        self.compare()

    def test_over_a_relay(self):
        self.relayed(PROGRAMS)
        self.churn("events", ends_are_known=False)
        self.compare()


if __name__ == "__main__":
    unittest.main()
