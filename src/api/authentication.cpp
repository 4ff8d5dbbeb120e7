#include "api/authentication.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <netdb.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <unistd.h>

#include "api/http_helpers.h"
#include "api/routes.h"
#include "api/sessions.h"
#include "base/text.h"
#include "http/grammar.h"

namespace reeve::api {
namespace {

constexpr std::chrono::minutes throttle_window{1};

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// The checks of a request, in the order of check_request().

struct CheckInput {
  const http::Request& request;
  const RouteMatch& match;
  const AccessRules& rules;
  CheckResult& result;
  CheckStage stage;

  [[nodiscard]] bool is_open_route() const {
    return match.route != nullptr && match.route->is_open();
  }
};

using Objection = std::optional<Problem>;

Objection objection(int status, std::string type, std::string detail,
                    std::vector<http::Header> headers = {}) {
  return Problem{.status = status,
                 .type = std::move(type),
                 .detail = std::move(detail),
                 .headers = std::move(headers)};
}

Objection check_host(const CheckInput& input) {
  const auto host = input.request.header("Host");
  if (host && input.rules.hosts.contains(*host, input.stage)) {
    return std::nullopt;
  }
  return objection(421, "wrong_host",
                   "this is not '" + std::string(host.value_or("")) +
                       "': use one of the agent's own names, or add this one to"
                       " control.allowed_hosts");
}

Objection check_credentials(const CheckInput& input) {
  static const Principal anonymous;
  input.result.actor = input.is_open_route()
                           ? &anonymous
                           : input.rules.authenticator.authenticate(credential_of(input.request));
  if (input.result.actor != nullptr) {
    return std::nullopt;
  }
  input.result.login_failed = true;
  std::vector<http::Header> headers = {{"WWW-Authenticate", "Bearer realm=\"reeve\""}};
  if (credential_of(input.request).session) {
    // Only where a page asks for its session: any other late refusal would take away the cookie of
    // the session that has been opened since.
    if (input.match.route != nullptr && input.match.route->name == "session") {
      headers.push_back(set_session_cookie(input.request, ""));
    }
    return objection(401, "not_authenticated", "the session has ended: sign in again",
                     std::move(headers));
  }
  return objection(401, "not_authenticated",
                   "send a token of the configuration: Authorization: Bearer …",
                   std::move(headers));
}

Objection check_route(const CheckInput& input) {
  if (input.match.route != nullptr) {
    return std::nullopt;
  }
  const std::string& allowed = input.match.allowed_methods;
  if (allowed.empty()) {
    return objection(404, "no_such_route", "there is nothing at this path");
  }
  return objection(405, "method_not_allowed", "this path takes " + allowed, {{"Allow", allowed}});
}

Objection check_scope(const CheckInput& input) {
  const auto& scope = input.match.route->scope;
  if (!scope || input.result.actor->has(*scope)) {
    return std::nullopt;
  }
  return objection(403, "missing_scope",
                   "'" + input.result.actor->name + "' does not have the scope " +
                       std::string(to_string(*scope)));
}

Objection check_encoding(const CheckInput& input) {
  if (!input.request.parameters()) {
    return malformed_request("the query is badly percent-encoded");
  }
  for (const std::string& encoded : input.match.path_parameters) {
    auto decoded = http::percent_decode(encoded);
    if (!decoded) {
      return malformed_request("the path is badly percent-encoded");
    }
    input.result.path_parameters.push_back(std::move(*decoded));
  }
  return std::nullopt;
}

/// Each query parameter is one that the route takes, and comes once: `?wiat=10m` must not be a
/// request without `wait`.
Objection check_parameters(const CheckInput& input) {
  const std::vector<std::string>& known = input.match.route->parameters;
  const auto given = input.request.parameters();
  std::set<std::string> seen;
  for (const http::QueryParameter& each : *given) {
    if (std::find(known.begin(), known.end(), each.name) == known.end()) {
      const auto near = base::nearest(each.name, known);
      return malformed_request("unknown query parameter '" + each.name + "': " +
                               (near            ? "did you mean '" + *near + "'?"
                                : known.empty() ? "this route takes none"
                                                : "this route takes " + base::join(known, ", ")));
    }
    if (!seen.insert(each.name).second) {
      return malformed_request("the query parameter '" + each.name + "' is given twice");
    }
  }
  return std::nullopt;
}

Objection check_content_type(const CheckInput& input) {
  std::string_view type = input.request.header("Content-Type").value_or("");
  if (input.request.body.empty() ||
      http::same_ignoring_case(take_until(type, ';'), "application/json")) {
    return std::nullopt;
  }
  return objection(415, "content_type", "the body must come as Content-Type: application/json");
}

/// Browsers add these headers. Pages of other origins are refused even if the browser adds a client
/// certificate to their requests. A link may lead from anywhere to the status page, which is an
/// open route: it acts on nothing and holds no data.
Objection check_origin(const CheckInput& input) {
  const auto site = input.request.header("Sec-Fetch-Site");
  const auto origin = input.request.header("Origin");
  const std::string own(input.request.header("Host").value_or(""));
  const bool is_foreign = origin && !http::same_ignoring_case(*origin, "http://" + own) &&
                          !http::same_ignoring_case(*origin, "https://" + own);
  const bool is_link =
      input.is_open_route() &&
      http::same_ignoring_case(input.request.header("Sec-Fetch-Mode").value_or(""), "navigate");
  if (is_foreign || (site && http::same_ignoring_case(*site, "cross-site") && !is_link)) {
    return objection(403, "foreign_origin", "pages of other origins may not come here");
  }
  return std::nullopt;
}

/// A browser adds the cookie to whatever a page makes it send; only the agent's own page can read
/// the token that goes with it.
Objection check_csrf_token(const CheckInput& input) {
  const http::Method method = input.request.method;
  const bool reads = method == http::Method::get || method == http::Method::head;
  if (reads || input.is_open_route() || !credential_of(input.request).session) {
    return std::nullopt;
  }
  if (input.rules.sessions.is_csrf_token(input.request.header("X-CSRF-Token").value_or(""),
                                         session_cookie(input.request).value_or(""))) {
    return std::nullopt;
  }
  return objection(403, "csrf_token",
                   "a request that changes something and comes with a session cookie needs the"
                   " header X-CSRF-Token: see GET /api/v1/session");
}

// Host names.

std::string own_host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

std::string canonical_name(const std::string& name) {
  addrinfo hints{};
  hints.ai_flags = AI_CANONNAME;
  addrinfo* results = nullptr;
  std::string canonical;
  if (::getaddrinfo(name.c_str(), nullptr, &hints, &results) == 0) {
    canonical = results->ai_canonname != nullptr ? results->ai_canonname : "";
    ::freeaddrinfo(results);
  }
  return canonical;
}

}  // namespace

CheckResult check_request(const http::Request& request, const RouteMatch& match,
                          const AccessRules& rules, CheckStage stage) {
  using Check = Objection (*)(const CheckInput&);
  constexpr std::array<Check, 9> checks = {
      check_host,       check_credentials,  check_route,  check_scope,      check_encoding,
      check_parameters, check_content_type, check_origin, check_csrf_token,
  };
  CheckResult result;
  for (const Check check : checks) {
    result.problem = check({request, match, rules, result, stage});
    if (result.problem) {
      break;
    }
  }
  return result;
}

Digest digest_of(std::string_view secret) {
  Digest digest{};
  if (EVP_Digest(secret.data(), secret.size(), digest.data(), nullptr, EVP_sha256(), nullptr) !=
      1) {
    throw std::runtime_error("SHA-256 is not available");
  }
  return digest;
}

Digest digest_of(const Digest& key, std::string_view secret) {
  Digest digest{};
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes_of(secret), secret.size(),
           digest.data(), nullptr) == nullptr) {
    throw std::runtime_error("HMAC-SHA-256 is not available");
  }
  return digest;
}

