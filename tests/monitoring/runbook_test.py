"""docs/runbook.md has a section for each alert rule, with a first command, and no other; each rule's
runbook_url leads to it.

Usage: runbook_test.py PROJECT_ROOT
"""

import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(sys.argv.pop())
RULES = sorted(path for folder in ("prometheus", "alertmanager")
               for path in (ROOT / "packaging" / folder).glob("*.rules.yml"))
RULE = re.compile(r"- alert: (\w+)\n(.*?)(?=\n *- (?:alert|record|name): |\Z)", re.S)


class Runbook(unittest.TestCase):
    def setUp(self):
        self.page = (ROOT / "docs/runbook.md").read_text()
        self.sections = dict(re.findall(r"(?ms)^## (.*?)\n(.*?)(?=^## |\Z)", self.page))
        self.alerts = {name: body for path in RULES
                       for name, body in RULE.findall(path.read_text())}

    def test_each_alert_has_a_section_and_each_section_an_alert(self):
        self.assertGreater(len(self.alerts), 10)
        self.assertEqual(sorted(self.sections), sorted(self.alerts))

    def test_each_section_has_a_first_command_or_look(self):
        for name, text in self.sections.items():
            self.assertRegex(text, r"(?m)^First: ", name)
            self.assertTrue("`reeve " in text or "`systemctl " in text or "`supervisorctl" in text,
                            name)

    def test_each_rule_leads_to_its_section(self):
        for name, body in self.alerts.items():
            self.assertEqual(re.findall(r'runbook_url: "(.*)"', body),
                             [f"docs/runbook.md#{name.lower()}"], name)


if __name__ == "__main__":
    unittest.main()
