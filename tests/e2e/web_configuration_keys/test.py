"""Every key that exporter-toolkit documents for its web configuration, seen by real clients of TLS and
HTTP, openssl s_client and curl; and what has no effect here, by its warning."""

import re
import subprocess
import unittest

import support
from support import REEVE, Child, Scenario, free_port

HEADERS = {
    "Content-Security-Policy": "default-src 'none'",
    "X-Frame-Options": "deny",
    "X-Content-Type-Options": "nosniff",
    "X-XSS-Protection": "1; mode=block",
    "Strict-Transport-Security": "max-age=31536000",
}
SECRET = "$2y$04$JyZxhgrxxbyQUqZ9H6hWSOTBKOaC3Tj.NJGzPXK2vt7xr93HmDJBy"  # of "secret"
AES_128 = "ECDHE-ECDSA-AES128-GCM-SHA256"
AES_256 = "ECDHE-ECDSA-AES256-GCM-SHA384"


def openssl(*words, **options):
    return subprocess.run(["openssl", *map(str, words)], text=True, capture_output=True, timeout=60,
                          stdin=subprocess.DEVNULL, **options)


def indented(pem):
    return "".join(f"    {line}\n" for line in pem.splitlines())


class Serving(Child):
    def up(self):
        return "reeve is running" in self.text()


