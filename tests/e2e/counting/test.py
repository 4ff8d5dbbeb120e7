"""Under crash loops every start and every exit is counted, as often as supervisord's own log says,
by whatever the agent counts: supervisord's events on its standard input or over a relay, the log,
or both. Each time the loops go on for COUNTING_SECONDS."""

import collections
import datetime
import http.client
import os
import re
import signal
import threading
import unittest
import xmlrpc.client

from support import PATIENCE, REEVE, Agent, Listeners, Scenario, stanza, until

SECONDS = float(os.environ.get("COUNTING_SECONDS", "5"))

LOOP = """
[program:{name}]
command=/bin/sh -c "sleep 0.1; {end}"
autostart=false
autorestart=true
startsecs={startsecs}
startretries=1000
"""
MARKER = """
[program:marker]
command=sleep infinity
autostart=false
startsecs=0
"""
ENDS = {"one": "exit 1", "three": "exit 3", "fine": "exit 0", "killed": "kill -9 $$",
        "quick": "exit 7"}
PROGRAMS = MARKER + "".join(LOOP.format(name=name, end=end, startsecs=int(name == "quick"))
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

STARTS, RESTARTS, UNEXPECTED = COUNTERS = [
    f"supervisord_process_{what}_total" for what in ("starts", "restarts", "unexpected_exits")]

TRUTH = {STARTS: re.compile(r"spawned: '(\w+)' with pid"),
         UNEXPECTED: re.compile(r"exited: (\w+) \(.*not expected\)")}
SPAWNED_AT = re.compile(r"(?m)^(\S+ \S+) INFO spawned:")


def growth(after, before):
    return {name: count - before.get(name, 0) for name, count in after.items()}


class Counting(Scenario):
    def listen(self, main_log):
        """supervisord runs the agent as its listener."""
        folder = self.workspace.folder / "reeve"
        self.agent = Listeners(folder, self.config(f"main_log: {main_log}"))
        self.supervisord = self.start_supervisord(
            PROGRAMS + stanza("reeve-listener.conf", f"{REEVE} serve --config {self.agent.config}"))
        until("the agent is up", self.agent.up)

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

    def config(self, events, url=None):
        supervisor = f"url: {url}, " if url else ""
        # Busy with 300 starts at once supervisord answers late: that is no gap.
        return (f"supervisor: {{{supervisor}timeout: 30s}}\nevents: {{{events}}}\n"
                "poll: {interval: 2s}\n" + Agent.LISTENERS)

    def counters(self, family):
        found = collections.Counter()
        for name, labels, value in self.agent.samples():
            if name == family and labels["name"] in ENDS:
                found[labels["name"]] = int(value)
        return dict(found)

    def gaps(self):
        return sum(self.agent.samples().find("supervisord_counters_gaps_total"))

    def log(self):
        return (self.supervisord.folder / "supervisord.log").read_text()

    def truth(self, counter):
        found = collections.Counter(TRUTH[counter].findall(self.log()))
        return {name: found[name] for name in ENDS}

    def end_of(self, name):
        samples = self.agent.samples()
        return tuple(samples.one(f"supervisord_process_exit_{what}", name=name)
                     for what in ("status", "signal"))

    def feeds(self, source):
        until(f"{source} feed the counters", lambda: self.agent.samples().one(
            "supervisord_counters_source", source=source) == 1)

    def start_loops(self):
        for name in ENDS:
            try:
                self.supervisord.rpc("startProcess", name, False)
            except xmlrpc.client.Fault as fault:  # it runs
                self.assertIn("ALREADY_STARTED", fault.faultString)

    def go_on(self):
        """The loops do, for SECONDS by the clock of supervisord's log."""
        begin = len(self.log())

        def long_enough():
            moments = SPAWNED_AT.findall(self.log()[begin:])
            first, last = (datetime.datetime.fromisoformat(moments[i]) for i in (0, -1))
            return (last - first).total_seconds() >= SECONDS
        until("something is started", lambda: len(self.log()) > begin and
              SPAWNED_AT.search(self.log(), begin))
        until(f"things have been started for {SECONDS} s", long_enough, SECONDS + PATIENCE)

    def stop(self, name):
        try:
            return self.supervisord.rpc("stopProcess", name, False)
        except xmlrpc.client.Fault:  # it has just ended and is not started again yet
            return self.supervisord.state(name) == "STOPPED"

    def remove(self, group):
        self.supervisord.rpc("stopProcessGroup", group)
        try:
            return self.supervisord.rpc("removeProcessGroup", group)
        except xmlrpc.client.Fault as fault:  # it had just ended and has been started again since
            self.assertIn("STILL_RUNNING", fault.faultString)
            return False

    def stop_loops(self):
        for name in ENDS:
            until(f"{name} is told to stop", lambda: self.stop(name))
        until("all is quiet", lambda: all(self.supervisord.state(name) in ("STOPPED", "EXITED")
                                          for name in ENDS))

    def churn(self, source, ends_are_known=False):
        self.feeds(source)
        self.start_loops()
        self.go_on()
        if ends_are_known:
            for name, end in EXIT.items():
                until(f"how {name} ended is known", lambda: self.end_of(name) == end)
        self.stop_loops()

    def account(self):
        """What is counted, what happened, and the gaps."""
        return ({counter: self.counters(counter) for counter in COUNTERS},
                {counter: self.truth(counter) for counter in TRUTH}, self.gaps())

    def compare(self, since=({}, {}, 0)):
        """All that happened since a quiet moment is counted, and nothing else."""
        counted, happened, gaps = since
        expected = {counter: growth(self.truth(counter), happened.get(counter, {}))
                    for counter in TRUTH}
        self.assertGreater(sum(expected[STARTS].values()), 3 * len(ENDS),
                           "hardly anything happened")
        expected[RESTARTS] = {name: count - 1 for name, count in expected[STARTS].items()}
        for counter in COUNTERS:
            until(f"{counter} has grown by {expected[counter]}", lambda: growth(
                self.counters(counter), counted.get(counter, {})) == expected[counter])
        self.assertEqual(self.gaps(), gaps)

    def churn_anew(self, source):
        """Whatever was before: from a quiet moment on, all is counted."""
        self.feeds(source)
        self.stop_loops()
        # What comes behind everything else is counted: so is everything else.
        before = self.agent.samples().one(STARTS, name="marker")
        self.supervisord.rpc("startProcess", "marker")
        until("the marker is counted", lambda: self.agent.samples().one(
            STARTS, name="marker") == before + 1)
        since = self.account()
        self.churn(source)
        self.compare(since)

    def never_fall(self):
        """Watches until the test ends that no counter of what happened to a process falls."""
        self.fallen, self.last, stop = [], {}, threading.Event()

        def look():
            try:
                samples = self.agent.samples()
            except (OSError, http.client.HTTPException):
                return
            for name, labels, value in samples:
                if name in COUNTERS:
                    key = name, labels["group"], labels["name"]
                    if value < self.last.get(key, 0):
                        self.fallen.append((key, self.last[key], value))
                    self.last[key] = value

        def watch():
            try:
                while not stop.wait(0.1):
                    look()
            except Exception as error:  # a watcher that ended saw nothing
                self.fallen.append(error)
        watcher = threading.Thread(target=watch)
        watcher.start()
        self.addCleanup(watcher.join)
        self.addCleanup(stop.set)

    def assert_never_fell(self):
        self.assertEqual(self.fallen, [])
        self.assertGreater(sum(self.last.values()), 0, "nothing was watched")

    def some_are_counted(self):
        until("some starts are counted",
              lambda: sum(self.counters(STARTS).values()) > 3 * len(ENDS))

    def assert_not_more_than(self, truth):
        counted = self.counters(STARTS)
        self.assertTrue(all(counted[name] <= truth[name] for name in ENDS), (counted, truth))

    def burst(self, source):
        self.feeds(source)
        self.supervisord.rpc("startProcessGroup", "many", False)
        until("each of 300 starts is counted once", lambda: [
            1] * 300 == self.agent.samples().find(STARTS, group="many"))
        self.assertEqual(self.gaps(), 0)

    def test_a_burst_of_starts_by_events_alone(self):
        self.relayed(BURST)
        self.burst("events")

    def test_a_burst_of_starts_by_the_log_alone(self):
        self.alone(BURST)
        self.burst("log")

    def test_a_burst_of_starts_by_events_and_log(self):
        self.relayed(BURST, main_log="on")
        self.burst("events")

    def test_what_an_agent_that_was_killed_has_not_counted_the_next_one_does(self):
        self.relayed(PROGRAMS)
        self.feeds("events")
        self.start_loops()
        self.some_are_counted()
        before = self.counters(STARTS)
        self.agent.signal(signal.SIGKILL)
        self.agent.wait()
        self.agent = self.workspace.start(Agent, self.workspace.folder / "again",
                                          self.agent_config)
        self.churn_anew("events")
        self.assert_not_more_than(growth(self.truth(STARTS), before))

    def restart_in_place(self, source):
        self.feeds(source)
        self.never_fall()
        self.start_loops()
        self.some_are_counted()
        self.supervisord.rpc("restart")
        until("it is seen", lambda: self.agent.samples().one("supervisord_restarts_total") == 1)
        until("it is up", self.supervisord.up)
        self.churn_anew(source)
        self.assert_never_fell()
        self.assertEqual(self.agent.samples().one("supervisord_restarts_total"), 1)
        self.assert_not_more_than(self.truth(STARTS))

    def test_a_restart_of_supervisord_in_place_by_events(self):
        self.relayed(PROGRAMS)
        self.restart_in_place("events")

    def test_a_restart_of_supervisord_in_place_by_the_log_alone(self):
        self.alone(PROGRAMS)
        self.restart_in_place("log")

    def test_through_the_death_of_supervisord_and_changes_of_its_configuration(self):
        programs = self.relayed(PROGRAMS, main_log="on")
        self.churn("events")
        self.compare()
        self.never_fall()

        self.start_loops()
        config = self.supervisord.config.read_text()
        self.supervisord.config.write_text(
            config.replace("[program:three]", "[program:four]") + LOOP.format(
                name="three", end="exit 4", startsecs=0))
        _, changed, _ = self.supervisord.rpc("reloadConfig")[0]
        for group in changed:
            until(f"{group} is removed", lambda: self.remove(group))
            self.supervisord.rpc("addProcessGroup", group)
        self.supervisord.rpc("addProcessGroup", "four")
        until("the new group is shown", lambda: self.agent.samples().find(
            "supervisord_process_up", group="four"))

        self.supervisord.signal(signal.SIGKILL)
        self.supervisord.wait()
        until("it is seen to be down", lambda: self.agent.samples().one("supervisord_up") == 0)
        self.supervisord = self.start_supervisord(programs)
        until("the restart is counted", lambda: self.agent.samples().one(
            "supervisord_restarts_total") == 1)
        self.churn_anew("events")
        self.assertGreater(self.gaps(), 0)
        self.assert_never_fell()
        # The log of both lives is in one file, which only grew.
        self.assert_not_more_than(self.truth(STARTS))

    def test_by_events_alone(self):
        self.listen("off")
        self.churn("events")
        self.compare()

    def test_by_events_and_log(self):
        self.listen("on")
        self.churn("events", ends_are_known=True)
        self.compare()

    def test_by_the_log_alone(self):
        self.alone(PROGRAMS)
        self.churn("log", ends_are_known=True)
        self.compare()

    def test_a_relay_that_does_not_come_is_a_stream_that_is_down(self):
        self.supervisord = self.start_supervisord(PROGRAMS)
        socket = self.workspace.folder / "events.sock"
        self.agent = self.workspace.start(Agent, self.workspace.folder / "reeve", self.config(
            f"socket: {socket}", self.supervisord.url))
        self.assertEqual(self.agent.samples().one("reeve_event_stream_up"), 0)

    def test_over_a_relay(self):
        self.relayed(PROGRAMS)
        self.churn("events")
        self.compare()


if __name__ == "__main__":
    unittest.main()
