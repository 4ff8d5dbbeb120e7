#pragma once

// Authentication, and the check that each request of the control listener passes before an
// endpoint sees it: check_request(), in one order; the first objection is the response. The metrics
// listener checks Basic passwords instead. Both count failed logins per address.
// Called on the listeners' threads, several at once; bcrypt runs on PasswordChecker's own thread.
// It never reads a body, and blocks for nothing but one look-up of the machine's qualified name.

#include <array>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "api/options.h"
#include "api/problem.h"
#include "base/guarded.h"
#include "base/wakeup.h"
#include "http/message.h"
#include "reeve/base/clock.h"

namespace reeve::api {

struct RouteMatch;

/// How long the response to a failed login is held back.
inline constexpr std::chrono::milliseconds failed_login_delay{500};

// Digests: secrets are compared by them, in constant time and whatever the secrets' lengths.

using Digest = std::array<unsigned char, 32>;

/// SHA-256.
[[nodiscard]] Digest digest_of(std::string_view secret);
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

  [[nodiscard]] bool has(Scope scope) const;
  /// Whether `allow` covers all that the selector names.
  [[nodiscard]] bool may_act_on(const substrate::Selector& selector) const;
};

/// The tokens and client certificates of the configuration. Immutable.
class Authenticator {
 public:
  explicit Authenticator(const ControlOptions& options);

  /// By the bearer token; without an Authorization header by the verified client certificate.
  /// Null if it is unknown. The time it takes does not depend on the token.
  [[nodiscard]] const Principal* authenticate(const http::Request& request) const;

 private:
  struct Token {
    Digest digest;
    Principal principal;
  };
  [[nodiscard]] const Principal* by_token(std::string_view token) const;
  [[nodiscard]] const Principal* by_certificate(const std::vector<std::string>& names) const;

  std::vector<Token> tokens_;
  std::vector<Principal> clients_;  ///< named by their subject alternative name
};

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

  /// `host` is a Host header; its port is ignored.
  [[nodiscard]] bool contains(std::string_view host) const;

 private:
  std::set<std::string> names_;
  MachineName machine_;
  mutable base::Guarded<std::optional<std::string>> qualified_;  ///< looked up at most once
};

/// What requests are checked against. Immutable; a reload makes a new one.
struct AccessRules {
  AccessRules(const ControlOptions& options, std::string_view listen_host)
      : authenticator(options), hosts(listen_host, options.allowed_hosts, this_machine()) {}

  Authenticator authenticator;
  HostNames hosts;
};

struct CheckResult {
  const Principal* actor = nullptr;
  std::vector<std::string> path_parameters;  ///< decoded
  std::optional<Problem> problem;            ///< nothing: the endpoint may be called
  bool login_failed = false;
};

/// Host → authentication → route → scope → encoding → content type → origin.
[[nodiscard]] CheckResult check_request(const http::Request& request, const RouteMatch& match,
                                        const AccessRules& rules);

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

struct Login {
  std::string name;
  base::Secret password;
};

/// The name and password of a Basic Authorization header; nothing if it is malformed.
[[nodiscard]] std::optional<Login> read_login(std::string_view authorization);

/// Checks names and passwords against bcrypt hashes. One check takes a tenth of a second by design:
/// it runs on a thread of its own behind a short queue. Verified logins are cached by a keyed
/// digest. An unknown name takes as long as a known one. Thread-safe.
class PasswordChecker {
 public:
  static constexpr std::size_t max_queued = 16;
  static constexpr std::size_t max_cached = 64;

  /// `clock` must outlive this.
  PasswordChecker(const std::vector<BasicUser>& users, const base::Clock& clock);

  /// Clears the cache.
  void configure(const std::vector<BasicUser>& users);
  /// False if no users are configured.
  [[nodiscard]] bool requires_login() const;
  [[nodiscard]] bool is_cached(const Login& login) const;
  /// Calls `done` on the thread. False, and no call, if the queue is full.
  [[nodiscard]] bool check(Login login, std::function<void(bool right)> done);

 private:
  struct Job {
    Login login;
    std::function<void(bool)> done;
  };
  struct State {
    std::vector<BasicUser> users;
    std::deque<Digest> cache;
    std::deque<Job> queue;
  };

  [[nodiscard]] Digest digest_of_login(const Login& login) const;
  [[nodiscard]] bool verify(const Login& login);
  void run(const std::stop_token& stop);

  const base::Clock& clock_;
  const Digest key_ = random_key();
  base::Guarded<State> state_;
  base::Wakeup wakeup_;
  /// Starts with the first check, under the state's guard. Last: it ends before what it uses.
  std::jthread thread_;
};

}  // namespace reeve::api
