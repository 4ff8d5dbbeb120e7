"""What becomes of an alert's restart while something happens to etcd. Each case adds a row to a table,
which is printed and stands in docs/many-hosts.md as it is here."""

import http.server
import json
import os
import signal
import threading
import time
import unittest

import hosts
from support import ROOT, Etcd, Scenario, free_port, until

PROGRAMS = "".join(f"""
[program:web{number}]
command=sleep infinity
startsecs=0
""" for number in range(9)) + """
[program:asked]
command=sleep infinity
startsecs=0
""" + hosts.PROGRAMS

# Two rules more. One asks before it acts: it has a slot then and has stopped nothing yet. The
# other's alerts do not wait for long.
CONFIG = hosts.CONFIG.replace("  rules:", "  breaker: {min_targets: 100}\n  rules:").replace(
    "[web,", '["web*",').replace("      limit: web\n", """      limit: web
    - name: asked
      match: {alertname: Asked}
      target: "{{name}}:{{name}}"
      allow: [asked]
      action: restart
      min_uptime: 0s
      settle: 0s
      pending_for: 5m
      cooldown: {initial: 1s}
      limit: web
      only_if: {prometheus: "{prometheus}", query: "up > 0", timeout: 10s}
    - name: hasty
      match: {alertname: Hasty}
      target: "{{name}}:{{name}}"
      allow: ["web*"]
      action: restart
      min_uptime: 0s
      settle: 0s
      pending_for: 3s
      cooldown: {initial: 1s}
      limit: web
""")


