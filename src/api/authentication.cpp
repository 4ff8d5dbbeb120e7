#include "api/authentication.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <crypt.h>
#include <netdb.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <unistd.h>

#include "api/http_helpers.h"
#include "api/routes.h"
#include "http/grammar.h"

namespace reeve::api {
namespace {

constexpr std::size_t max_login_bytes = 1024;
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

  [[nodiscard]] bool is_open_route() const { return match.route != nullptr && !match.route->scope; }
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
  if (host && input.rules.hosts.contains(*host)) {
    return std::nullopt;
  }
  return objection(421, "wrong_host",
                   "this is not '" + std::string(host.value_or("")) +
                       "': use one of the agent's own names, or add this one to"
                       " control.allowed_hosts");
}

Objection check_credentials(const CheckInput& input) {
  static const Principal anonymous;
  input.result.actor =
      input.is_open_route() ? &anonymous : input.rules.authenticator.authenticate(input.request);
  if (input.result.actor != nullptr) {
    return std::nullopt;
  }
  input.result.login_failed = true;
  return objection(401, "not_authenticated",
                   "send a token of the configuration: Authorization: Bearer …",
                   {{"WWW-Authenticate", "Bearer realm=\"reeve\""}});
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
  if (!http::percent_decode(input.request.query)) {
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

Objection check_content_type(const CheckInput& input) {
  std::string_view type = input.request.header("Content-Type").value_or("");
  if (input.request.body.empty() ||
      http::same_ignoring_case(take_until(type, ';'), "application/json")) {
    return std::nullopt;
  }
  return objection(415, "content_type", "the body must come as Content-Type: application/json");
}

/// Browsers add these headers. Pages of other origins are refused even if the browser adds a client
/// certificate to their requests.
Objection check_origin(const CheckInput& input) {
  const auto site = input.request.header("Sec-Fetch-Site");
  const auto origin = input.request.header("Origin");
  const std::string own(input.request.header("Host").value_or(""));
  const bool is_foreign = origin && !http::same_ignoring_case(*origin, "http://" + own) &&
                          !http::same_ignoring_case(*origin, "https://" + own);
  if (is_foreign || (site && http::same_ignoring_case(*site, "cross-site"))) {
    return objection(403, "foreign_origin", "pages of other origins may not come here");
  }
  return std::nullopt;
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

/// The form in which hosts are compared: without port and final dot, in lower case.
std::string normalised_host(std::string_view host) {
  const bool bracketed = host.starts_with('[');
  const std::size_t end = bracketed ? host.find(']') : host.find(':');
  if (bracketed) {
    return lower_case(host.substr(0, end == std::string_view::npos ? end : end + 1));
  }
  std::string name = lower_case(host.substr(0, end));
  if (name.ends_with('.')) {
    name.pop_back();
  }
  return name;
}

// Passwords.

std::optional<std::string> decode_base64(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0 || text.size() > max_login_bytes) {
    return std::nullopt;
  }
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  std::vector<unsigned char> bytes(text.size() / 4 * 3);
  const int length = EVP_DecodeBlock(bytes.data(), bytes_of(text), static_cast<int>(text.size()));
  if (length < static_cast<int>(padding)) {
    return std::nullopt;
  }
  return std::string(bytes.begin(), bytes.begin() + length - static_cast<int>(padding));
}

bool bcrypt_matches(const std::string& password, const std::string& hash) {
  const auto data = std::make_unique<crypt_data>();
  const char* const computed = ::crypt_r(password.c_str(), hash.c_str(), data.get());
  return computed != nullptr && equal_in_constant_time(computed, hash);
}

}  // namespace

CheckResult check_request(const http::Request& request, const RouteMatch& match,
                          const AccessRules& rules) {
  using Check = Objection (*)(const CheckInput&);
  constexpr std::array<Check, 7> checks = {
      check_host,     check_credentials,  check_route,  check_scope,
      check_encoding, check_content_type, check_origin,
  };
  CheckResult result;
  for (const Check check : checks) {
    result.problem = check({request, match, rules, result});
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

bool Principal::may_act_on(const substrate::Selector& selector) const {
  const std::string& text = selector.text();
  const auto parts = substrate::split_qualified(text);
  const auto single = selector.single();
  return std::any_of(allow.begin(), allow.end(), [&](const substrate::Selector& allowed) {
    return allowed.text() == "*" || allowed.text() == text ||
           (parts && allowed.text() == parts->process) ||
           (single && allowed.matches(selector.supervisor(), *single));
  });
}

Authenticator::Authenticator(const ControlOptions& options) {
  for (const TokenOptions& token : options.tokens) {
    tokens_.push_back({.digest = digest_of(token.secret.reveal()),
                       .principal = {token.name, token.scopes, token.allow}});
  }
  for (const ClientOptions& client : options.clients) {
    clients_.push_back({client.san, client.scopes, client.allow});
  }
}

const Principal* Authenticator::authenticate(const http::Request& request) const {
  const auto header = request.header("Authorization");
  if (!header) {
    return by_certificate(request.client_names);
  }
  const auto token = credentials(*header, "Bearer");
  return token ? by_token(*token) : nullptr;
}

const Principal* Authenticator::by_token(std::string_view token) const {
  const Digest digest = digest_of(token);
  const Principal* found = nullptr;
  for (const Token& candidate : tokens_) {
    const bool same = equal_in_constant_time(candidate.digest, digest);
    found = same && !token.empty() ? &candidate.principal : found;
  }
  return found;
}

const Principal* Authenticator::by_certificate(const std::vector<std::string>& names) const {
  const auto found = std::find_if(clients_.begin(), clients_.end(), [&](const Principal& client) {
    return std::find(names.begin(), names.end(), client.name) != names.end();
  });
  return found == clients_.end() ? nullptr : &*found;
}

MachineName this_machine() {
  const std::string name = own_host_name();
  return {.name = name, .qualified = [name] { return canonical_name(name); }};
}

HostNames::HostNames(std::string_view listen_host, const std::vector<std::string>& more,
                     MachineName machine)
    : names_{"localhost", "127.0.0.1", "[::1]"}, machine_(std::move(machine)) {
  const auto add = [&](std::string_view host) {
    const bool bare_v6 = !host.starts_with('[') && host.find(':') != host.rfind(':');
    names_.insert(bare_v6 ? "[" + lower_case(host) + "]" : normalised_host(host));
  };
  add(listen_host);
  add(machine_.name);
  for (const std::string& host : more) {
    add(host);
  }
  names_.erase("");
}

bool HostNames::contains(std::string_view host) const {
  const std::string name = normalised_host(host);
  if (names_.contains(name)) {
    return true;
  }
  const std::string prefix = lower_case(machine_.name) + ".";
  if (machine_.name.empty() || !name.starts_with(prefix)) {
    return false;
  }
  auto qualified = qualified_.copy();
  if (!qualified) {
    qualified = normalised_host(machine_.qualified());
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

std::optional<Login> read_login(std::string_view authorization) {
  const auto encoded = credentials(authorization, "Basic");
  const auto plain = encoded ? decode_base64(*encoded) : std::nullopt;
  const std::size_t colon = plain ? plain->find(':') : std::string::npos;
  // crypt reads a password up to a NUL: its beginning alone must not be accepted.
  if (colon == std::string::npos || plain->find('\0') != std::string::npos) {
    return std::nullopt;
  }
  return Login{.name = plain->substr(0, colon), .password = base::Secret(plain->substr(colon + 1))};
}

PasswordChecker::PasswordChecker(const std::vector<BasicUser>& users, const base::Clock& clock)
    : clock_(clock), state_(State{.users = users, .cache = {}, .queue = {}}) {}

void PasswordChecker::configure(const std::vector<BasicUser>& users) {
  state_.with([&](State& state) {
    state.users = users;
    state.cache.clear();
  });
}

bool PasswordChecker::requires_login() const {
  return state_.with([](const State& state) { return !state.users.empty(); });
}

Digest PasswordChecker::digest_of_login(const Login& login) const {
  return digest_of(key_, login.name + ":" + login.password.reveal());
}

bool PasswordChecker::is_cached(const Login& login) const {
  const Digest digest = digest_of_login(login);
  return state_.with([&](const State& state) {
    return std::any_of(state.cache.begin(), state.cache.end(), [&](const Digest& cached) {
      return equal_in_constant_time(cached, digest);
    });
  });
}

bool PasswordChecker::check(Login login, std::function<void(bool)> done) {
  const bool queued = state_.with([&](State& state) {
    if (state.queue.size() >= max_queued) {
      return false;
    }
    state.queue.push_back({.login = std::move(login), .done = std::move(done)});
    if (!thread_.joinable()) {
      thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
    }
    return true;
  });
  wakeup_.nudge();
  return queued;
}

bool PasswordChecker::verify(const Login& login) {
  if (is_cached(login)) {
    return true;
  }
  const auto users = state_.with([](const State& state) { return state.users; });
  if (users.empty()) {
    return true;
  }
  const auto found = std::find_if(users.begin(), users.end(),
                                  [&](const BasicUser& user) { return user.name == login.name; });
  const BasicUser& user = found == users.end() ? users.front() : *found;
  const bool matches = bcrypt_matches(login.password.reveal(), user.bcrypt.reveal());
  if (!matches || found == users.end()) {
    return false;
  }
  state_.with([&](State& state) {
    if (state.users == users) {  // not changed by a reload meanwhile
      state.cache.push_back(digest_of_login(login));
    }
    if (state.cache.size() > max_cached) {
      state.cache.pop_front();
    }
  });
  return true;
}

void PasswordChecker::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    auto job = state_.with([](State& state) -> std::optional<Job> {
      if (state.queue.empty()) {
        return std::nullopt;
      }
      Job next = std::move(state.queue.front());
      state.queue.pop_front();
      return next;
    });
    if (job) {
      job->done(verify(job->login));
    } else {
      (void)wakeup_.wait_until(clock_.steady_now() + std::chrono::hours(1), stop);
    }
  }
}

}  // namespace reeve::api
