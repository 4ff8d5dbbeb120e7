"""Ten thousand posts of all kinds, several at once: each process with an alert is restarted once,
no other is touched, every post is answered, and the agent does not grow."""

import concurrent.futures
import contextlib
import http.client
import json
import random
import re
import secrets
import time
import unittest

from support import Agent, Scenario, until

POSTS = 10_000
AT_ONCE = 4
PATIENCE = 30  # seconds until a client gives up
LISTED = [f"p{number}" for number in range(8)]
UNLISTED = ["db", "cache"]
BEGAN = ""
PROGRAMS = "".join(f"[program:{name}]\ncommand=sleep infinity\nstartsecs=0\n"
                   for name in LISTED + UNLISTED)
CONFIG = """
supervisor: {{url: {url}}}
state_dir: {folder}/state
alerts:
  mode: enforce
  identity: {{instance: host7}}
  budget: {{total: 100/1h}}
  breaker: {{targets: 100%, min_targets: 1000}}
  rules:
    - name: restart
      match: {{alertname: Hung}}
      target: "{{{{group}}}}:{{{{name}}}}"
      allow: ["p?"]
      action: restart
      min_uptime: 0s
      max_attempts: 1
      pending_for: 0s
      cooldown: {{initial: 1s, factor: 100}}
metrics: {{listen: "127.0.0.1:{{metrics}}"}}
control:
  enabled: true
  listen: "127.0.0.1:{{control}}"
  tokens:
    - {{name: test, file: {{token_file}}, scopes: [read]}}
    - {{name: alertmanager, file: {folder}/alerts.token, scopes: [alerts]}}
"""


def alert(name, **members):
    """One that began when the programs ran."""
    return {"status": "firing", "startsAt": BEGAN, "fingerprint": f"of-{name}",
            "labels": {"alertname": "Hung", "instance": "host7", "group": name, "name": name},
            "annotations": {"summary": "x" * 200}, "endsAt": "0001-01-01T00:00:00Z", **members}


def whole(alerts, **members):
    return json.dumps({"version": "4", "receiver": "reeve", "status": "firing", "alerts": alerts,
                       "groupKey": "{}", "truncatedAlerts": 0, **members})


def firing(dice):
    return whole(dice.sample([alert(name) for name in LISTED], dice.randint(1, 8)))


def group_with_resolved(dice):
    """A post that comes too late, or whose group has changed: some are over."""
    return whole([alert(name, status=dice.choice(["firing", "resolved"])) for name in LISTED])


def unknown_members(dice):
    return whole([alert(dice.choice(LISTED), values={"A": [1.5, None]}, silenceURL="")],
                 notification_reason="repeat interval elapsed", routeLabels={}, orgId=1)


def unlisted(dice):
    return whole([alert(dice.choice(UNLISTED + ["nobody", "*", "p*", "p1:p1:p1", "../p1"]))])


def of_others(dice):
    other = alert(dice.choice(LISTED))
    other["labels"]["instance"] = "host8"
    return whole([other])


def new_fingerprint(dice):
    return whole([alert(dice.choice(LISTED), fingerprint=f"{dice.getrandbits(64):016x}")])


def truncated(dice):
    text = firing(dice)
    return text[:dice.randrange(len(text))]


def huge(_):
    return whole([alert(name, annotations={"summary": "x" * 150_000}) for name in LISTED])


KINDS = ([firing] * 60 + [group_with_resolved] * 10 + [unknown_members] * 10 + [unlisted] * 5
         + [of_others] * 5 + [new_fingerprint] * 5 + [truncated] * 5)


class Sender:
    """A client with a connection that it keeps."""

    def __init__(self, port, token):
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)

    def post(self, body):
        """The status, and how long it took."""
        begun = time.monotonic()
        for last_try in (False, True):
            try:
                self.connection.request("POST", "/api/v1/alerts", body, self.headers)
                answer = self.connection.getresponse()
                answer.read()
                return answer.status, time.monotonic() - begun
            except (ConnectionError, http.client.HTTPException):
                self.connection.close()  # it may have been closed since the last answer
                if last_try:
                    raise


