"""The options of Prometheus's exporters, several listeners, and files that change under the agent."""

import os
import shutil
import socket
import ssl
import subprocess
import unittest

import support
from support import REEVE, ROOT, Agent, Child, Scenario, free_port, until

CERTIFICATES = ROOT / "tests/fixtures/tls"
PROGRAMS = "[program:seen]\ncommand=sleep infinity\n"


def certificate_of(port):
    try:
        return ssl.get_server_certificate(("127.0.0.1", port), timeout=5)
    except OSError:
        return None


class WebConfiguration(Scenario):
    def setUp(self):
        self.supervisord = self.start_supervisord(PROGRAMS)
        self.folder = self.workspace.folder

    def serve(self, *options, config="", **arguments):
        file = self.folder / "reeve.yaml"
        file.write_text(f"supervisor: {{url: {self.supervisord.url}}}\n" + config)
        return self.workspace.start(Serving, [REEVE, "serve", "--config", file, *options],
                                    self.folder / "serve.log", **arguments)

    def scrape(self, port, path="/metrics"):
        return support.request("GET", f"http://127.0.0.1:{port}{path}")

    def test_options_come_over_the_configuration(self):
        web = self.folder / "web.yaml"
        web.write_text("http_server_config: {headers: {X-Frame-Options: deny}}\n")
        ports = free_port(), free_port()
        agent = self.serve(*(f"--web.listen-address=127.0.0.1:{port}" for port in ports),
                           f"--web.config.file={web}", "--web.telemetry-path=/m",
                           "--log.level=debug", "--log.format=json")
        for port in ports:
            until("it listens", lambda: self.scrape(port, "/m").status == 200)
            self.assertEqual(self.scrape(port, "/m").headers["X-Frame-Options"], "deny")
            self.assertEqual(self.scrape(port).status, 404)
        self.assertIn('"level":"info"', agent.text().replace(" ", ""))
        self.assertIn('listener="metrics_2"', self.scrape(ports[0], "/m").body)

    def test_a_list_of_addresses(self):
        ports = free_port(), free_port()
        path = self.folder / "m.sock"
        self.serve(config=f"metrics: {{listen: ['127.0.0.1:{ports[0]}', '127.0.0.1:{ports[1]}',"
                          f" 'unix://{path}']}}\n")
        for port in ports:
            until("it listens", lambda: self.scrape(port).status == 200)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            client.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.assertIn(b"200", client.recv(100))

    def test_a_socket_of_systemds(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        port = listener.getsockname()[1]
        # As systemd does it: descriptor 3, and the pid that has it.
        starter = (f"import os; os.dup2({listener.fileno()}, 3); "
                   "os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid())); "
                   f"os.execv({str(REEVE)!r}, {[str(REEVE), 'serve', '--url', self.supervisord.url, '--web.systemd-socket']!r})")
        self.workspace.start(Serving, ["python3", "-c", starter], self.folder / "socket.log",
                             pass_fds=[listener.fileno()])
        until("it is served", lambda: self.scrape(port).status == 200)

    def test_without_a_socket_of_systemds_it_says_so(self):
        done = support.reeve("serve", "--url", self.supervisord.url, "--web.systemd-socket")
        self.assertEqual(done.returncode, 1)
        self.assertIn("systemd has passed no socket", done.stderr)

    def test_changed_certificates_and_users_are_used_without_a_reload(self):
        for end in ("pem", "key"):
            shutil.copy(CERTIFICATES / f"localhost.{end}", self.folder / f"web.{end}")
        web = self.folder / "web.yaml"
        web.write_text("tls_server_config: {cert_file: web.pem, key_file: web.key}\n")
        port = free_port()
        agent = self.serve(f"--web.listen-address=127.0.0.1:{port}", f"--web.config.file={web}")
        until("it listens", lambda: certificate_of(port))
        first = certificate_of(port)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                        "-subj", "/CN=next", "-keyout", self.folder / "web.key", "-out",
                        self.folder / "web.pem"], check=True, capture_output=True)
        until("the next one is used", lambda: certificate_of(port) not in (None, first))
        with web.open("a") as more:
            more.write("basic_auth_users: {alice: $2y$04$JyZxhgrxxbyQUqZ9H6hWSOMVOyvDEpWQZUE0I7OYrRhFBcOQkZIpK}\n")
        context = ssl._create_unverified_context()
        def status():
            with socket.create_connection(("127.0.0.1", port)) as plain:
                with context.wrap_socket(plain) as tls:
                    tls.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    return tls.recv(12)
        until("a login is needed", lambda: status() == b"HTTP/1.1 401")
        web.write_text("tls_server_config: [\n")
        until("it is reported", lambda: "are not used" in agent.text())
        self.assertEqual(status(), b"HTTP/1.1 401")


class Serving(Child):
    def up(self):
        return "reeve is running" in self.text()


if __name__ == "__main__":
    unittest.main()
