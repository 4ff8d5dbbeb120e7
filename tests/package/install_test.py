"""The package installs, its files work as its user, and a purge leaves nothing behind. Installs on
this very machine: so only as root, and only where no Reeve is installed."""

import fcntl
import os
import pathlib
import pwd
import re
import shutil
import subprocess
import sys
import unittest

from support import Child, Samples, Scenario, free_port, request, until

DEB = sys.argv.pop()
OURS = ["/etc/reeve", "/usr/share/doc/reeve", "/usr/share/reeve",
        "/etc/systemd/system/multi-user.target.wants/reeve.service"]
AS_REEVE = ["setpriv", "--reuid=reeve", "--regid=reeve", "--clear-groups"]


def run(*argv):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
    return done.stdout


def user_exists():
    return any(user.pw_name == "reeve" for user in pwd.getpwall())


class Serving(Child):
    """The installed agent, run by the package's user."""

    def __init__(self, config, port):
        self.url = f"http://127.0.0.1:{port}/metrics"
        super().__init__([*AS_REEVE, "/usr/bin/reeve", "serve", "--config", config],
                         config.with_suffix(".log"))

    def up(self):
        return request("GET", self.url).status == 200


@unittest.skipUnless(os.getuid() == 0, "only root can install a package")
class Package(Scenario):
    def setUp(self):
        lock = open("/run/reeve-package-test", "w")  # one such test at a time
        self.addCleanup(lock.close)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if user_exists() or pathlib.Path("/etc/reeve").exists():
            self.skipTest("a Reeve is installed here")
        self.addCleanup(self.purge)
        run("dpkg", "-i", DEB)

    def purge(self):
        for child in self.workspace.children:
            child.end()  # nobody runs as the package's user any more
        run("dpkg", "--purge", "reeve")

    def test_it_installs_serves_and_purges(self):
        version = run("dpkg-deb", "--field", DEB, "Version").strip()
        self.assertIn(version, run("/usr/bin/reeve", "version"))
        self.assertTrue(user_exists())
        run(*AS_REEVE, "/usr/bin/reeve", "check-config", "/etc/reeve/config.yaml")
        self.serves_what_supervisord_runs()
        share = pathlib.Path("/usr/share/reeve")
        run("promtool", "check", "config", share / "prometheus/prometheus.yml")
        self.assertEqual(sorted(file.name for file in (share / "grafana").iterdir()),
                         ["fleet.json", "process.json"])
        self.assertTrue((share / "runbook.md").is_file())
        if shutil.which("jsonnet"):
            run("jsonnet", "-e", f'(import "{share}/mixin/mixin.libsonnet").grafanaDashboards')

        files = [pathlib.Path(line) for line in run("dpkg", "-L", "reeve").splitlines()]
        self.purge()
        left = [path for path in files if not path.is_dir() and path.exists()]
        left += [path for path in OURS if os.path.lexists(path)]
        self.assertEqual(left, [])
        self.assertFalse(user_exists())

    def serves_what_supervisord_runs(self):
        """With the shipped configuration, its advice on the socket included."""
        self.workspace.folder.chmod(0o755)
        shipped = pathlib.Path("/etc/reeve/config.yaml").read_text()
        advice = re.search(r"#\s+(chmod=0770)\n\s+#\s+(chown=root:reeve)\n", shipped)
        supervisord = self.start_supervisord("[program:steady]\ncommand=sleep infinity\n",
                                             socket_access="\n".join(advice.groups()))
        port = free_port()
        config = self.workspace.folder / "config.yaml"
        config.write_text(shipped.replace("unix:///run/supervisor.sock", supervisord.url)
                          .replace('listen: ":19001"', f'listen: "127.0.0.1:{port}"'))
        config.chmod(0o644)
        agent = self.workspace.start(Serving, config, port)
        until("steady is exported as up", lambda: Samples(request("GET", agent.url).body).one(
            "supervisord_process_up", name="steady") == 1)


if __name__ == "__main__":
    unittest.main()
