#pragma once

// supervisord as a PollSource: a poll is one system.multicall, or one for each shard of a long
// listing, side by side; where there is no system.multicall, one request for each call. Shares the
// connection and the known names with the SupervisorSubstrate that it is made from, and may outlive
// it. Thread-safe.

#include <memory>

#include "reeve/supervisor/supervisor_substrate.h"
#include "substrate/poll_source.h"

namespace reeve::supervisor {

class SupervisorPollSource final : public substrate::PollSource {
 public:
  explicit SupervisorPollSource(const SupervisorSubstrate& substrate)
      : rpc_(substrate.rpc_), lister_(substrate.lister_) {}

  [[nodiscard]] base::Result<substrate::PollAnswer> poll(const substrate::PollRequest& request,
                                                         const base::Deadline& deadline) override;

 private:
  std::shared_ptr<const SupervisordRpc> rpc_;  // used by lister_
  std::shared_ptr<Lister> lister_;
};

}  // namespace reeve::supervisor
