"""The static executable in roots that hold nothing of Debian 12: it finds hosts, name servers and
certificate authorities, and needs no library.

Runs as root; what cannot be made here is skipped, with the reason. The executable is $REEVE.
"""

import os
import pathlib
import shutil
import socket
import ssl
import struct
import subprocess
import threading
import unittest
import xmlrpc.server

from support import REEVE, Child, Samples, Supervisord, Workspace, free_port, request

EXECUTABLE = pathlib.Path(REEVE)
INET = """
[inet_http_server]
port=127.0.0.1:{port}
[program:steady]
command=sleep infinity
"""
AUTHORITIES = ["etc/ssl/certs/ca-certificates.crt", "etc/pki/tls/certs/ca-bundle.crt",
               "etc/ssl/ca-bundle.pem", "etc/ssl/cert.pem"]


def setUpModule():
    global WORKSPACE, PORT
    if os.getuid() != 0:
        raise unittest.SkipTest("chroot needs root")
    WORKSPACE = Workspace()
    unittest.addModuleCleanup(WORKSPACE.close)
    PORT = free_port()
    WORKSPACE.start(Supervisord, WORKSPACE.folder / "supervisord", INET.replace("{port}", str(PORT)))


def bare_root(name):
    root = WORKSPACE.folder / name
    (root / "etc").mkdir(parents=True)
    return root


def run(root, *words, **variables):
    """A command in a root, with these environment variables alone."""
    return subprocess.run([shutil.which("chroot"), root, "/reeve", *words], env=variables,
                          stdin=subprocess.DEVNULL, text=True, capture_output=True, timeout=60,
                          check=False)


class InRoot(Child):
    def __init__(self, root, *words):
        self.port = free_port()
        config = root / "etc/reeve.yaml"
        config.write_text(f"metrics: {{listen: '127.0.0.1:{self.port}'}}\n")
        super().__init__(["chroot", root, "/reeve", "serve", "--config", "/etc/reeve.yaml", *words],
                         root / "reeve.log")

    def up(self):
        page = request("GET", f"http://127.0.0.1:{self.port}/metrics").body
        return Samples(page).one("supervisord_up") == 1


class NameServer:
    """Says that every name is 127.0.0.1."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        self.thread = threading.Thread(target=self.answer, daemon=True)
        self.thread.start()

    def answer(self):
        while True:
            try:
                query, client = self.socket.recvfrom(512)
            except OSError:
                return
            end = query.index(0, 12) + 5
            kind = struct.unpack("!H", query[end - 4:end - 2])[0]
            record = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 1, 4) + bytes([127, 0, 0, 1])
            answers = 1 if kind == 1 else 0
            self.socket.sendto(query[:2] + struct.pack("!HHHHH", 0x8180, 1, answers, 0, 0) +
                               query[12:end] + record * answers, client)


class TlsSupervisord:
    """Two methods behind a certificate of a new authority, for localhost."""

    def __init__(self, folder):
        self.certificate = folder / "certificate.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj",
                        "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout",
                        folder / "key.pem", "-out", self.certificate], check=True,
                       capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, folder / "key.pem")
        self.server = xmlrpc.server.SimpleXMLRPCServer(("127.0.0.1", 0), logRequests=False)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.server.register_function(lambda: 1, "supervisor.getPID")
        self.server.register_function(lambda: [], "supervisor.getAllProcessInfo")
        self.server.handle_error = lambda *_: None  # a client that does not trust us leaves
        self.url = f"https://localhost:{self.server.server_address[1]}/RPC2"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class StaticFile(unittest.TestCase):
    def works_in(self, root):
        shutil.copy(EXECUTABLE, root / "reeve")
        (root / "etc/hosts").write_text("127.0.0.1 localhost supervisord.test\n")
        version = run(root, "version")
        self.assertEqual(version.returncode, 0, version.stderr)
        listed = run(root, "list", "--url", f"http://localhost:{PORT}/RPC2")
        self.assertIn("steady", listed.stdout, listed.stderr)
        agent = WORKSPACE.start(InRoot, root, "--url", f"http://supervisord.test:{PORT}/RPC2")
        agent.end()
        self.assertEqual(agent.wait(), 0, agent.text())

    def test_it_needs_no_library(self):
        said = subprocess.run(["ldd", EXECUTABLE], text=True, capture_output=True, check=False)
        self.assertIn("not a dynamic executable", said.stderr + said.stdout)

    def test_an_empty_root(self):
        self.works_in(bare_root("empty"))

    def test_a_root_whose_lookups_name_plugins(self):
        root = bare_root("plugins")
        (root / "etc/nsswitch.conf").write_text("hosts: resolve [!UNAVAIL=return] mymachines\n")
        self.works_in(root)

    def test_a_root_of_musl_and_busybox(self):
        root = bare_root("musl")
        for package in ("musl", "busybox-static"):
            got = subprocess.run(["apt-get", "-o", "APT::Sandbox::User=", "download", package],
                                 cwd=root, capture_output=True, text=True, check=False)
            if got.returncode != 0:
                self.skipTest(f"{package} cannot be had: {got.stderr}")
        for package in root.glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", package, root], check=True)
        self.works_in(root)
        said = subprocess.run(["chroot", root, "/bin/busybox", "sh", "-c", "/reeve version"],
                              check=False)
        self.assertEqual(said.returncode, 0)

    def test_other_releases(self):
        mirror = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI)",
                                 "Created-By: Packages"], capture_output=True, text=True,
                                check=True).stdout.split()[0]
        for release in ("bullseye", "trixie"):
            with self.subTest(release):
                root = WORKSPACE.folder / release
                made = subprocess.run(["mmdebstrap", "--quiet", "--variant=essential", release, root,
                                       mirror], capture_output=True, text=True, check=False)
                if made.returncode != 0:
                    self.skipTest(f"no root of {release}: {made.stderr[-500:]}")
                self.works_in(root)

    def test_name_servers_are_asked(self):
        root = bare_root("names")
        shutil.copy(EXECUTABLE, root / "reeve")
        (root / "etc/resolv.conf").write_text("nameserver 127.0.0.1\n")
        try:
            server = NameServer()
        except OSError as error:
            self.skipTest(f"no name server here: {error}")
        self.addCleanup(server.socket.close)
        listed = run(root, "list", "--url", f"http://known.to.dns.test:{PORT}/RPC2")
        self.assertIn("steady", listed.stdout, listed.stderr)

    def test_authorities_are_found(self):
        peer = TlsSupervisord(WORKSPACE.folder)
        root = bare_root("authorities")
        shutil.copy(EXECUTABLE, root / "reeve")
        (root / "etc/hosts").write_text("127.0.0.1 localhost\n")
        self.assertIn("certificate", run(root, "list", "--url", peer.url).stderr)
        for place in AUTHORITIES:
            with self.subTest(place):
                file = root / place
                file.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(peer.certificate, file)
                listed = run(root, "list", "--url", peer.url)
                self.assertEqual(listed.returncode, 0, listed.stderr)
                file.unlink()
        shutil.copy(peer.certificate, root / "own.pem")
        listed = run(root, "list", "--url", peer.url, SSL_CERT_FILE="/own.pem")
        self.assertEqual(listed.returncode, 0, listed.stderr)


if __name__ == "__main__":
    unittest.main()
