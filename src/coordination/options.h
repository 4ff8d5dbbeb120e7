#pragma once

// Where the hosts keep what they must agree on, and how this one is known there: the section
// `coordination` of the configuration. Values.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "http/options.h"
#include "reeve/base/clock.h"
#include "reeve/base/endpoint.h"
#include "reeve/base/result.h"
#include "reeve/base/secret.h"

namespace reeve::coordination {

struct EtcdOptions {
  std::vector<base::Endpoint> endpoints;  ///< tried in turn
  std::string username;                   ///< of etcd's own users; empty: none
  base::Secret password;
  http::ClientTls tls;
  base::Duration timeout = std::chrono::seconds(2);  ///< of one call to one endpoint, total
  friend bool operator==(const EtcdOptions&, const EtcdOptions&) = default;
};

/// What a member says of itself.
struct MemberInfo {
  std::string name;
  std::string metrics;  ///< `HOST:PORT`, as Prometheus reaches it
  std::string control;  ///< a URL, as people and `reeve fleet` reach it; may be empty
  std::string version;
  std::map<std::string, std::string> labels;
  friend bool operator==(const MemberInfo&, const MemberInfo&) = default;
};

struct Options {
  EtcdOptions etcd;
  std::string cluster = "default";  ///< agents of one etcd that know each other
  MemberInfo member;
  base::Duration lease = std::chrono::seconds(30);
  friend bool operator==(const Options&, const Options&) = default;
};

inline constexpr std::size_t max_name_bytes = 64;
inline constexpr std::size_t max_member_name_bytes = 253;

/// Letters, digits, '-', '_' and '.', at most `max_bytes` of them and at least one: the names of
/// clusters, limits and members, which are parts of keys.
[[nodiscard]] bool is_name(std::string_view text, std::size_t max_bytes = max_name_bytes);

/// Of a member's label: letters, digits and '_', not beginning with a digit.
[[nodiscard]] bool is_label_name(std::string_view text);

}  // namespace reeve::coordination
