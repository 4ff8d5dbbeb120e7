"""What becomes of credentials: they are not left in memory, and what is taken away ends."""

import http.client
import os
import re
import signal
import ssl
import subprocess
import unittest

from support import PATIENCE, ROOT, Agent, Scenario, until

CERTIFICATES = ROOT / "tests/fixtures/tls"


def memory_of(pid):
    """All that the process has written to, mapping by mapping."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb") as memory:
        for line in maps:
            first, last, rights, name = re.match(
                r"(\w+)-(\w+) (\S+) \S+ \S+ \S+\s*(.*)", line).groups()
            if "w" in rights and not name.startswith("[v"):
                memory.seek(int(first, 16))
                yield memory.read(int(last, 16) - int(first, 16))


@unittest.skipIf(os.getuid() != 0, "reading an agent's memory takes root")
class Memory(Scenario):
    def setUp(self):
        supervisord = self.start_supervisord("[program:p]\ncommand=sleep infinity\n")
        self.agent = self.start_agent(f"supervisor: {{url: {supervisord.url}}}\n")

    def holds(self, text):
        self.agent.pause()  # a mapping that it gives back meanwhile could not be read
        found = any(text.encode() in piece for piece in memory_of(self.agent.pid))
        self.agent.resume()
        return found

    def test_the_text_of_a_token_is_not_in_it(self):
        self.assertTrue(self.holds(str(self.agent.folder)))
        self.assertFalse(self.holds(self.agent.token))

    def test_nor_after_a_reload(self):
        self.agent.token_file.write_text("t" * 40 + "\n")
        self.agent.signal(signal.SIGHUP)
        until("it is reloaded", lambda: "the configuration is reloaded" in self.agent.text())
        self.assertFalse(self.holds(self.agent.token))
        self.assertFalse(self.holds("t" * 40))


class OpenToAll(Scenario):
    def test_a_token_that_everybody_may_read_is_a_warning_in_the_log(self):
        agent = self.start_agent("")
        self.assertNotIn("all users can read", agent.text())
        agent.token_file.chmod(0o644)
        agent.signal(signal.SIGHUP)
        until("it is warned of", lambda: f"all users can read {agent.token_file}: chmod o-r it"
              in agent.text())


class Stream:
    """A response that goes on: what has come of it so far."""

    def __init__(self, connection, path, token=None):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        connection.request("GET", path, headers=headers)
        self.connection = connection
        self.answer = connection.getresponse()
        self.text = ""

    def read_until(self, wanted):
        while wanted not in self.text:
            piece = self.answer.read1()
            assert piece, f"ended after {self.text!r}"
            self.text += piece.decode()

    def read_all(self):
        self.text += self.answer.read().decode()
        return self.text


class RevokedToken(Scenario):
    CONFIG = """
supervisor: {{url: {url}}}
poll: {{interval: 200ms}}
metrics: {{listen: "127.0.0.1:{{metrics}}"}}
control:
  enabled: true
  listen: "127.0.0.1:{{control}}"
  tokens:
    - {{name: kept, file: {{token_file}}, scopes: [read, logs, control]}}