Digest random_key() {
  Digest key{};
  // Not from OpenSSL: its first random byte costs two megabytes and two milliseconds.
  if (::getentropy(key.data(), key.size()) != 0) {
    throw std::runtime_error("there is no source of randomness");
  }
  return key;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

bool equal_in_constant_time(const Digest& a, const Digest& b) {
  return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::optional<std::string_view> credentials(std::string_view header, std::string_view scheme) {
  if (header.size() <= scheme.size() ||
      !http::same_ignoring_case(header.substr(0, scheme.size()), scheme) ||
      header[scheme.size()] != ' ') {
    return std::nullopt;
  }
  header.remove_prefix(std::min(header.find_first_not_of(' ', scheme.size()), header.size()));
  return header;
}

std::string_view to_string(Scope scope) {
  return base::name_of<all_scopes>(scope, {"read", "logs", "control", "alerts", "admin"});
}

std::optional<Scope> scope_from_string(std::string_view text) {
  const auto* const found = std::find_if(all_scopes.begin(), all_scopes.end(),
                                         [&](Scope scope) { return to_string(scope) == text; });
  return found == all_scopes.end() ? std::nullopt : std::optional(*found);
}

bool Principal::has(Scope scope) const {
  return std::find(scopes.begin(), scopes.end(), scope) != scopes.end();
}

bool Principal::may_act_on(const substrate::Selector& selector,
                           const substrate::KnownNames& known) const {
  const std::string& text = selector.text();
  const auto parts = substrate::split_qualified(text);
  const auto single = selector.single(selector.supervisor(), known);
  return std::any_of(allow.begin(), allow.end(), [&](const substrate::Selector& allowed) {
    return allowed.text() == "*" || allowed.text() == text ||
           (parts && allowed.text() == parts->process) ||
           (single && allowed.matches(selector.supervisor(), *single, known));
  });
}

bool Principal::may_read(const guards::Target& target, const substrate::KnownNames& known) const {
  if (may_read_everything()) {
    return true;
  }
  if (!target.name.name.empty()) {
    return substrate::any_matches(allow, target.supervisor, target.name, known);
  }
  const auto group = substrate::Selector::parse(target.text());
  return group && may_act_on(*group, known);
}

bool Principal::may_read_everything() const {
  return read_all || std::any_of(allow.begin(), allow.end(), [](const substrate::Selector& each) {
           return each.text() == "*";
         });
}

bool Principal::reads_the_same(const Principal& other) const {
  return may_read_everything() == other.may_read_everything() &&
         (may_read_everything() || allow == other.allow);
}

Authenticator::Authenticator(const ControlOptions& options, const Sessions* sessions)
    : sessions_(sessions) {
  for (const TokenOptions& token : options.tokens) {
    tokens_.push_back({.digest = token.digest,
                       .principal = {token.name, token.scopes, token.allow, token.read_all}});
  }
  for (const ClientOptions& client : options.clients) {
    clients_.push_back({http::alternative_name(client.san),
                        {client.san, client.scopes, client.allow, client.read_all}});
  }
}

const Principal* Authenticator::find(std::string_view name, Scope scope) const {
  const auto is_it = [&](const auto& each) {
    return each.principal.name == name && each.principal.has(scope);
  };
  if (const auto token = std::find_if(tokens_.begin(), tokens_.end(), is_it);
      token != tokens_.end()) {
    return &token->principal;
  }
  const auto client = std::find_if(clients_.begin(), clients_.end(), is_it);
  return client == clients_.end() ? nullptr : &client->principal;
}

Credential credential_of(const http::Request& request) {
  if (const auto header = request.header("Authorization")) {
    const auto token = credentials(*header, "Bearer");
    return {.token = token && !token->empty() ? digest_of(*token) : Digest()};
  }
  if (const auto cookie = session_cookie(request)) {
    return {.token = std::nullopt, .session = digest_of(*cookie)};
  }
  return {.token = std::nullopt, .client_names = request.client_names};
}

const Principal* Authenticator::authenticate(const Credential& credential) const {
  if (credential.token) {
    return by_token(*credential.token);
  }
  return credential.session ? by_session(*credential.session)
                            : by_certificate(credential.client_names);
}

const Principal* Authenticator::by_session(const Digest& id) const {
  const auto token = sessions_ != nullptr ? sessions_->use(id) : std::nullopt;
  return token ? principal_of(*token) : nullptr;
}

const Principal* Authenticator::principal_of(const SessionToken& token) const {
  const Principal* const principal = by_token(token.digest);
  return principal != nullptr && principal->name == token.name ? principal : nullptr;
}

const Principal* Authenticator::by_token(const Digest& digest) const {
  constexpr Digest no_digest{};
  const Principal* found = nullptr;
  for (const Token& candidate : tokens_) {
    const bool same = equal_in_constant_time(candidate.digest, digest);
    found = same && digest != no_digest ? &candidate.principal : found;
  }
  return found;
}

const Principal* Authenticator::by_certificate(const std::vector<std::string>& names) const {
  const auto found = std::find_if(clients_.begin(), clients_.end(), [&](const Client& client) {
    return std::find(names.begin(), names.end(), client.certificate_name) != names.end();
  });
  return found == clients_.end() ? nullptr : &found->principal;
}

std::optional<std::string> allowed_host(std::string_view text) {
  const bool bare_v6 = !text.starts_with('[') && text.find(':') != text.rfind(':');
  return bare_v6 ? http::host_of("[" + std::string(text) + "]") : http::host_of(text);
}

MachineName this_machine() {
  const std::string name = own_host_name();
  return {.name = name, .qualified = [name] { return canonical_name(name); }};
}

HostNames::HostNames(std::string_view listen_host, const std::vector<std::string>& more,
                     MachineName machine)
    : names_{"localhost", "127.0.0.1", "[::1]"}, machine_(std::move(machine)) {
  const auto add = [&](std::string_view host) {
    if (auto name = allowed_host(host)) {
      names_.insert(*std::move(name));
    }
  };
  add(listen_host);
  add(machine_.name);
  for (const std::string& host : more) {
    add(host);
  }
}

bool HostNames::contains(std::string_view host, CheckStage stage) const {
  const auto parsed = http::host_of(host);
  if (!parsed) {
    return false;
  }
  const std::string& name = *parsed;
  if (names_.contains(name)) {
    return true;
  }
  const std::string prefix = lower_case(machine_.name) + ".";
  if (machine_.name.empty() || !name.starts_with(prefix)) {
    return false;
  }
  auto qualified = qualified_.copy();
  if (!qualified && stage == CheckStage::head) {
    return true;
  }
  if (!qualified) {
    qualified = http::host_of(machine_.qualified()).value_or("");
    qualified_.with([&](auto& known) { known = qualified; });
  }
  return name == qualified;
}

std::optional<std::chrono::seconds> LoginThrottle::retry_after(const std::string& peer) const {
  const base::SteadyTime now = clock_->steady_now();
  return peers_.with([&](const auto& peers) -> std::optional<std::chrono::seconds> {
    const auto found = peers.find(peer);
    if (found == peers.end() || found->second.count < max_failures ||
        now - found->second.since >= throttle_window) {
      return std::nullopt;
    }
    return std::chrono::ceil<std::chrono::seconds>(found->second.since + throttle_window - now);
  });
}

int LoginThrottle::count_failure(const std::string& peer) {
  const base::SteadyTime now = clock_->steady_now();
  return peers_.with([&](auto& peers) {
    Failures& failures = peers[peer];
    if (failures.count == 0 || now - failures.since >= throttle_window) {
      failures = {.since = now, .count = 0};
    }
    const int count = ++failures.count;
    if (peers.size() > max_peers) {
      peers.erase(std::min_element(peers.begin(), peers.end(), [](const auto& a, const auto& b) {
        return a.second.since < b.second.since;
      }));
    }
    return count;
  });
}

}  // namespace reeve::api
