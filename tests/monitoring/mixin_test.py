"""The mixin renders the shipped rules and dashboards, and what _config says differs, alone. Where jsonnet
or Python's yaml are missing nothing is checked, and the exit status is 77.

Usage: mixin_test.py PROJECT_ROOT
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(sys.argv.pop())
MIXIN = ROOT / "packaging/mixin/mixin.libsonnet"
SKIPPED = 77


def rendered(field, config="{}"):
    code = f'((import "{MIXIN}") + {{ _config+:: {config} }}).{field}'
    done = subprocess.run(["jsonnet", "-e", code], text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def shipped_rules():
    with (ROOT / "packaging/prometheus/reeve.rules.yml").open() as file:
        return yaml.safe_load(file)["groups"]


def rules_of(groups):
    return [rule for group in groups for rule in group["rules"]]


class Mixin(unittest.TestCase):
    def test_without_settings_it_is_the_shipped_files(self):
        groups = rendered("prometheusRules")["groups"] + rendered("prometheusAlerts")["groups"]
        self.assertEqual(groups, shipped_rules())
        boards = rendered("grafanaDashboards")
        self.assertEqual(boards, {path.name: json.loads(path.read_text())
                                  for path in (ROOT / "grafana").glob("*.json")})

    def test_settings_change_what_they_name_alone(self):
        config = """{ job: 'agents', runbookBase: 'https://wiki.example/', disabled: ['ReeveGaveUp'],
                      severities: { ReeveDown: 'page' } }"""
        expected = [rule for rule in rules_of(shipped_rules()) if "alert" in rule]
        expected = [rule for rule in expected if rule["alert"] != "ReeveGaveUp"]
        for rule in expected:
            rule["annotations"]["runbook_url"] = ("https://wiki.example/"
                                                  + rule["annotations"]["runbook_url"])
            if rule["alert"] == "ReeveDown":
                rule["labels"]["severity"] = "page"
                rule["expr"] = 'up{job="agents"} == 0'
        self.assertEqual(rules_of(rendered("prometheusAlerts", config)["groups"]), expected)

    def test_a_dashboards_link_finds_the_others_by_its_first_tag(self):
        boards = rendered("grafanaDashboards", "{ dashboardTags: ['ours'], dashboardRefresh: '1m' }")
        for board in boards.values():
            self.assertEqual((board["tags"], board["refresh"]), (["ours"], "1m"))
            self.assertEqual([link["tags"] for link in board["links"]], [["ours"]])

    def test_promtool_takes_what_it_renders(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            json.dump(rendered("prometheusAlerts"), file)
            file.flush()
            done = subprocess.run(["promtool", "check", "rules", file.name], text=True,
                                  capture_output=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    try:
        import yaml
    except ImportError:
        yaml = None
    if not yaml or not shutil.which("jsonnet"):
        print("skipped: it needs jsonnet and python3-yaml")
        sys.exit(SKIPPED)
    unittest.main()