"""
    GUEST = "    - {{name: guest, file: {file}, scopes: [read, logs]}}\n"

    def open(self, path, token):
        connection = http.client.HTTPConnection("127.0.0.1", self.agent.control_port,
                                                timeout=PATIENCE)
        self.addCleanup(connection.close)
        return Stream(connection, path, token)

    def test_its_streams_end_with_a_word_and_those_of_others_go_on(self):
        supervisord = self.start_supervisord(
            "[program:p]\ncommand=sh -c 'while :; do echo line; sleep 0.1; done'\n")
        token = self.workspace.folder / "guest"
        token.write_text("g" * 40)
        token.chmod(0o600)
        config = self.CONFIG.format(url=supervisord.url)
        self.agent = self.workspace.start(Agent, self.workspace.folder / "reeve",
                                          config + self.GUEST.format(file=token))
        until("p is known", lambda: self.agent.control("GET", "/api/v1/processes/p").status == 200)
        guest = self.open("/api/v1/events", "g" * 40)
        log = self.open("/api/v1/processes/p/logs/stdout?follow=true", "g" * 40)
        kept = self.open("/api/v1/events", self.agent.token)
        guest.read_until("id: ")
        log.read_until("line")
        kept.read_until("id: ")
        self.agent.write_config(config)
        self.agent.signal(signal.SIGHUP)
        self.assertIn("event: end\ndata: {", guest.read_all())
        self.assertIn("the configuration no longer grants it", log.read_all())
        supervisord.rpc("stopProcess", "p")
        kept.read_until('"state":"STOPPED"')
        self.assertNotIn("event: end", kept.text)


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


class RevokedCertificate(Scenario):
    def authority(self, name):
        """A certificate authority, and a client certificate ops.example of it."""
        folder = self.workspace.folder
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-days", 2, "-subj", f"/CN={name}", "-keyout", folder / f"{name}.key",
                "-out", folder / f"{name}.pem")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-subj", "/CN=ops", "-addext", "subjectAltName=DNS:ops.example",
                "-keyout", folder / f"{name}-ops.key", "-out", folder / f"{name}-ops.csr")
        openssl("x509", "-req", "-in", folder / f"{name}-ops.csr", "-copy_extensions", "copy",
                "-CA", folder / f"{name}.pem", "-CAkey", folder / f"{name}.key", "-days", 2,
                "-out", folder / f"{name}-ops.pem")
        return (folder / f"{name}.pem").read_text()

    def connect(self, name):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        folder = self.workspace.folder
        context.load_cert_chain(folder / f"{name}-ops.pem", folder / f"{name}-ops.key")
        connection = http.client.HTTPSConnection("127.0.0.1", self.agent.control_port,
                                                 context=context, timeout=PATIENCE)
        connection.connect()
        self.addCleanup(connection.close)
        return connection

    def reload(self, authorities):
        (self.workspace.folder / "ca.pem").write_text(authorities)
        before = self.agent.text().count("the configuration is reloaded")
        self.agent.signal(signal.SIGHUP)
        until("it is reloaded", lambda: self.agent.text().count(
            "the configuration is reloaded") > before)

    @staticmethod
    def ask(connection, method="GET", path="/api/v1/processes/p"):
        connection.request(method, path)
        answer = connection.getresponse()
        answer.read()
        return answer.status

    def test_a_kept_connection_of_a_removed_authority_cannot_act(self):
        old, new = self.authority("old"), self.authority("new")
        supervisord = self.start_supervisord(
            "[program:p]\ncommand=sleep infinity\nstartsecs=0\n")
        (self.workspace.folder / "ca.pem").write_text(old)
        folder = self.workspace.folder
        self.agent = self.workspace.start(Agent, folder / "reeve", f"""
supervisor: {{url: {supervisord.url}}}
poll: {{interval: 200ms}}
metrics: {{listen: "127.0.0.1:{{metrics}}"}}
control:
  enabled: true
  listen: "127.0.0.1:{{control}}"
  tls: {{cert_file: {CERTIFICATES}/localhost.pem, key_file: {CERTIFICATES}/localhost.key, client_ca_file: {folder}/ca.pem}}
  clients: [{{san: ops.example, scopes: [read, control]}}]
""")
        kept = self.connect("old")
        until("p is known", lambda: self.ask(kept) == 200)
        stream = Stream(self.connect("old"), "/api/v1/events")
        stream.read_until("id: ")
        # A request whose body is not sent yet when the certificate is revoked.
        begun = self.connect("old")
        begun.putrequest("POST", "/api/v1/processes/p/stop")
        begun.putheader("Content-Type", "application/json")
        begun.putheader("Content-Length", "2")
        begun.endheaders()
        self.reload(old + new)
        self.assertEqual(self.ask(kept), 200)
        self.reload(new)
        with self.assertRaises((http.client.HTTPException, OSError)):
            self.ask(kept, "POST", "/api/v1/processes/p/stop")
        stream.read_all()
        try:
            begun.send(b"{}")
            self.assertEqual(begun.getresponse().status, 401)
        except OSError:  # closed before its answer was read: nothing is done either way
            pass
        with self.assertRaises(OSError):
            self.ask(self.connect("old"))
        self.assertEqual(self.ask(self.connect("new")), 200)
        self.assertEqual(supervisord.state("p"), "RUNNING")


if __name__ == "__main__":
    unittest.main()
