#pragma once

// The names under which a listener may be addressed. A page of an attacker whose own name leads
// to this machine (DNS rebinding) sends that name as Host, even to loopback.

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/guarded.h"

namespace reeve::api {

/// What this machine calls itself.
struct MachineName {
  std::string name;
  /// Its fully qualified form; may ask the resolver, and is called only if a client uses one.
  std::function<std::string()> qualified;
};
[[nodiscard]] MachineName this_machine();

class HostNames {
 public:
  /// localhost, the loopback addresses, `listen_host`, the machine, and `more`.
  HostNames(std::string_view listen_host, const std::vector<std::string>& more,
            MachineName machine);

  /// `host` is a Host header: a port is left out of account.
  [[nodiscard]] bool allow(std::string_view host) const;

 private:
  std::set<std::string> names_;
  MachineName machine_;
  mutable base::Guarded<std::optional<std::string>> qualified_;  ///< asked for at most once
};

}  // namespace reeve::api
