#include <tuple>

#include "config/config.h"
#include "config/errors.h"
#include "support/catch.h"
#include "support/temporary_folder.h"

namespace reeve::config {
namespace {

using tests::TemporaryFolder;

const std::string good_token = "0123456789abcdef0123456789abcdef\n";

std::string with_token(const TemporaryFolder& folder, const std::string& rest) {
  return "control:\n  enabled: true\n  tokens: [{name: ops, file: " +
         folder.write("ops", good_token) + ", scopes: [read, control]}]\n" + rest;
}

TEST_CASE("control: a token with a name, a file and scopes enables it") {
  const TemporaryFolder folder;
  const auto config = parse(with_token(folder, ""), "reeve.yaml");
  INFO(errors_of(config));
  REQUIRE(config);
  CHECK(config->control_enabled);
  REQUIRE(config->control_api.tokens.size() == 1);
  const api::TokenOptions& token = config->control_api.tokens[0];
  CHECK(token.name == "ops");
  CHECK(token.digest == api::digest_of("0123456789abcdef0123456789abcdef"));
  CHECK(token.scopes == std::vector{api::Scope::read, api::Scope::control});
  REQUIRE(token.allow.size() == 1);
  CHECK(token.allow[0].text() == "*");
  CHECK_FALSE(token.read_all);
}

TEST_CASE("control: allow bounds what a token or client reads of, unless read_all is set") {
  const auto config = parse(
      "control: {tokens: [{name: a, file: f, scopes: [read], allow: ['web:*'], read_all: true}],"
      " clients: [{san: b, scopes: [read], read_all: true}]}\n",
      "reeve.yaml");
  INFO(errors_of(config));
  REQUIRE(config);
  CHECK(config->control_api.tokens[0].read_all);
  CHECK(config->control_api.clients[0].read_all);
}

TEST_CASE("control: enabled without a token or client is an error") {
  CHECK(errors_of("control: {enabled: true}\n") ==
        "reeve.yaml:1:20: control.enabled: no token and no client is configured, so every"
        " request would be refused: add one to control.tokens");
}

TEST_CASE("control: a token is long, printable and unique") {
  const TemporaryFolder folder;
  const std::string head = "control:\n  enabled: true\n  tokens:\n";
  const std::string short_one = folder.write("short", "abc\n");
  CHECK(errors_of(head + "  - {name: a, scopes: [read], file: " + short_one + "}\n") ==
        "reeve.yaml:4:37: control.tokens[0].file: " + short_one +
            ": the token is shorter than 32 bytes: make one with `openssl rand -base64 32`");
  const std::string raw = folder.write("raw", std::string(40, '\x01'));
  CHECK(errors_of(head + "  - {name: a, scopes: [read], file: " + raw + "}\n") ==
        "reeve.yaml:4:37: control.tokens[0].file: " + raw +
            ": the token must be printable ASCII without blanks: make one with"
            " `openssl rand -base64 32`");
  const std::string good = folder.write("good", good_token);
  CHECK(errors_of(head + "  - {name: a, scopes: [read], file: " + good + "}\n" +
                  "  - {name: b, scopes: [read], file: " + good + "}\n") ==
        "reeve.yaml:5:37: control.tokens[1].file: the same as that of another token, 'a'");
}

TEST_CASE("control: a token without name, file or scopes is an error") {
  CHECK(errors_of("control: {tokens: [{}]}\n") ==
        "reeve.yaml:1:20: control.tokens[0].file: expected a file that contains the token\n"
        "reeve.yaml:1:20: control.tokens[0].scopes: at least one of read, logs, control, alerts and"
        " admin is needed\n"
        "reeve.yaml:1:20: control.tokens[0].name: a token needs a name, which the audit shows");
  CHECK(errors_of("control: {tokens: [{name: a, file: f, scopes: [root]}]}\n") ==
        "reeve.yaml:1:48: control.tokens[0].scopes: expected read, logs, control, alerts or admin,"
        " found 'root'");
}

TEST_CASE("control: token files need not exist while it is off") {
  CHECK(parse("control: {tokens: [{name: a, file: /none, scopes: [read]}]}\n", "reeve.yaml"));
}

TEST_CASE("control: a remote listener needs TLS or plaintext: true") {
  const TemporaryFolder folder;
  CHECK(errors_of(with_token(folder, "  listen: ':19002'\n")) ==
        "reeve.yaml:4:11: control.listen: tokens would cross the network unencrypted: set"
        " control.tls, or plaintext: true if a proxy encrypts");
  CHECK(parse(with_token(folder, "  listen: ':19002'\n  plaintext: true\n"), "reeve.yaml"));
  CHECK(parse(with_token(folder, "  listen: 'unix:///run/reeve.sock'\n"), "reeve.yaml"));
  CHECK(errors_of(with_token(folder, "  listen: ':19001'\n  plaintext: true\n")) ==
        "reeve.yaml:4:11: control.listen: metrics.listen is the same address");
}

TEST_CASE("control: TLS needs a readable certificate and key, client certificates a CA") {
  const TemporaryFolder folder;
  const std::string pem = folder.write("pem", "x");
  CHECK(errors_of(with_token(folder, "  tls: {cert_file: " + pem + "}\n")) ==
        "reeve.yaml:4:8: control.tls: needs both cert_file and key_file");
  CHECK(errors_of(with_token(folder, "  tls: {cert_file: /no.pem, key_file: " + pem + "}\n")) ==
        "reeve.yaml:4:20: control.tls.cert_file: cannot read /no.pem: No such file or directory");
  CHECK(errors_of(with_token(folder, "  clients: [{san: ops.example, scopes: [read]}]\n")) ==
        "reeve.yaml:4:12: control.clients: mutual TLS needs control.tls with cert_file, key_file"
        " and client_ca_file");
  const auto config =
      parse(with_token(folder,
                       "  clients: [{san: ops.example, scopes: [read]}]\n"
                       "  tls: {cert_file: " +
                           pem + ", key_file: " + pem + ", client_ca_file: " + pem + "}\n"),
            "reeve.yaml");
  INFO(errors_of(config));
  REQUIRE(config);
  CHECK(config->control_listener.tls->client_ca_file == pem);
  CHECK_FALSE(config->control_listener.tls->client_certificate_required);
  CHECK(config->control_api.clients[0].san == "ops.example");
  CHECK(parse("control: {tls: {cert_file: '', key_file: '', client_ca_file: ''}}\n", "c"));
}

TEST_CASE("control: state_dir and resume_within") {
  const auto config = parse("state_dir: /srv/reeve\ncontrol: {resume_within: 90s}\n", "reeve.yaml");
  REQUIRE(config);
  CHECK(config->state_dir == "/srv/reeve");
  CHECK(config->control.resume_within == std::chrono::seconds(90));
  CHECK(default_config().state_dir == "/var/lib/reeve");
  CHECK(errors_of("state_dir: here\ncontrol: {resume_within: 25h}\n") ==
        "reeve.yaml:1:12: state_dir: expected a path that begins with /\n"
        "reeve.yaml:2:26: control.resume_within: expected 0s to 24h, found '25h'");
}

TEST_CASE("control: a token's file that all users can read is a warning with its place") {
  const TemporaryFolder folder;
  CHECK(parse(with_token(folder, ""), "reeve.yaml")->warnings.empty());
  const std::string text = with_token(folder, "");
  const std::string file = folder.path() + "/ops";
  std::filesystem::permissions(file, std::filesystem::perms::others_read,
                               std::filesystem::perm_options::add);
  const auto config = parse(text, "reeve.yaml");
  REQUIRE(config);
  REQUIRE(config->warnings.size() == 1);
  CHECK(to_string(config->warnings[0]) ==
        "reeve.yaml:3:24: control.tokens[0].file: all users can read " + file + ": chmod o-r it");
}

TEST_CASE("config: a password's or key's file that all users can read is a warning") {
  const TemporaryFolder folder;
  const std::string file = folder.write("secret", "x");
  const std::string texts[] = {
      "supervisor: {username: a, password_file: " + file + "}\n",
      "control: {tls: {cert_file: " + file + ", key_file: " + file + "}}\n",
      "metrics: {web_config_file: " +
          folder.write("web.yaml",
                       "tls_server_config: {cert_file: " + file + ", key_file: " + file + "}\n") +
          "}\n",
  };
  for (const auto& [mode, warnings] : {std::pair(std::filesystem::perms::none, 0),
                                       std::pair(std::filesystem::perms::others_read, 1)}) {
    std::filesystem::permissions(file, mode, std::filesystem::perm_options::add);
    for (const std::string& text : texts) {
      CAPTURE(text);
      const auto config = parse(text, "reeve.yaml");
      INFO(errors_of(config));
      REQUIRE(config);
      CHECK(config->warnings.size() == static_cast<std::size_t>(warnings));
    }
  }
}

TEST_CASE("control: allow, deny and signals") {
  const auto config = parse(
      "control: {allow: ['web:*'], deny: [db], signals: [SIGHUP, TERM], allowed_hosts: [reeve]}\n",
      "reeve.yaml");
  INFO(errors_of(config));
  REQUIRE(config);
  CHECK(config->control.allow[0].text() == "web:*");
  CHECK(config->control.deny[0].text() == "db");
  CHECK(config->control.signals == std::vector<std::string>{"SIGHUP", "TERM"});
  CHECK(config->control_api.allowed_hosts == std::vector<std::string>{"reeve"});
  CHECK(errors_of("control: {allow: ['a:b:c'], signals: [9, FOO]}\n") ==
        "reeve.yaml:1:19: control.allow: 'a:b:c' names no process: use name, group:name, group:* or"
        " a pattern with * ? […], with SUPERVISOR/ before it where there are several\n"
        "reeve.yaml:1:39: control.signals: '9' is not the name of a signal, like HUP\n"
        "reeve.yaml:1:42: control.signals: 'FOO' is not the name of a signal, like HUP");
}

TEST_CASE("web_config_file: exporter-toolkit's format gives TLS and users") {
  const TemporaryFolder folder;
  const std::string pem = folder.write("pem", "x");
  const std::string hash = "$2y$10$" + std::string(53, 'a');
  const std::string web = folder.write("web.yml",
                                       "tls_server_config:\n"
                                       "  cert_file: pem\n"
                                       "  key_file: pem\n"
                                       "  client_ca_file: pem\n"
                                       "  client_auth_type: RequireAndVerifyClientCert\n"
                                       "  min_version: TLS13\n"
                                       "basic_auth_users:\n"
                                       "  alice: " +
                                           hash + "\n");
  const auto config = parse("metrics: {web_config_file: " + web + "}\n", "reeve.yaml");
  INFO(errors_of(config));
  REQUIRE(config);
  const auto& tls = config->metrics_listener.tls;
  REQUIRE(tls);
  CHECK(std::tie(tls->cert_file, tls->key_file, tls->client_ca_file) == std::tie(pem, pem, pem));
  CHECK(tls->client_certificate_required);
  CHECK(tls->min_version == "TLS13");
  REQUIRE(config->metrics_api.users.size() == 1);
  CHECK(config->metrics_api.users[0].name == "alice");
  CHECK(config->metrics_api.users[0].bcrypt.reveal() == hash);
}

TEST_CASE("web_config_file: its errors name it and follow those of the configuration") {
  const TemporaryFolder folder;
  const std::string web = folder.write("web.yml",
                                       "tls_server_config: {client_auth_type: Maybe}\n"
                                       "basic_auth_users: {alice: secret}\n"
                                       "rate_limit: {}\n");
  CHECK(errors_of("metrics: {web_config_file: " + web + "}\nlog: {level: x}\n") ==
        "reeve.yaml:2:14: log.level: expected debug, info, warn or error, found 'x'\n" + web +
            ":1:20: tls_server_config.cert_file: TLS needs a certificate and its key\n" + web +
            ":1:20: tls_server_config.key_file: TLS needs a certificate and its key\n" + web +
            ":1:39: tls_server_config.client_auth_type: expected NoClientCert, RequestClientCert,"
            " RequireAnyClientCert, VerifyClientCertIfGiven or RequireAndVerifyClientCert, found"
            " 'Maybe'\n" +
            web +
            ":2:27: basic_auth_users.alice: expected a bcrypt hash, as `htpasswd -nB` makes"
            " it");
  CHECK(errors_of("metrics: {web_config_file: /no.yml}\n") ==
        "reeve.yaml:1:28: metrics.web_config_file: cannot read /no.yml: No such file or directory");
}

TEST_CASE("web_config_file: every key that exporter-toolkit documents is taken or warned of") {
  const TemporaryFolder folder;
  static_cast<void>(folder.write("pem", "x"));
  const std::string web = folder.write(
      "web.yml",
      "tls_server_config:\n"
      "  cert: certificate\n"
      "  key: the key\n"
      "  client_ca: authority\n"
      "  client_auth_type: VerifyClientCertIfGiven\n"
      "  client_allowed_sans: [prometheus.example]\n"
      "  min_version: TLS10\n"
      "  max_version: TLS13\n"
      "  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_AES_128_GCM_SHA256]\n"
      "  prefer_server_cipher_suites: true\n"
      "  curve_preferences: [CurveP256, X25519, X25519MLKEM768]\n"
      "http_server_config:\n"
      "  http2: true\n"
      "  headers:\n"
      "    Content-Security-Policy: default-src 'none'\n"
      "    X-Frame-Options: deny\n"
      "    X-Content-Type-Options: nosniff\n"
      "    X-XSS-Protection: '0'\n"
      "    Strict-Transport-Security: max-age=1\n"
      "rate_limit: {interval: 1s, burst: 5}\n"
      "of_another_exporter: 1\n");
  const auto config = parse("metrics: {web_config_file: " + web + "}\n", "reeve.yaml");
  INFO(errors_of(config));
  REQUIRE(config);
  const auto& tls = config->metrics_listener.tls;
  REQUIRE(tls);
  CHECK(tls->cert_pem == "certificate");
  CHECK(tls->key_pem.reveal() == "the key");
  CHECK(tls->client_ca_pem == "authority");
  CHECK(tls->client_allowed_sans == std::vector<std::string>{"prometheus.example"});
  CHECK(tls->min_version == "TLS12");
  CHECK(tls->max_version == "TLS13");
  CHECK(tls->cipher_suites == std::vector<std::string>{"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"});
  CHECK(tls->prefer_server_ciphers);
  CHECK(tls->curves == std::vector<std::string>{"P-256", "X25519"});
  CHECK(config->metrics_api.headers.size() == 5);
  std::string warnings;
  for (const ConfigError& each : config->warnings) {
    warnings += to_string(each).substr(web.size()) + "\n";
  }
  CHECK(warnings ==
        ":7:3: tls_server_config.min_version: TLS12 is the oldest version here\n"
        ":9:58: tls_server_config.cipher_suites: TLS_AES_128_GCM_SHA256 is of TLS 1.3, whose"
        " suites are not chosen\n"
        ":11:42: tls_server_config.curve_preferences: X25519MLKEM768 has no effect here\n"
        ":13:3: http_server_config.http2: has no effect here: HTTP/1.1 is served\n"
        ":20:1: rate_limit: has no effect here: connections and logins have limits of their own\n"
        ":21:1: unknown key 'of_another_exporter': the keys here are basic_auth_users,"
        " http_server_config, rate_limit and tls_server_config\n");
}

TEST_CASE("web_config_file: contradictions are errors") {
  const TemporaryFolder folder;
  static_cast<void>(folder.write("pem", "x"));
  const auto refused = [&](const std::string& tls) {
    const std::string web = folder.write("web.yml", "tls_server_config: {" + tls + "}\n");
    const std::string errors = errors_of("metrics: {web_config_file: " + web + "}\n");
    return errors.substr(errors.find("tls_server_config") + 18);
  };
  const std::string pair = "cert_file: pem, key_file: pem, ";
  CHECK(refused(pair + "cert: x") == "cert: cert_file is given too: use one of them");
  CHECK(refused(pair + "client_allowed_sans: [a]") ==
        "client_allowed_sans: needs a client_auth_type that verifies certificates");
  CHECK(refused(pair + "max_version: TLS11") ==
        "max_version: is older than TLS12, the oldest version");
  CHECK(refused(pair + "curve_preferences: [P-1]") ==
        "curve_preferences: 'P-1' is no curve: expected CurveP256, CurveP384, CurveP521 or X25519");
}

TEST_CASE("metrics.listen: one address or several") {
  const auto config = parse("metrics: {listen: ['127.0.0.1:1', 'unix:///run/m.sock']}\n", "f");
  REQUIRE(config);
  CHECK(config->metrics_listener.address.text() == "127.0.0.1:1");
  REQUIRE(config->further_metrics_addresses.size() == 1);
  CHECK(config->further_metrics_addresses[0].socket_path == "/run/m.sock");
  CHECK(errors_of("metrics: {listen: [':1', ':1']}\n") ==
        "reeve.yaml:1:26: metrics.listen: :1 stands twice");
  CHECK(errors_of("metrics: {listen: []}\n") ==
        "reeve.yaml:1:19: metrics.listen: the list is empty");
}

TEST_CASE("apply_overrides: options of exporters come over the configuration") {
  const TemporaryFolder folder;
  Config config = default_config();
  AgentOverrides overrides;
  overrides.listen_addresses = {":9100", "[::1]:9101"};
  overrides.telemetry_path = "/m";
  overrides.log_level = base::LogLevel::debug;
  overrides.web_config_file =
      folder.write("web.yml", "http_server_config: {headers: {X-Frame-Options: deny}}\n");
  REQUIRE(apply_overrides(overrides, config));
  CHECK(config.metrics_listener.address.port == 9100);
  CHECK(config.further_metrics_addresses.size() == 1);
  CHECK(config.metrics_api.path == "/m");
  CHECK(config.log.level == base::LogLevel::debug);
  CHECK(config.metrics_api.headers.size() == 1);
  overrides = {};
  overrides.web_config_file = "";  // as if not given
  REQUIRE(apply_overrides(overrides, config));
  CHECK(config.metrics_api.headers.size() == 1);
  overrides.listen_addresses = {"nowhere:x"};
  overrides.web_config_file = "/no.yml";
  const auto refused = apply_overrides(overrides, config);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().size() == 2);
  CHECK(refused.error()[0].file == "--web.listen-address");
  CHECK(refused.error()[1].message == "cannot read /no.yml: No such file or directory");
}

}  // namespace
}  // namespace reeve::config
