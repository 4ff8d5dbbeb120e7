"""Somebody reads a program's log over HTTP and watches what happens."""

import http.client
import json
import random
import re
import unittest

from support import Agent, Scenario, until

PROGRAMS = """
[program:talker]
command=sh -c "echo one; echo two >&2; while :; do [ -e {folder}/say ] && cat {folder}/say && rm {folder}/say; sleep 0.1; done"
startsecs=0
[program:silent]
command=sleep infinity
startsecs=0
stdout_logfile=NONE
[program:steady]
command=sleep infinity
startsecs=0
"""
LOG = "/api/v1/processes/talker/logs/stdout"


class Stream:
    """An answer that goes on."""

    def __init__(self, agent, path, headers=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", agent.control_port, timeout=20)
        headers = {"Authorization": f"Bearer {agent.token}", **(headers or {})}
        self.connection.request("GET", path, headers=headers)
        self.answer = self.connection.getresponse()
        self.status = self.answer.status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.answer.close()
        self.connection.close()

    def until(self, text):
        """What comes up to this text, with it."""
        heard = ""
        while text not in heard:
            piece = self.answer.read1(65536)
            assert piece, f"the stream ended before {text!r}: {heard!r}"
            heard += piece.decode()
        return heard

    def rest(self):
        """Until its clean end; a cut is an error."""
        return self.answer.read().decode()

    def events(self, wanted):
        """Events (id, type, data) up to the first of which wanted(type, data) is true."""
        block, events = {}, []
        while True:
            line = self.answer.readline().decode().rstrip("\n")
            if line.startswith(":"):
                continue
            if line:
                field, _, value = line.partition(": ")
                block[field] = value
                continue
            if "data" in block:
                events.append((int(block["id"]), block["event"], json.loads(block["data"])))
                if wanted(*events[-1][1:]):
                    return events
            block = {}


class LogsAndEvents(Scenario):
    def setUp(self):
        self.supervisord, self.agent = self.watch(PROGRAMS)
        until("all is seen", lambda: self.agent.samples().one(
            "supervisord_process_up", name="steady") == 1)

    def log(self, query="", path=LOG):
        return self.agent.control("GET", path + query)

    def answered(self, query="", path=LOG):
        """The log, once it is had in the time of one call, which a busy machine may need for more."""
        def log():
            response = self.log(query, path)
            return response if response.status == 200 else None
        return until("it answers", log)

    def say(self, text):
        """What the talker says next."""
        (self.supervisord.folder / "say.new").write_text(text)
        (self.supervisord.folder / "say.new").rename(self.supervisord.folder / "say")

    def test_a_log_is_read_whole_and_range_by_range(self):
        self.assertEqual(until("it has spoken", lambda: self.answered().body), "one\n")
        until("stderr, too", lambda: self.answered(
            path="/api/v1/processes/talker/logs/stderr").body == "two\n")
        self.say("größer\n")

        def more():
            answer = self.answered("?offset=0")
            return answer if int(answer.headers["Log-Size"]) > 4 else None
        whole = until("it goes on", more)
        self.assertEqual(whole.body, "one\ngrößer\n")
        self.assertEqual(whole.headers["Content-Type"], "text/plain; charset=utf-8")
        first = self.answered("?offset=0&bytes=7")
        rest = self.answered(f"?offset={first.headers['Log-Next-Offset']}")
        self.assertEqual(first.body + rest.body, whole.body)
        self.assertEqual(self.log("?offset=1000").status, 416)

    def test_no_bytes_hide_text_from_who_reads_range_by_range(self):
        until("it has spoken", lambda: self.answered().body)
        dice = random.Random(4711)
        pieces = [b"\xff\v\f\n", b"\f" * 70, b"\v", "größer 日本".encode(), b"\xe6\x97", b"\0\r\n",
                  b"<&>]]>", b"text %d\n"]
        said = b"".join(piece.replace(b"%d", b"%d" % i) for i in range(60)
                        for piece in [dice.choice(pieces)])
        (self.supervisord.folder / "say.new").write_bytes(said)
        (self.supervisord.folder / "say.new").rename(self.supervisord.folder / "say")
        size = 4 + len(said)

        until("it is written", lambda: int(self.answered("?bytes=1").headers["Log-Size"]) == size)
        for length in (7, 64, 10000):
            text, offset = "", 0
            while offset < size:
                part = self.answered(f"?offset={offset}&bytes={length}")
                text += part.body
                offset = int(part.headers["Log-Next-Offset"])
            plain = [re.sub("[^\0-\x7f]", "", each)
                     for each in (text, "one\n" + said.decode(errors="replace"))]
            self.assertEqual(plain[0], plain[1], length)

    def test_no_log_no_process_and_no_supervisord_are_told_apart(self):
        none = self.log(path="/api/v1/processes/silent/logs/stdout")
        self.assertEqual((none.status, json.loads(none.body)["type"]),
                         (404, "urn:reeve:problem:no_log"))
        unknown = self.log(path="/api/v1/processes/nobody/logs/stdout")
        self.assertEqual(json.loads(unknown.body)["type"], "urn:reeve:problem:not_found")
        self.supervisord.pause()
        self.assertIn(self.log().status, (503, 504))
        until("it is known to be away", lambda: self.log().status == 503)
        self.supervisord.resume()

    def test_a_log_is_followed_until_the_client_leaves_or_the_agent_stops(self):
        until("it has spoken", lambda: self.answered().body)
        with Stream(self.agent, LOG + "?follow=true") as stream:
            self.assertEqual(stream.status, 200)
            self.assertEqual(stream.until("one\n"), "one\n")
            self.say("and more\n")
            self.assertEqual(stream.until("more\n"), "and more\n")
        followed = [Stream(self.agent, LOG + "?follow=true") for _ in range(3)]

        def fourth():  # as soon as the agent has seen that the first has left
            stream = Stream(self.agent, LOG + "?follow=true")
            if stream.status == 200:
                return stream
            stream.close()
            return None
        followed.append(until("there is room again", fourth))
        self.assertEqual(self.log("?follow=true").status, 503)
        self.assertEqual(self.agent.control("GET", "/api/v1/processes").status, 200)
        for stream in followed:
            self.assertEqual(stream.until("more\n"), "one\nand more\n")
        self.agent.signal(15)
        for stream in followed:
            self.assertEqual(stream.rest(), "")
            stream.close()
        self.assertEqual(self.agent.wait(), 0)

    def test_events_tell_what_happens_and_resume_where_they_were(self):
        with Stream(self.agent, "/api/v1/events") as stream:
            self.assertEqual(stream.answer.headers["Content-Type"], "text/event-stream")
            stream.answer.readline()  # the first id: from now on nothing is missed
            done = self.agent.control("POST", "/api/v1/processes/steady/restart?wait=20s",
                                      {"reason": "to be seen"})
            operation = json.loads(done.body)
            events = stream.events(lambda kind, data: kind == "process"
                                   and data["process"]["state"] == "RUNNING")
        ids = [event[0] for event in events]
        self.assertEqual(ids, sorted(set(ids)))
        states = [data["state"] for _, kind, data in events if kind == "operation"]
        self.assertEqual(states[0], "queued")
        self.agent.control("POST", "/api/v1/processes/steady/stop?wait=20s")
        resume = {"Last-Event-ID": str(ids[-1])}
        with Stream(self.agent, "/api/v1/events", resume) as stream:
            missed = stream.events(lambda kind, data: kind == "process"
                                   and data["process"]["state"] == "STOPPED")
        self.assertGreater(missed[0][0], ids[-1])
        self.assertNotIn(operation["id"], [data.get("id") for _, kind, data in missed
                                           if data.get("state") == "queued"])

    def test_after_a_restart_of_the_agent_ids_go_on_and_everything_is_to_be_read_anew(self):
        with Stream(self.agent, "/api/v1/events") as stream:
            last = stream.answer.readline().decode().strip().removeprefix("id: ")
        self.agent.end()
        config = self.agent.config.read_text()
        agent = self.workspace.start(Agent, self.agent.folder, config,
                                     metrics_port=self.agent.metrics_port,
                                     control_port=self.agent.control_port)
        with Stream(agent, "/api/v1/events", {"Last-Event-ID": last}) as stream:
            event = stream.events(lambda kind, data: True)[0]
        self.assertEqual(event[1], "reset")
        self.assertGreater(event[0], int(last))

    def test_a_supervisord_that_goes_is_an_event(self):
        with Stream(self.agent, "/api/v1/events") as stream:
            stream.answer.readline()
            self.supervisord.end()
            gone = stream.events(lambda kind, data: kind == "supervisor" and not data["up"])
        self.assertEqual(gone[-1][1], "supervisor")

    def test_the_interface_describes_itself_without_a_token(self):
        answer = self.agent.control("GET", "/api/v1/openapi.json", token="none")
        self.assertEqual(answer.status, 200)
        self.assertIn("/api/v1/events", json.loads(answer.body)["paths"])


if __name__ == "__main__":
    unittest.main()
