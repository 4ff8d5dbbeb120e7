#pragma once

// What people change in etcd for all hosts: limits, who holds their slots, maintenance, members.
// One transaction each. On the caller's thread.

#include <cstdint>
#include <vector>

#include "coordination/coordinator.h"
#include "coordination/etcd_claims.h"
#include "coordination/etcd_gateway.h"
#include "coordination/etcd_keys.h"

namespace reeve::coordination::etcd {

struct ChangeContext {
  Gateway& gateway;
  const Keys& keys;
  Claims& claims;
  const View& seen;  ///< what there is, which bounds what is added
  const base::Deadline& deadline;
  std::vector<std::int64_t>& abandoned;  ///< as of Claims::claim()
};

/// Errors as Coordinator::change().
[[nodiscard]] base::Result<void> carry_out(const Change& change, const ChangeContext& context);

}  // namespace reeve::coordination::etcd
