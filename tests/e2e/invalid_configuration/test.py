"""Every mistake in the configuration is named at once, with its place."""

import unittest

from support import Scenario, reeve

CONFIG = """\
supervisor:
  url: ftp://localhost
poll:
  intervall: 5s
metrics:
  listen: 19001
"""


class InvalidConfiguration(Scenario):
    def test_serve_ends_with_78_and_check_config_says_the_same(self):
        config = self.workspace.folder / "config.yaml"
        config.write_text(CONFIG)
        served = reeve("serve", "--config", config)
        self.assertEqual(served.returncode, 78)
        for place in ("2:8: ", "4:3: ", "6:11: "):
            self.assertIn(f"{config}:{place}", served.stderr)
        self.assertIn("interval", served.stderr.replace("intervall", ""))
        checked = reeve("check-config", config)
        self.assertNotEqual(checked.returncode, 0)
        self.assertEqual(checked.stderr.count("config.yaml:"), 3, checked.stderr)

    def test_a_file_that_is_not_there(self):
        served = reeve("serve", "--config", self.workspace.folder / "none.yaml")
        self.assertEqual(served.returncode, 78)
        self.assertIn("none.yaml", served.stderr)

    def test_a_valid_file_is_said_to_be_valid(self):
        config = self.workspace.folder / "config.yaml"
        config.write_text("")
        self.assertEqual(reeve("check-config", config).returncode, 0)


if __name__ == "__main__":
    unittest.main()
