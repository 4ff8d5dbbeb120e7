#pragma once

// Authentication on both listeners: tokens, certificates and users, as configured. Values.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reeve/base/enumeration.h"
#include "reeve/base/secret.h"
#include "substrate/selector.h"

namespace reeve::api {

enum class Scope : std::uint8_t { read, logs, control, alerts, admin };
inline constexpr auto all_scopes = base::all_of<Scope, Scope::admin>();
[[nodiscard]] std::string_view to_string(Scope scope);
[[nodiscard]] std::optional<Scope> scope_from_string(std::string_view text);

struct TokenOptions {
  std::string name;  ///< the actor in the audit
  base::Secret secret;
  std::vector<Scope> scopes;
  /// The processes that it may act on; it may read all.
  std::vector<substrate::Selector> allow = {*substrate::Selector::parse("*")};
  friend bool operator==(const TokenOptions&, const TokenOptions&) = default;
};

/// A client with a certificate that the listener's TLS has verified.
struct ClientOptions {
  std::string san;  ///< a subject alternative name of its certificate, without prefix
  std::vector<Scope> scopes;
  std::vector<substrate::Selector> allow = {*substrate::Selector::parse("*")};
  friend bool operator==(const ClientOptions&, const ClientOptions&) = default;
};

/// The control listener.
struct ControlOptions {
  std::vector<TokenOptions> tokens;
  std::vector<ClientOptions> clients;
  /// Beside localhost, the loopback addresses, the listen address and this machine's names.
  std::vector<std::string> allowed_hosts;
  friend bool operator==(const ControlOptions&, const ControlOptions&) = default;
};

/// basic_auth_users of the web configuration: a name and a bcrypt hash ("$2y$10$…").
struct BasicUser {
  std::string name;
  base::Secret bcrypt;
  friend bool operator==(const BasicUser&, const BasicUser&) = default;
};

/// The metrics listener.
struct MetricsOptions {
  std::string path = "/metrics";
  std::vector<BasicUser> users;  ///< none: no login is required
  friend bool operator==(const MetricsOptions&, const MetricsOptions&) = default;
};

}  // namespace reeve::api
