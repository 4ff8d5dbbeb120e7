"""etcd with TLS and a user for Reeve alone, set up as docs/many-hosts.md says: its commands are run and
its settings are used, word for word but for names, ports and folders."""

import os
import pty
import re
import subprocess
import time
import unittest

import hosts
from support import PATIENCE, ROOT, Child, Scenario, free_port, until

DOCUMENT = (ROOT / "docs/many-hosts.md").read_text()
PASSWORDS = {"root": "of the administrator", "reeve": "of Reeve"}


def block(language, word):
    """The only one of this language with this word in it."""
    found = [text for text in re.findall(rf"```{language}\n(.*?)```", DOCUMENT, re.DOTALL)
             if word in text]
    assert len(found) == 1, f"{len(found)} blocks have {word}"
    return found[0]


def on_a_terminal(script, folder):
    """Runs it where etcdctl may ask for passwords, and types them. What it printed."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execv("/bin/sh", ["sh", "-ec", script])
    said, asked = "", 0
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            said += os.read(terminal, 4096).decode()
        except OSError:  # the other end is closed
            break
        questions = re.findall(r"[Pp]assword of (\w+).*?: ", said)
        for user in questions[asked:]:
            os.write(terminal, PASSWORDS[user].encode() + b"\n")
        asked = len(questions)
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, said
    return said


class SecureEtcd(Child):
    """One whose settings are those of /etc/default/etcd."""

    def __init__(self, folder, settings, environment):
        self.environment = environment
        peer = f"http://127.0.0.1:{free_port()}"
        super().__init__(["/usr/bin/etcd", "--data-dir", folder / "data", "--listen-peer-urls", peer,
                          "--initial-advertise-peer-urls", peer, "--initial-cluster",
                          f"default={peer}"], folder / "etcd.log", env={**os.environ, **settings})

    def etcdctl(self, *words):
        return subprocess.run(["etcdctl", *words], text=True, capture_output=True, timeout=PATIENCE,
                              env={**os.environ, **self.environment}, check=False)

    def up(self):
        return self.etcdctl("endpoint", "health").returncode == 0


class EtcdUsersAndTls(Scenario):
    def fitted(self, text):
        for documented, here in (("0.0.0.0:2379", f"127.0.0.1:{self.port}"),
                                 ("etcd1:2379", f"127.0.0.1:{self.port}"),
                                 ("/etc/etcd/", f"{self.folder}/"),
                                 ("/etc/reeve/etcd-ca.pem", f"{self.folder}/ca.pem"),
                                 ("/etc/reeve/etcd.password", f"{self.folder}/password")):
            text = text.replace(documented, here)
        return text

    def start_etcd(self):
        subprocess.run(["/bin/sh", "-ec", block("sh", "openssl")], cwd=self.folder, check=True,
                       capture_output=True)
        settings = dict(re.findall(r"(?m)^(ETCD_\w+)=(.*)$",
                                   self.fitted(block("sh", "/etc/default/etcd"))))
        environment = dict(re.findall(r"(ETCDCTL_\w+)=(\S+)", self.fitted(block("sh", "etcdctl"))))
        self.etcd = self.workspace.start(SecureEtcd, self.folder, settings, environment)

    def config(self):
        """Of a host: the document's section `etcd`, in which the two other endpoints are left out."""
        documented = re.search(r"(?m)^  etcd:\n((?:    .*\n)+)", block("yaml", "coordination:"))[1]
        documented = re.sub(r'endpoints: \["([^"]+)".*\]', r'endpoints: ["\1"]', documented)
        return re.sub(r"(?m)^  etcd: .*\n", lambda _: "  etcd:\n" + self.fitted(documented),
                      hosts.CONFIG).replace("lease: 10s", "lease: 20s")

    def setUp(self):
        self.folder = self.workspace.folder
        self.port = free_port()
        self.start_etcd()
        on_a_terminal(self.fitted(block("sh", "etcdctl")), self.folder)
        password = self.folder / "password"
        password.write_text(PASSWORDS["reeve"] + "\n")
        password.chmod(0o600)

    def test_as_the_document_says(self):
        self.assertIn("user name is empty", self.etcd.etcdctl("get", "/reeve/").stderr)
        host = hosts.start_hosts(self.workspace, ["host1"], [], config=self.config())["host1"]
        host.send("PUT", "/api/v1/fleet/limits/web", {"at_once": 1})
        until("the limit is known", host.limit)
        host.alert("web")
        until("it is restarted", lambda: host.restarts("web") == 1)
        until("no slot is held", lambda: host.holders() == [])
        self.assertEqual([each["name"] for each in host.send("GET", "/api/v1/fleet/members")],
                         ["host1"])

        # The user reaches Reeve's keys and no others.
        user = ("--user", "reeve:" + PASSWORDS["reeve"])
        self.assertIn("/reeve/default/members/host1",
                      self.etcd.etcdctl("get", "--prefix", "/reeve/", *user).stdout)
        for words in (("get", "/other"), ("put", "/other", "x"), ("get", "--prefix", ""),
                      ("user", "list")):
            self.assertIn("permission denied", self.etcd.etcdctl(*words, *user).stderr, words)

        # An authority that did not sign etcd's certificate is not trusted.
        other = self.config().replace(f"{self.folder}/ca.pem", f"{self.folder}/other.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=other",
                        "-keyout", "other.key", "-out", "other.pem"], cwd=self.folder, check=True,
                       capture_output=True)
        host.agent.end()
        host.config = other
        host.start_agent()
        until("that is said", lambda: re.search("etcd cannot be asked.*certificate",
                                                host.agent.text()))
        self.assertEqual(host.agent.samples().one("reeve_coordination_up"), 0)


if __name__ == "__main__":
    if not all(os.access(f"/usr/bin/{each}", os.X_OK) for each in ("etcd", "etcdctl")):
        print("skipped: etcd and etcdctl are not installed")
    else:
        unittest.main(verbosity=2)