class WebConfigurationKeys(Scenario):
    def setUp(self):
        self.folder = self.workspace.folder
        self.certify("authority")
        self.certify("stranger")
        self.certify("server", "DNS:localhost,IP:127.0.0.1", authority="authority")
        self.certify("client", "DNS:scraper.example", authority="authority")
        self.agent = None

    def certify(self, name, names="DNS:none.example", authority=None):
        """NAME.pem and NAME.key: signed by an authority, or by itself."""
        signed_by = (["-CA", f"{authority}.pem", "-CAkey", f"{authority}.key"] if authority else [])
        made = openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                       "-nodes", "-days", "2", "-subj", f"/CN={name}", "-keyout", f"{name}.key",
                       "-out", f"{name}.pem", "-addext", f"subjectAltName={names}", *signed_by,
                       cwd=self.folder)
        self.assertEqual(made.returncode, 0, made.stderr)
        (self.folder / f"{name}.key").chmod(0o600)

    def serve(self, tls="", rest=""):
        """An agent with these keys of tls_server_config, or none of it if they are None."""
        if self.agent:
            self.agent.end()
        web = self.folder / "web.yaml"
        text = rest
        if tls is not None:
            files = "" if "cert:" in tls else "  cert_file: server.pem\n  key_file: server.key\n"
            text += f"tls_server_config:\n{files}{tls}"
        web.write_text(text)
        config = self.folder / "reeve.yaml"
        self.port = free_port()
        config.write_text(f"supervisor: {{url: 'unix://{self.folder}/none.sock'}}\n"
                          f"metrics: {{listen: '127.0.0.1:{self.port}', web_config_file: {web}}}\n")
        checked = support.reeve("check-config", config)
        self.assertEqual(checked.returncode, 0, checked.stderr)
        log = self.folder / f"{self.port}.log"
        self.agent = self.workspace.start(Serving, [REEVE, "serve", "--config", config], log)
        return checked.stderr

    def warns(self, warnings, *words):
        """check-config does, and so does the agent's log."""
        for text in (warnings, self.agent.text()):
            for word in words:
                self.assertIn(word, text)

    def connect(self, *options):
        """(cipher, version, key exchange) of a handshake after which a response came; None without."""
        done = subprocess.run(
            ["openssl", "s_client", "-connect", f"localhost:{self.port}", "-CAfile",
             self.folder / "authority.pem", "-verify_return_error", "-ign_eof", *options],
            input="GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
            text=True, capture_output=True, timeout=60)
        if "HTTP/1.1 200 OK" not in done.stdout:
            return None
        version, cipher = re.search(r"(?m)^New, (\S+), Cipher is (\S+)", done.stdout).groups()
        exchange = re.search(  # by openssl 3.0, and by 3.5
            r"(?m)^(?:(?:Server|Peer) Temp Key: (?:ECDH, )?|Negotiated TLS1\.3 group: )(\w[\w-]*)",
            done.stdout)[1]
        return cipher, version, exchange

    def cipher(self, *options):
        connected = self.connect(*options)
        return connected and connected[0]

    def curl(self, *options, scheme="https"):
        """Status, headers and body as text; empty if there is no response."""
        done = subprocess.run(
            ["curl", "-q", "-s", "-i", "--max-time", "60", "--cacert", self.folder / "authority.pem",
             *options, f"{scheme}://localhost:{self.port}/metrics"], text=True, capture_output=True)
        return done.stdout

    def client(self, name):
        return ["--cert", self.folder / f"{name}.pem", "--key", self.folder / f"{name}.key"]

    def admits(self, **expected):
        """Which client certificates, and whether none at all, get an answer."""
        for name, admitted in expected.items():
            options = [] if name == "none" else self.client(name)
            self.assertEqual("200 OK" in self.curl(*options), admitted, name)

    def test_certificate_and_key_from_files_and_inline(self):
        self.assertEqual(self.serve(), "")
        self.assertIn("HTTP/1.1 200 OK", self.curl())
        pem, key = ((self.folder / f"server.{end}").read_text() for end in ("pem", "key"))
        warnings = self.serve(f"  cert: |\n{indented(pem)}  key: |\n{indented(key)}")
        self.assertIn("HTTP/1.1 200 OK", self.curl())
        self.assertNotIn("PRIVATE", warnings + self.agent.text())

    def test_versions(self):
        self.serve("  min_version: TLS13\n")
        self.assertIsNone(self.connect("-tls1_2"))
        self.assertEqual(self.connect("-tls1_3")[1], "TLSv1.3")
        self.serve("  max_version: TLS12\n")
        self.assertIsNone(self.connect("-tls1_3"))
        self.assertEqual(self.connect()[1], "TLSv1.2")
        self.warns(self.serve("  min_version: TLS10\n"), "min_version", "TLS12 is the oldest version")

    def test_cipher_suites_and_whose_order_counts(self):
        suites = ("  max_version: TLS12\n  cipher_suites:\n"
                  "    - TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384\n"
                  "    - TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256\n")
        self.assertEqual(self.serve(suites), "")
        self.assertIsNone(self.connect("-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"))
        self.assertEqual(self.cipher("-cipher", f"{AES_128}:{AES_256}"), AES_128)
        self.serve(suites + "  prefer_server_cipher_suites: true\n")
        self.assertEqual(self.cipher("-cipher", f"{AES_128}:{AES_256}"), AES_256)
        self.serve(suites + "  prefer_server_cipher_suites: false\n")
        self.assertEqual(self.cipher("-cipher", f"{AES_128}:{AES_256}"), AES_128)
        self.warns(self.serve("  cipher_suites: [TLS_AES_128_GCM_SHA256]\n"), "cipher_suites",
                   "TLS 1.3")

    def test_curves(self):
        self.assertEqual(self.serve("  curve_preferences: [CurveP384, X25519]\n"), "")
        self.assertEqual(self.connect("-curves", "P-384")[2], "secp384r1")
        self.assertEqual(self.connect("-curves", "X25519")[2], "X25519")
        self.assertIsNone(self.connect("-curves", "P-256"))
        self.serve("  curve_preferences: [CurveP256, CurveP521]\n")
        self.assertEqual(self.connect("-curves", "P-256")[2], "prime256v1")
        self.assertEqual(self.connect("-curves", "P-521")[2], "secp521r1")
        self.warns(self.serve("  curve_preferences: [X25519MLKEM768, X25519]\n"),
                   "curve_preferences", "X25519MLKEM768 has no effect")

    def test_kinds_of_client_authentication(self):
        authority = "  client_ca_file: authority.pem\n"
        self.serve("  client_auth_type: NoClientCert\n")
        self.admits(none=True, stranger=True, client=True)
        self.warns(self.serve("  client_auth_type: RequestClientCert\n"), "client_auth_type",
                   "no effect")
        self.admits(none=True, stranger=True, client=True)
        self.serve("  client_auth_type: RequireAnyClientCert\n")
        self.admits(none=False, stranger=True, client=True)
        self.serve("  client_auth_type: VerifyClientCertIfGiven\n" + authority)
        self.admits(none=True, stranger=False, client=True)
        self.serve("  client_auth_type: RequireAndVerifyClientCert\n" + authority)
        self.admits(none=False, stranger=False, client=True)

    def test_an_authority_that_verifies_nothing_is_a_warning(self):
        for kind, without in (("RequestClientCert", True), ("RequireAnyClientCert", False)):
            self.warns(self.serve(f"  client_auth_type: {kind}\n  client_ca_file: authority.pem\n"),
                       "client_ca_file", "no effect")
            self.admits(none=without, stranger=True, client=True)

    def test_an_inline_authority_and_allowed_names(self):
        pem = (self.folder / "authority.pem").read_text()
        kind = "  client_auth_type: RequireAndVerifyClientCert\n"
        authority = f"  client_ca: |\n{indented(pem)}"
        self.serve(kind + authority)
        self.admits(none=False, stranger=False, client=True)
        self.serve(kind + authority + "  client_allowed_sans: [other.example, scraper.example]\n")
        self.admits(none=False, stranger=False, client=True)
        self.serve(kind + authority + "  client_allowed_sans: [other.example]\n")
        self.admits(none=False, stranger=False, client=False)

    def test_headers(self):
        text = "".join(f'    {name}: "{value}"\n' for name, value in HEADERS.items())
        self.assertEqual(self.serve(rest=f"http_server_config:\n  headers:\n{text}"), "")
        response = self.curl().replace("\r", "")
        for name, value in HEADERS.items():
            self.assertIn(f"\n{name}: {value}\n", response)

    def test_http2_and_rate_limit_have_no_effect_and_say_so(self):
        warnings = self.serve(rest="http_server_config: {http2: true}\n"
                                   "rate_limit: {interval: 1s, burst: 1}\n")
        self.warns(warnings, "http_server_config.http2", "rate_limit")
        self.assertEqual(len(warnings.splitlines()), 2)
        for _ in range(3):
            self.assertIn("HTTP/1.1 200 OK", self.curl("--http2"))
        self.assertEqual(self.serve(rest="http_server_config: {http2: false}\n"), "")

    def test_users(self):
        self.serve(None, rest=f"basic_auth_users: {{alice: {SECRET}}}\n")
        self.assertIn("401", self.curl(scheme="http"))
        self.assertIn("401", self.curl("-u", "alice:wrong", scheme="http"))
        self.assertIn("200 OK", self.curl("-u", "alice:secret", scheme="http"))

    def test_http_in_place_of_https_and_the_other_way_round_is_named(self):
        self.serve()
        done = support.reeve("healthcheck", "--agent", f"http://localhost:{self.port}")
        self.assertIn("is it https, not http?", done.stderr)
        done = support.reeve("list", "--url", f"http://localhost:{self.port}")
        self.assertIn("https", done.stderr.replace(f"http://localhost:{self.port}", ""))
        self.serve(None)
        done = support.reeve("healthcheck", "--agent", f"https://localhost:{self.port}")
        self.assertIn("is it http, not https?", done.stderr)

    def test_a_key_of_another_exporter_is_a_warning(self):
        warnings = self.serve("  a_new_key: 1\n", rest="another: {}\n"
                                                       "http_server_config: {headers: {X-New: a}}\n")
        self.warns(warnings, "a_new_key", "another", "X-New")
        self.assertIn("200 OK", self.curl())


if __name__ == "__main__":
    unittest.main()
