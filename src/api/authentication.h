#pragma once

// Authentication, and the check that each request of the control listener passes before an
// endpoint sees it: check_request(), in one order; the first objection is the response. The metrics
// listener checks passwords instead (passwords.h). Both count failed logins per address.
// Called on the listeners' threads, several at once. It never reads a body, and blocks for nothing
// but one look-up of the machine's qualified name.

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "api/options.h"
#include "api/problem.h"
#include "base/guarded.h"
#include "guards/command.h"
#include "http/message.h"
#include "reeve/base/clock.h"

namespace reeve::api {

struct RouteMatch;
class Sessions;
struct SessionToken;

/// How long the response to a failed login is held back.
inline constexpr std::chrono::milliseconds failed_login_delay{500};

// Digests: secrets are compared by them, in constant time and whatever the secrets' lengths.

/// HMAC-SHA-256.
[[nodiscard]] Digest digest_of(const Digest& key, std::string_view secret);
/// From the kernel; throws without a source of randomness.
[[nodiscard]] Digest random_key();
[[nodiscard]] bool equal_in_constant_time(std::string_view a, std::string_view b);
[[nodiscard]] bool equal_in_constant_time(const Digest& a, const Digest& b);

/// What follows `scheme` and a blank in an Authorization header; the scheme in any case.
[[nodiscard]] std::optional<std::string_view> credentials(std::string_view header,
                                                          std::string_view scheme);

/// An authenticated client.
struct Principal {
  std::string name;
  std::vector<Scope> scopes;
  std::vector<substrate::Selector> allow;
  bool read_all = false;

  [[nodiscard]] bool has(Scope scope) const;
  /// Whether `allow` covers all that the selector names.
  [[nodiscard]] bool may_act_on(const substrate::Selector& selector,
                                const substrate::KnownNames& known) const;
  /// Whether it may read of this process or group: what it is, did, wrote.
  [[nodiscard]] bool may_read(const guards::Target& target,
                              const substrate::KnownNames& known) const;
  /// Whether it may read of all processes.
  [[nodiscard]] bool may_read_everything() const;
  /// Whether both may read of the same processes, as far as their lists show it.
  [[nodiscard]] bool reads_the_same(const Principal& other) const;
};

/// What a client proves by, as far as it is kept: a stream that is open is checked by it again.
struct Credential {
  /// Of the bearer token; all zero for an Authorization header without one.
  std::optional<Digest> token;
  std::optional<Digest> session = {};          ///< of the session cookie's value
  std::vector<std::string> client_names = {};  ///< of the verified certificate, each with its kind
};
/// An Authorization header comes before a session cookie, and that before a certificate.
[[nodiscard]] Credential credential_of(const http::Request& request);

/// The tokens and client certificates of the configuration. Immutable.
class Authenticator {
 public:
  /// `sessions` must outlive this; null: there are none.
  explicit Authenticator(const ControlOptions& options, const Sessions* sessions = nullptr);

  /// By the bearer token; without an Authorization header by the session, without its cookie by the
  /// verified client certificate. Null if it is unknown. The time it takes does not depend on the
  /// token.
  [[nodiscard]] const Principal* authenticate(const Credential& credential) const;
  /// The token that a session stands for, if it is still configured, under the same name.
  [[nodiscard]] const Principal* principal_of(const SessionToken& token) const;
  /// The principal of that name, as the record of a command has it, that has the scope; null if
  /// there is none any more.
  [[nodiscard]] const Principal* find(std::string_view name, Scope scope) const;

 private:
  struct Token {
    Digest digest;
    Principal principal;
  };
  [[nodiscard]] const Principal* by_token(const Digest& digest) const;
  [[nodiscard]] const Principal* by_session(const Digest& id) const;
  [[nodiscard]] const Principal* by_certificate(const std::vector<std::string>& names) const;

  const Sessions* sessions_;
  std::vector<Token> tokens_;
  struct Client {
    std::string certificate_name;
    Principal principal;
  };
  std::vector<Client> clients_;
};

/// Of a request on the transport's thread only the head is there, and nothing may be waited for;
/// all is checked again on a worker.
enum class CheckStage { head, whole_request };

struct MachineName {
  std::string name;
  /// The fully qualified form. It may ask the resolver, and is called only if a client uses one.
  std::function<std::string()> qualified;
};
[[nodiscard]] MachineName this_machine();

/// The names that a Host header may hold. With DNS rebinding an attacker's page sends its own name
/// as Host, even to loopback.
class HostNames {
 public:
  /// localhost, the loopback addresses, `listen_host`, the machine's names, and `more`.
  HostNames(std::string_view listen_host, const std::vector<std::string>& more,
            MachineName machine);

  /// `host` is a Host header; its port is ignored. Only a look-up may call the resolver: before
  /// it, a name that could be the qualified one of the machine passes a check of the head.
  [[nodiscard]] bool contains(std::string_view host,
                              CheckStage stage = CheckStage::whole_request) const;

 private:
  std::set<std::string> names_;
  MachineName machine_;
  mutable base::Guarded<std::optional<std::string>> qualified_;  ///< looked up at most once
};

/// What requests are checked against. Immutable; a reload makes a new one.
struct AccessRules {
  /// `its_sessions` must outlive this.
  AccessRules(const ControlOptions& options, std::string_view listen_host,
              const Sessions& its_sessions)
      : sessions(its_sessions),
        authenticator(options, &its_sessions),
        hosts(listen_host, options.allowed_hosts, this_machine()) {}

  const Sessions& sessions;
  Authenticator authenticator;
  HostNames hosts;
};

struct CheckResult {
  const Principal* actor = nullptr;
  std::vector<std::string> path_parameters;  ///< decoded
  std::optional<Problem> problem;            ///< nothing: the endpoint may be called
  bool login_failed = false;
};

/// Host → authentication → route → scope → encoding → parameters → content type → origin → CSRF
/// token.
[[nodiscard]] CheckResult check_request(const http::Request& request, const RouteMatch& match,
                                        const AccessRules& rules,
                                        CheckStage stage = CheckStage::whole_request);

/// Counts failed logins per address, over a minute. Bounded: the address whose minute began first
/// is dropped first. Thread-safe.
class LoginThrottle {
 public:
  static constexpr int max_failures = 10;
  static constexpr std::size_t max_peers = 1024;

  /// `clock` must outlive this.
  explicit LoginThrottle(const base::Clock& clock) : clock_(&clock) {}

  /// How long this address has to wait; nothing if it may try.
  [[nodiscard]] std::optional<std::chrono::seconds> retry_after(const std::string& peer) const;
  /// Returns the failures within the minute, this one included.
  int count_failure(const std::string& peer);

 private:
  struct Failures {
    base::SteadyTime since;
    int count = 0;
  };

  const base::Clock* clock_;
  base::Guarded<std::map<std::string, Failures>> peers_;
};

}  // namespace reeve::api
