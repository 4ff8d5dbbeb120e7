"""An alert on twenty hosts, each a real supervisord with its agent, and three nodes of etcd: two
processes at a time, all of them once; and a release that fails, which fails on one of them alone."""

import os
import unittest

import hosts
from support import Scenario, until

COUNT = 20


class TwentyHosts(Scenario):
    def setUp(self):
        nodes = hosts.EtcdNodes(self.workspace, 3)
        names = [f"host{number:02}" for number in range(1, COUNT + 1)]
        self.hosts = list(hosts.start_hosts(self.workspace, names, nodes.urls()).values())

    def set_limit(self, at_once):
        self.hosts[0].send("PUT", "/api/v1/fleet/limits/web", {"at_once": at_once})
        for host in self.hosts:
            until("the limit is known",
                  lambda each=host: (each.limit() or {}).get("at_once") == at_once)

    def all_are_restarted_two_at_a_time(self):
        self.set_limit(2)
        for host in self.hosts:
            self.assertEqual(host.alert("web")["decision"], "pending")
        for host in self.hosts:
            until(f"{host.name} is restarted", lambda each=host: len(each.outages("web")) == 1)
        until("no slot is held", lambda: self.hosts[0].holders() == [])
        self.assertEqual(hosts.most_down_at_once(self.hosts, "web"), 2)
        self.assertEqual([host.restarts("web") for host in self.hosts], COUNT * [1])

    def a_failing_release_fails_on_one(self):
        self.set_limit(1)
        for host in self.hosts:
            host.let_run("exit 1")
        pids = [host.supervisord.rpc("getProcessInfo", "fragile")["pid"] for host in self.hosts]
        for host in self.hosts:
            self.assertEqual(host.alert("fragile")["decision"], "pending")
        until("one has failed", lambda: [failed for _, failed in self.hosts[0].holders()] == [True])
        name = self.hosts[0].holders()[0][0]
        others = [host for host in self.hosts if host.name != name]
        for host in others:
            until(f"{host.name} waits", lambda each=host: each.pending() == ["waiting_for_slot"])
        self.assertEqual(sum(host.restarts("fragile") for host in self.hosts), 1)
        now = [host.supervisord.rpc("getProcessInfo", "fragile")["pid"] for host in self.hosts]
        self.assertEqual(sum(one == other for one, other in zip(pids, now)), COUNT - 1)
        self.assertEqual(self.hosts[0].holders(), [(name, True)])

    def test_an_alert_on_all_of_them(self):
        self.all_are_restarted_two_at_a_time()
        self.a_failing_release_fails_on_one()


if __name__ == "__main__":
    if not os.access("/usr/bin/etcd", os.X_OK):
        print("skipped: etcd is not installed")
    else:
        unittest.main(verbosity=2)
