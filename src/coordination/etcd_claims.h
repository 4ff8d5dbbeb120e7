#pragma once

// Claims of slots in etcd: one transaction that compares the limit's revision and creates one free
// slot and one free budget entry, each with a lease of its own. The slot's is kept alive by the
// caller; the budget entry's lasts for the budget's window and is never kept alive, so that no
// clock but etcd's decides. A transaction whose outcome is not known is read back by the
// operation's id; where that is not possible its leases are revoked, so that it can have no effect
// later. On the caller's thread; keeps no state.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coordination/coordinator.h"
#include "coordination/etcd_gateway.h"
#include "coordination/etcd_keys.h"

namespace reeve::coordination::etcd {

/// One of `count` places that is not taken, `spread` choosing among several; nothing if there is
/// none. Places beyond `count`, of a time when there were more, are taken too.
[[nodiscard]] std::optional<unsigned> free_place(const std::vector<unsigned>& taken, unsigned count,
                                                 std::size_t spread);

class Claims {
 public:
  Claims(Gateway& gateway, const Keys& keys, base::Duration lease)
      : gateway_(gateway), keys_(keys), lease_(lease) {}

  /// `abandoned`: leases that have to be revoked as soon as etcd can be asked.
  [[nodiscard]] ClaimResult claim(const ClaimRequest& request, const base::Deadline& deadline,
                                  std::vector<std::int64_t>& abandoned);
  /// Gives the slot a lease of `span`, and revokes its own. not_found: it is another's by now.
  [[nodiscard]] base::Result<void> hold(const Slot& slot, base::Duration span,
                                        const base::Deadline& deadline);
  /// Success, too, if the lease is gone.
  [[nodiscard]] base::Result<void> revoke(std::int64_t lease, const base::Deadline& deadline);
  /// The lease's id.
  [[nodiscard]] base::Result<std::int64_t> grant(base::Duration span,
                                                 const base::Deadline& deadline);

 private:
  struct Slots;
  /// What was granted for one claim.
  struct Leases {
    std::int64_t slot = 0;
    std::int64_t budget = 0;     ///< 0: none is needed
    base::Duration window = {};  ///< of the budget entry
    std::vector<std::int64_t> granted;
  };

  [[nodiscard]] Slots slots_of(const Json& transaction) const;
  [[nodiscard]] base::Result<Slots> read(const std::string& limit, const base::Deadline& deadline);
  /// Decided without a transaction: nothing free, no such limit, or the claim has it already.
  [[nodiscard]] std::optional<ClaimResult> decided(const ClaimRequest& request, const Slots& slots,
                                                   const base::Deadline& deadline);
  /// Those that are missing.
  [[nodiscard]] base::Result<void> grant_leases(const ClaimRequest& request, const Slots& slots,
                                                const base::Deadline& deadline, Leases& leases);
  /// `slot`: what it gives if it succeeds.
  [[nodiscard]] Json transaction_for(const ClaimRequest& request, const Slots& slots,
                                     const Leases& leases, Slot& slot) const;
  [[nodiscard]] std::optional<base::Duration> remaining(std::int64_t lease,
                                                        const base::Deadline& deadline);
  [[nodiscard]] ClaimResult try_to_claim(const ClaimRequest& request,
                                         const base::Deadline& deadline, Leases& leases);

  Gateway& gateway_;
  const Keys& keys_;
  base::Duration lease_;
};

}  // namespace reeve::coordination::etcd
