"""Control without a way to tell who asks is refused at the start."""

import unittest

from support import Scenario, reeve


class ControlNeedsAToken(Scenario):
    def refused(self, control):
        config = self.workspace.folder / "config.yaml"
        config.write_text("metrics: {listen: '127.0.0.1:0'}\n" + control)
        done = reeve("serve", "--config", config)
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertRegex(done.stderr, r"config\.yaml:\d+:\d+: ")
        return done.stderr

    def test_no_token_at_all(self):
        self.assertIn("token", self.refused("control: {enabled: true}\n"))

    def test_a_token_too_short_to_be_one(self):
        token = self.workspace.folder / "token"
        token.write_text("secret\n")
        token.chmod(0o600)
        said = self.refused(f"""
control:
  enabled: true
  tokens:
    - {{name: ops, file: {token}, scopes: [read]}}
""")
        self.assertIn("32", said)
        self.assertNotIn("secret", said)

    def test_beyond_loopback_without_encryption(self):
        token = self.workspace.folder / "token"
        token.write_text("t" * 64)
        token.chmod(0o600)
        said = self.refused(f"""
control:
  enabled: true
  listen: ":0"
  tokens:
    - {{name: ops, file: {token}, scopes: [read]}}
""")
        self.assertIn("plaintext", said)


if __name__ == "__main__":
    unittest.main()
