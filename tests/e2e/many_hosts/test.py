"""One etcd and three hosts, each a real supervisord with its agent: an alert that fires on all of them
restarts one after the other, once each, whatever happens to etcd and to an agent meanwhile."""

import json
import os
import signal
import unittest

import hosts
from dashboards import dashboard, expressions, filled_in, is_of_many_hosts
from support import Etcd, Prometheus, Scenario, until

HOSTS = ("host1", "host2", "host3")


class ManyHosts(Scenario):
    def setUp(self):
        self.etcd = self.workspace.start(Etcd, self.workspace.folder / "etcd")
        self.hosts = hosts.start_hosts(self.workspace, HOSTS, [self.etcd.url])
        self.host1, self.host2, self.host3 = self.hosts.values()
        self.host1.send("PUT", "/api/v1/fleet/limits/web", {"at_once": 1})
        for host in self.hosts.values():
            until("the limit is known", host.limit)

    def test_one_after_the_other_once_each(self):
        for host in self.hosts.values():
            self.assertEqual(host.alert("web")["decision"], "pending")
        for host in self.hosts.values():
            until("it is restarted", lambda each=host: len(each.outages("web")) == 1)
        until("no slot is held", lambda: self.host1.holders() == [])
        self.assertEqual(hosts.most_down_at_once(self.hosts.values(), "web"), 1)
        for host in self.hosts.values():
            self.assertEqual(host.restarts("web"), 1)
        targets = json.loads(self.host1.agent.get("/fleet/targets").body)
        self.assertEqual([each["labels"]["__meta_reeve_member"] for each in targets], list(HOSTS))
        self.assertEqual(targets[0]["labels"]["__meta_reeve_label_role"], "test")
        members = self.host2.send("GET", "/api/v1/fleet/members")
        self.assertEqual([(each["name"], each["alive"], each["self"]) for each in members],
                         [("host1", True, False), ("host2", True, True), ("host3", True, False)])
        until("its processes are reported", lambda: self.host2.send(
            "GET", "/api/v1/fleet/members")[0]["groups"].get("web") == {"RUNNING": 1})
        samples = self.host1.agent.samples()
        self.assertEqual(samples.one("reeve_coordination_up"), 1)
        self.assertEqual(samples.one("reeve_limit_claims_total", limit="web", result="won"), 1)

    def test_the_first_failure_keeps_its_slot_and_a_person_frees_it(self):
        for host in self.hosts.values():
            host.let_run("exit 1")
        self.host1.alert("fragile")
        until("it has failed", lambda: self.host1.holders() == [("host1", True)])
        for host in (self.host2, self.host3):
            host.alert("fragile")
            until("it waits", lambda each=host: each.pending() == ["waiting_for_slot"])
        self.assertEqual([host.restarts("fragile") for host in self.hosts.values()], [1, 0, 0])
        self.host3.send("DELETE", "/api/v1/fleet/limits/web/holders/host1")
        until("the next one fails, alone", lambda: [
            (host == "host1", failed) for host, failed in self.host1.holders()] == [(False, True)])
        self.assertEqual(sum(host.restarts("fragile") for host in self.hosts.values()), 2)

    def test_etcd_is_lost(self):
        host = self.host1
        host.alert("slow")
        until("it is stopping", lambda: host.supervisord.state("slow") == "STOPPING")
        lost = host.agent.text().count("etcd cannot be asked")
        self.etcd.end()
        until("it is finished all the same", lambda: host.restarts("slow") == 1
              and host.supervisord.state("slow") == "RUNNING")
        until("the loss is seen", lambda: host.agent.samples().one("reeve_coordination_up") == 0)
        self.assertEqual(host.alert("web")["decision"], "pending")
        until("it waits", lambda: host.pending() == ["coordination_unreachable"])
        answer = host.send("POST", "/api/v1/processes/fragile/restart?wait=30s")
        self.assertEqual(answer["result"], "succeeded", answer)  # a person acts
        self.assertEqual(host.restarts("web"), 0)
        self.assertEqual(host.agent.get("/fleet/targets").status, 200)  # the last list
        self.assertEqual(host.agent.text().count("etcd cannot be asked"), lost + 1)
        self.etcd = self.workspace.start(Etcd, self.workspace.folder / "etcd", self.etcd.port)
        until("it acts", lambda: host.restarts("web") == 1)
        until("that is said", lambda: "etcd answers again" in host.agent.text())

    def lease_of_slot(self):
        """The id of the lease of the only slot."""
        return self.etcd.call("/v3/kv/range", key=b"/reeve/default/slots/web/",
                              range_end=b"/reeve/default/slots/web0")["kvs"][0]["lease"]

    def seconds_left(self, lease):
        """None once it has ended."""
        left = int(self.etcd.call("/v3/lease/timetolive", ID=lease).get("TTL", 0))
        return left if left >= 0 else None

    def test_the_slot_of_a_holder_that_is_killed_is_free_after_its_lease_and_not_before(self):
        self.host1.alert("slow")
        until("it is stopping", lambda: self.host1.supervisord.state("slow") == "STOPPING")
        self.host1.agent.signal(signal.SIGKILL)
        self.host1.agent.wait()
        self.host2.alert("web")
        until("it waits", lambda: self.host2.pending() == ["waiting_for_slot"])
        self.assertEqual(self.host2.holders(), [("host1", False)])
        lease = self.lease_of_slot()
        looks = []  # each: whether the other was restarted, and after that what etcd says
        until("the lease has ended", lambda: looks.append(
            (self.host2.restarts("web"), self.seconds_left(lease))) or looks[-1][1] is None)
        self.assertEqual({restarts for restarts, left in looks if left is not None}, {0})
        until("the other has its turn", lambda: self.host2.restarts("web") == 1)
        self.host1.start_agent()
        until("it runs again", lambda: self.host1.supervisord.state("slow") == "RUNNING")
        self.assertEqual(self.host1.restarts("slow"), 1)
        samples = self.host1.agent.samples()  # of the next run, which has not asked
        self.assertEqual(samples.find("reeve_limit_claims_total"), [])

    def test_every_query_of_the_fleet_dashboard_about_many_hosts_finds_data(self):
        prometheus = self.workspace.start(Prometheus, self.workspace.folder, [],
                                          edit=hosts.discovering(self.host1.agent))
        self.host1.send("PUT", "/api/v1/fleet/limits/web",
                        {"at_once": 1, "budget": "9/1h"})
        until("the limit has a budget", lambda: self.host3.limit()["budget"])
        until("all are scraped", lambda: len(prometheus.query('reeve_limit_budget_left == 9')) == 3)
        for program in ("web", "fragile"):
            self.host1.alert(program)
            until("it is restarted", lambda each=program: self.host1.restarts(each) == 1)
        found = [(title, filled_in(expression, {"instance": ".*"}))
                 for title, expression in expressions(dashboard("fleet"))
                 if is_of_many_hosts(expression)]
        self.assertEqual(len(found), 7)
        for title, expression in found:
            until(f"data for {title}: {expression}", lambda each=expression: prometheus.query(each))

    def test_a_dead_host_is_a_target_until_it_is_forgotten(self):
        prometheus = self.workspace.start(Prometheus, self.workspace.folder, [],
                                          edit=hosts.discovering(self.host1.agent))

        def up():
            return {each["metric"]["member"]: each["value"][1]
                    for each in prometheus.query('up{job="reeve",role="test"}')}

        def targets():
            answer = self.host1.agent.get("/fleet/targets")
            return [each["labels"]["__meta_reeve_member"] for each in json.loads(answer.body)]
        until("all are scraped", lambda: up() == dict.fromkeys(HOSTS, "1"))
        self.host3.agent.signal(signal.SIGKILL)
        self.host3.agent.wait()
        until("it is not alive", lambda: self.host1.agent.samples().one(
            "reeve_coordination_members", alive="false") == 1)
        self.assertEqual(targets(), list(HOSTS))
        until("ReeveDown is about to fire for it", lambda: [
            each["metric"]["member"] for each in prometheus.query(
                'ALERTS{alertname="ReeveDown",alertstate="pending"}')] == ["host3"])
        until("the others are up", lambda: up() == {"host1": "1", "host2": "1", "host3": "0"})
        self.host2.send("DELETE", "/api/v1/fleet/members/host3")
        until("it is a target no more", lambda: targets() == list(HOSTS[:2]))
        until("Prometheus has dropped it", lambda: set(up()) == set(HOSTS[:2]))


if __name__ == "__main__":
    if not os.access("/usr/bin/etcd", os.X_OK):
        print("skipped: etcd is not installed")
    else:
        unittest.main(verbosity=2)
