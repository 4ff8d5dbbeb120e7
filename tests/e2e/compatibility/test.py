"""Dashboards made for other exporters find the same values: side by side with Debian's
node_exporter on one supervisord with programs in every state."""

import pathlib
import unittest

from support import Agent, NodeExporter, Scenario, has_trap, until

HERE = pathlib.Path(__file__).parents[1]
CONFIG = """
supervisor: {{url: "{url}"}}
poll: {{interval: 200ms}}
metrics:
  listen: "127.0.0.1:{{metrics}}"
  compatibility: [node_exporter, supervisord_exporter]
"""
# That one's state changes for ever.
UNSTEADY = "backoff"


def shown(samples):
    return sorted((name, labels["group"], labels["name"], value) for name, labels, value in samples
                  if name.startswith("node_supervisord_") and labels["name"] != UNSTEADY)


class Compatibility(Scenario):
    def supervisord(self):
        programs = (HERE / "all_states.conf").read_text().replace("{here}", str(HERE))
        supervisord = self.start_supervisord(programs)
        supervisord.rpc("stopProcess", "stopped_after_run")
        until("its trap is set", lambda: has_trap(
            supervisord.rpc("getProcessInfo", "stopping")["pid"]))
        supervisord.rpc("stopProcess", "stopping", False)
        wanted = {"stopping": "STOPPING", "exited_signal": "EXITED", "exited_bad": "EXITED",
                  "exited_ok": "EXITED",
                  "fatal_nofile": "FATAL", "starting": "STARTING", "running": "RUNNING",
                  "stopped_after_run": "STOPPED", "stopped_never": "STOPPED"}
        until("all are in their states", lambda: all(
            supervisord.state(name) == state for name, state in wanted.items()))
        return supervisord

    def test_every_value_of_node_exporter_is_shown_under_its_name(self):
        supervisord = self.supervisord()
        peer = self.workspace.start(NodeExporter, self.workspace.folder, supervisord.url)
        agent = self.watch_with_names(supervisord)
        until("the values are the same", lambda: shown(agent.samples()) == shown(peer.samples()),
              patience=20)
        values = shown(peer.samples())
        self.assertGreater(len(values), 60)
        self.assertEqual({value for name, _, _, value in values if name.endswith("_state")},
                         {0, 10, 20, 40, 100, 200})
        self.assertIn(7, {value for name, *_, value in values if name.endswith("exit_status")})

    def test_supervisord_exporters_names_are_shown_too(self):
        supervisord = self.supervisord()
        agent = self.watch_with_names(supervisord)
        for each in supervisord.rpc("getAllProcessInfo"):
            if each["name"] == UNSTEADY:
                continue
            labels = {"group": escaped(each["group"]), "name": escaped(each["name"]),
                      "state": each["statename"], "exit_status": str(each["exitstatus"])}
            with self.subTest(each["name"]):
                until("it is shown", lambda: agent.samples().find(
                    "supervisor_process_info", **labels) == [each["statename"] == "RUNNING"])
                uptime = agent.samples().find("supervisor_process_uptime", name=labels["name"])
                self.assertEqual(len(uptime), each["statename"] == "RUNNING")

    def watch_with_names(self, supervisord):
        return self.workspace.start(Agent, self.workspace.folder / "reeve",
                                    CONFIG.format(url=supervisord.url))


def escaped(name):
    return name.replace("\\", "\\\\").replace('"', '\\"')


if __name__ == "__main__":
    unittest.main()
