#pragma once

// Authentication on both listeners: tokens, certificates and users, as configured. Values.

#include <array>
#include <cstddef>
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

/// What is kept of a token, in place of its text.
using Digest = std::array<unsigned char, 32>;
/// SHA-256.
[[nodiscard]] Digest digest_of(std::string_view secret);

/// Requests of the control listener wait apart, by what they may wait for.
enum class Lane : std::uint8_t {
  reading,  ///< what is in memory
  waiting,  ///< a supervisord's answer, or a long file
  acting,
  alerts,
};
inline constexpr std::array<std::size_t, 4> lane_workers = {2, 3, 4, 2};

struct TokenOptions {
  std::string name;  ///< the actor in the audit
  Digest digest{};   ///< of the token; all zero: no token matches
  std::vector<Scope> scopes;
  /// The processes that it may act on, and read.
  std::vector<substrate::Selector> allow = {*substrate::Selector::parse("*")};
  bool read_all = false;  ///< it may read all processes
  friend bool operator==(const TokenOptions&, const TokenOptions&) = default;
};

/// A client with a certificate that the listener's TLS has verified.
struct ClientOptions {
  std::string san;  ///< a subject alternative name of its certificate, without prefix
  std::vector<Scope> scopes;
  std::vector<substrate::Selector> allow = {*substrate::Selector::parse("*")};
  bool read_all = false;
  friend bool operator==(const ClientOptions&, const ClientOptions&) = default;
};

/// A configured host in the form in which hosts are compared; an IPv6 address may lack its
/// brackets. Nothing if it is none.
[[nodiscard]] std::optional<std::string> allowed_host(std::string_view text);

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

/// A header of every response.
struct ExtraHeader {
  std::string name;
  std::string value;
  friend bool operator==(const ExtraHeader&, const ExtraHeader&) = default;
};

/// The metrics listener.
struct MetricsOptions {
  std::string path = "/metrics";
  std::vector<BasicUser> users;           ///< none: no login is required
  std::vector<ExtraHeader> headers = {};  ///< in place of those of the same name
  friend bool operator==(const MetricsOptions&, const MetricsOptions&) = default;
};

}  // namespace reeve::api