class HeldPrometheus(http.server.BaseHTTPRequestHandler):
    """Answers a query once it may."""

    asked = threading.Event()
    may_answer = threading.Event()

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.asked.set()
        self.may_answer.wait(60)
        result = [{"metric": {}, "value": [time.time(), "1"]}]
        body = json.dumps({"status": "success",
                           "data": {"resultType": "vector", "result": result}}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST

    def log_message(self, *_):
        pass


class Case:
    """An alert on one program, and what is seen of it."""

    def __init__(self, host, program, alertname="Hung"):
        self.host, self.program = host, program
        self.before = host.restarts(program)
        self.decided = [host.alert(program, alertname=alertname)["decision"]]
        self.during = None

    def look(self):
        """What keeps it from acting, once that is known: it claims a slot at first."""
        for each in self.host.pending():
            if each not in (*self.decided, "waiting_for_slot"):
                self.decided.append(each)
        return self.decided

    def restarts(self):
        return self.host.restarts(self.program) - self.before

    def ends(self):
        """From now on etcd is well again."""
        self.during = self.restarts()

    def audit(self):
        return [each["result"] or each["decision"]
                for each in self.host.send("GET", "/api/v1/audit?limit=1000")
                if each["kind"] in ("decision", "operation")
                and each["name"] == self.program]

    def row(self, what):
        words = {0: "nothing", 1: "the restart"}
        until(f"{what}: the end is in the audit",
              lambda: self.audit()[-1:] in (["succeeded"], ["coordination_unreachable"]))
        after = self.restarts() - self.during
        return "| {} | {} | {} | {} | {} |".format(
            what, ", ".join(f"`{each}`" for each in self.decided), words[self.during], words[after],
            ", ".join(f"`{each}`" for each in self.audit()))


class EtcdOutages(Scenario):
    HEAD = ("| etcd | decided at first | done meanwhile | done afterwards | the audit |",
            "|---|---|---|---|---|")

    def setUp(self):
        self.folder = self.workspace.folder
        HeldPrometheus.asked.clear()
        HeldPrometheus.may_answer.clear()
        self.prometheus = http.server.ThreadingHTTPServer(("127.0.0.1", 0), HeldPrometheus)
        threading.Thread(target=self.prometheus.serve_forever, daemon=True).start()
        self.addCleanup(self.prometheus.server_close)
        self.addCleanup(self.prometheus.shutdown)
        self.documented = (ROOT / "docs/many-hosts.md").read_text()

    def start_host(self, urls, further=""):
        """It has every slot that there is: one."""
        url = f"http://127.0.0.1:{self.prometheus.server_port}"
        config = CONFIG.replace("{prometheus}", url).replace("timeout: 1s}\n  member",
                                                             f"timeout: 1s{further}}}\n  member")
        self.host = hosts.start_hosts(self.workspace, ["host1"], urls, PROGRAMS, config)["host1"]
        self.set_limit()

    def set_limit(self, **more):
        self.host.send("PUT", "/api/v1/fleet/limits/web", {"at_once": 1, **more})
        until("the limit is known", lambda: (self.host.limit() or {}).get("at_once") == 1)

    def count(self, call, result):
        return self.host.agent.samples().one("reeve_coordination_requests_total",
                                             call=call, result=result) or 0

    def is_up(self):
        return self.host.agent.samples().one("reeve_coordination_up") == 1

    def show(self, *rows):
        print("\n".join((*self.HEAD, *rows)), flush=True)
        for row in (*self.HEAD, *rows):
            self.assertIn(row + "\n", self.documented)

    # Three nodes.

    def lose_quorum(self):
        for node in self.nodes[1:]:
            node.pause()

    def regain_quorum(self):
        for node in self.nodes[1:]:
            node.resume()
        until("etcd is back", lambda: all(node.up() for node in self.nodes) and self.is_up())
        until("no slot is held", lambda: self.host.holders() == [])

    def lost_before_the_claim(self):
        self.lose_quorum()
        until("the loss is seen", lambda: not self.is_up())
        case = Case(self.host, "web0")
        until("it waits", lambda: "coordination_unreachable" in case.look())
        case.ends()
        hasty = Case(self.host, "web6", "Hasty")
        until("it waits no longer", lambda: hasty.look() and len(self.host.pending()) == 1)
        hasty.ends()
        self.regain_quorum()
        return (case.row("has no quorum before the claim"),
                hasty.row("has none until the rule's `pending_for` is over"))

    def lost_before_the_stop(self):
        case = Case(self.host, "asked", "Asked")
        until("it has its slot", HeldPrometheus.asked.is_set)
        until("its slot is shown", lambda: self.host.holders() == [("host1", False)])
        self.lose_quorum()
        HeldPrometheus.may_answer.set()
        until("it is restarted", lambda: case.restarts() == 1)
        case.ends()
        self.regain_quorum()
        return case.row("loses its quorum between claim and stop")

    def lost_before_the_start(self):
        case = Case(self.host, "slow")
        until("it is stopping", lambda: self.host.supervisord.state("slow") == "STOPPING")
        self.lose_quorum()
        until("it runs again", lambda: case.restarts() == 1
              and self.host.supervisord.state("slow") == "RUNNING")
        case.ends()
        self.regain_quorum()
        return case.row("loses its quorum between stop and start")

    def leader(self):
        """Its number, and the ids of all nodes."""
        status = [node.call("/v3/maintenance/status") for node in self.nodes]
        ids = [each["header"]["member_id"] for each in status]
        return ids.index(status[0]["leader"]), ids

    def leader_is_killed(self):
        number, _ = self.leader()
        self.nodes[number].signal(signal.SIGKILL)
        self.nodes[number].wait()
        case = Case(self.host, "web1")
        until("it is restarted", lambda: case.restarts() == 1)
        case.ends()
        self.nodes.start(number)
        until("no slot is held", lambda: self.host.holders() == [])
        return case.row("has lost its leader")

    def one_endpoint_hangs(self):
        """The first, which is asked before the others until it has failed once."""
        number, ids = self.leader()
        if number == 0:
            self.nodes[0].call("/v3/maintenance/transfer-leadership", targetID=ids[1])
            until("another leads", lambda: self.leader()[0] == 1)

        def timeouts():
            return sum(self.host.agent.samples().find("reeve_coordination_requests_total",
                                                      result="timeout"))
        before = timeouts()
        self.nodes[0].pause()
        case = Case(self.host, "web2")
        until("it is restarted", lambda: case.restarts() == 1)
        case.ends()
        self.assertGreater(timeouts(), before)
        self.nodes[0].resume()
        until("no slot is held", lambda: self.host.holders() == [])
        return case.row("hangs at one endpoint")

    def test_three_nodes(self):
        self.nodes = hosts.EtcdNodes(self.workspace, 3)
        self.start_host(self.nodes.urls())
        self.show(self.one_endpoint_hangs(), *self.lost_before_the_claim(),
                  self.lost_before_the_stop(), self.lost_before_the_start(),
                  self.leader_is_killed())

    # One node, with users whose tokens live for a second, and little space.

    def make_single(self):
        return Etcd(self.folder / "etcd", self.port, name="n0", peers=self.peers,
                    further=["--auth-token-ttl", "1", "--quota-backend-bytes", str(8 << 20)])

    def enable_users(self):
        call = self.etcd.call
        for name in ("root", "reeve"):
            call("/v3/auth/user/add", name=name, password="of-" + name)
            call("/v3/auth/role/add", name=name)
            call("/v3/auth/user/grant", user=name, role=name)
        everything = {"permType": "READWRITE", "key": "L3JlZXZlLw==", "range_end": "L3JlZXZlMA=="}
        call("/v3/auth/role/grant", name="reeve", perm=everything)
        call("/v3/auth/enable")
        password = self.folder / "password"
        password.write_text("of-reeve")
        password.chmod(0o600)
        return f", username: reeve, password_file: {password}"

    def as_root(self, path, **body):
        token = self.etcd.call("/v3/auth/authenticate", name="root", password="of-root")["token"]
        return self.etcd.call(path, headers={"Authorization": token}, **body)

    def tokens_expire(self):
        before = self.count("authenticate", "success")
        until("a token has expired", lambda: self.count("authenticate", "success") > before + 1)
        case = Case(self.host, "web3")
        until("it is restarted", lambda: case.restarts() == 1)
        case.ends()
        until("no slot is held", lambda: self.host.holders() == [])
        return case.row("has let the token expire")

    def revisions_are_compacted(self):
        self.host.agent.pause()
        self.etcd.end()  # so that the watch has to be asked for again
        self.etcd = self.workspace.start(self.make_single)
        for number in range(20):
            answer = self.as_root("/v3/kv/put", key=b"/reeve/default/limits/other",
                                  value=json.dumps({"at_once": number + 1}).encode())
        self.as_root("/v3/kv/compaction", revision=answer["header"]["revision"])
        self.host.agent.resume()
        case = Case(self.host, "web4")
        until("it is restarted", lambda: case.restarts() == 1)
        case.ends()
        until("the view is of now", lambda: [
            each["at_once"] for each in self.host.send("GET", "/api/v1/fleet/limits")] == [20, 1])
        return case.row("has compacted what the watch wants")

    def space_is_used_up(self):
        with self.assertRaisesRegex(AssertionError, "space exceeded"):
            for number in range(100):
                self.as_root("/v3/kv/put", key=f"junk{number}".encode(), value=bytes(1 << 20))
        case = Case(self.host, "web5")
        until("it waits", lambda: "coordination_unreachable" in case.look())
        until("that is seen", lambda: not self.is_up())
        until("it is decided anew", lambda: self.count("grant", "unreachable") > 2)
        self.assertEqual(self.host.agent.text().count("space exceeded"), 1)
        case.ends()
        self.as_root("/v3/kv/deleterange", key=b"junk", range_end=b"junl")
        revision = self.as_root("/v3/kv/range", key=b"a")["header"]["revision"]
        self.as_root("/v3/kv/compaction", revision=revision, physical=True)
        self.as_root("/v3/maintenance/defragment")
        alarm = self.as_root("/v3/maintenance/alarm", action="GET")["alarms"][0]
        self.as_root("/v3/maintenance/alarm", action="DEACTIVATE", **alarm)
        until("it is restarted", lambda: case.restarts() == 1)
        until("etcd is well", self.is_up)
        return case.row("has no space left")

    def test_one_node(self):
        self.port, self.peers = free_port(), {"n0": free_port()}
        self.etcd = self.workspace.start(self.make_single)
        self.start_host([self.etcd.url], self.enable_users())
        self.show(self.tokens_expire(), self.revisions_are_compacted(), self.space_is_used_up())


if __name__ == "__main__":
    if not os.access("/usr/bin/etcd", os.X_OK):
        print("skipped: etcd is not installed")
    else:
        unittest.main(verbosity=2)
