"""The examples for Alertmanager are what its own tools, Prometheus' and Reeve take, and fit each
other.

Usage: alertmanager_test.py FOLDER, with the executable in the environment variable REEVE
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

FOLDER = pathlib.Path(sys.argv.pop())


def run(*argv):
    return subprocess.run([str(word) for word in argv], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True)


class Examples(unittest.TestCase):
    def passes(self, *argv):
        done = run(*argv)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done

    def test_the_tools_take_them(self):
        self.passes("amtool", "check-config", FOLDER / "alertmanager.yml")
        self.passes("promtool", "check", "config", FOLDER / "prometheus.yml")
        self.passes("promtool", "check", "rules", FOLDER / "remedies.rules.yml")

    def test_reeve_takes_its_configuration_without_a_warning(self):
        with tempfile.TemporaryDirectory() as folder:
            config = (FOLDER / "reeve.yaml").read_text()
            for number, name in enumerate(("alertmanager", "ops")):
                token = pathlib.Path(folder) / name
                token.write_text(str(number) * 44 + "\n")
                token.chmod(0o600)
                config = config.replace(f"/etc/reeve/tokens/{name}", str(token))
            file = pathlib.Path(folder) / "config.yaml"
            file.write_text(config)
            done = self.passes(os.environ["REEVE"], "check-config", file)
            self.assertEqual(done.stderr, "")

    def test_they_fit_each_other(self):
        alertmanager, rules, reeve = ((FOLDER / name).read_text() for name in (
            "alertmanager.yml", "remedies.rules.yml", "reeve.yaml"))
        for alert in re.findall(r"- alert: (\w+)", rules):
            self.assertIn(f"alertname: {alert}", reeve)
        for remedy in re.findall(r"remedy: (\w+)", rules):
            self.assertIn(remedy, re.search(r'remedy=~"(.*?)"', alertmanager)[1].split("|"))
        identity = re.search(r'instance: "(.*?)"', reeve)[1]
        self.assertIn(f'instance="{identity}"', alertmanager)
        prometheus = (FOLDER / "prometheus.yml").read_text()
        self.assertIn(f'targets: ["{identity}"]', prometheus)
        for job in re.findall(r'job="(\w+)"', rules):
            self.assertIn(f"job_name: {job}\n", prometheus)
        port = re.search(r'listen: "(127.*?)"', reeve)[1]
        self.assertIn(f"http://{port}/api/v1/alerts", alertmanager)


if __name__ == "__main__":
    unittest.main()