class AlertsStorm(Scenario):
    def setUp(self):
        self.supervisord = self.start_supervisord(PROGRAMS)
        token = self.workspace.folder / "alerts.token"
        token.write_text(secrets.token_hex(32))
        token.chmod(0o600)
        self.token = token.read_text()
        config = CONFIG.format(url=self.supervisord.url, folder=self.workspace.folder)
        self.agent = self.workspace.start(Agent, self.workspace.folder / "reeve", config)
        until("the programs are seen", lambda: len(
            self.agent.samples().find("supervisord_process_up")) == len(LISTED + UNLISTED))
        global BEGAN
        BEGAN = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        # Then the first cooldown is over, too, and a restart is one after the alerts began, by more
        # than clocks may differ.
        until("the programs have run for a while", lambda: time.time() - max(
            self.agent.samples().find("supervisord_process_start_time_seconds")) > 7)

    def sender(self, token=None):
        return Sender(self.agent.control_port, token or self.token)

    def post_once(self, body, token=None):
        sender = self.sender(token)
        with contextlib.closing(sender.connection):
            return sender.post(body)[0]

    def resident(self):
        return self.agent.samples().one("process_resident_memory_bytes")

    def storm(self, posts, seed):
        """(kind, status, seconds) of so many posts."""
        def some(number):
            dice = random.Random(seed + number)
            sender = self.sender()
            kinds = [dice.choice(KINDS) for _ in range(posts // AT_ONCE)]
            with contextlib.closing(sender.connection):
                return [(kind, *sender.post(kind(dice))) for kind in kinds]
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            return [each for done in pool.map(some, range(AT_ONCE)) for each in done]

    def spawns(self, name):
        log = (self.supervisord.folder / "supervisord.log").read_text()
        return len(re.findall(f"spawned: '{name}'", log))

    def check_statuses(self, answers):
        for kind, status, _ in answers:
            if kind is truncated:
                self.assertEqual(status, 400)
            else:
                self.assertEqual(status, 200, kind.__name__)

    def wrong_tokens_and_huge_bodies(self):
        """Each is refused; nothing is read of a body that is too long."""
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            dice = random.Random(7)
            refused = list(pool.map(lambda _: self.post_once(firing(dice), "w" * 64), range(20)))
        self.assertEqual(set(refused), {401})
        for _ in range(20):
            try:
                self.assertEqual(self.post_once(huge(None)), 413)
            except ConnectionError:
                pass  # closed while it was still being sent

    def test_ten_thousand_posts(self):
        self.assertEqual(self.post_once(whole([alert(name) for name in LISTED])), 200)
        self.check_statuses(self.storm(POSTS // 10, seed=1))
        until("all are restarted", lambda: all(self.spawns(name) == 2 for name in LISTED))
        before = self.resident()
        self.wrong_tokens_and_huge_bodies()
        answers = self.storm(POSTS, seed=100)
        self.check_statuses(answers)
        self.wrong_tokens_and_huge_bodies()
        took = sorted(seconds for _, _, seconds in answers)
        grown = self.resident() - before
        print(f"{len(took)} posts: median {took[len(took) // 2] * 1000:.1f} ms, 99 % within "
              f"{took[len(took) * 99 // 100] * 1000:.1f} ms, longest {took[-1] * 1000:.0f} ms; "
              f"grown by {grown / 1024:.0f} KiB", flush=True)
        self.assertLess(grown, 16 * 1024 * 1024)
        self.assertEqual([self.spawns(name) for name in LISTED], [2] * len(LISTED))
        self.assertEqual([self.spawns(name) for name in UNLISTED], [1] * len(UNLISTED))
        decided = self.agent.samples().find
        # One that is resolved while it waits for its turn is withdrawn, and may be accepted anew.
        withdrawn = sum(decided("reeve_actions_refused_total", reason="withdrawn"))
        self.assertEqual(sum(decided("reeve_alert_decisions_total", decision="accepted")),
                         len(LISTED) + withdrawn)


if __name__ == "__main__":
    unittest.main()
