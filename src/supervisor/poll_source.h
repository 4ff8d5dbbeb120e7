#pragma once

// supervisord as a PollSource: listings in parts by its Lister, surveys as one system.multicall.
// Shares the connection and the known names of the SupervisorSubstrate that it is made from, and
// may outlive it. Thread-safe.

#include <memory>

#include "reeve/supervisor/supervisor_substrate.h"
#include "substrate/poll_source.h"

namespace reeve::supervisor {

class SupervisorPollSource final : public substrate::PollSource {
 public:
  explicit SupervisorPollSource(const SupervisorSubstrate& substrate)
      : peer_(substrate.peer_), lister_(substrate.lister_) {}

  [[nodiscard]] base::Result<substrate::Listing> relist(base::Duration max_name_age,
                                                        const base::Deadline& deadline) override;
  [[nodiscard]] base::Result<substrate::Survey> survey(const substrate::SurveyRequest& request,
                                                       const base::Deadline& deadline) override;

 private:
  std::shared_ptr<const Peer> peer_;
  std::shared_ptr<Lister> lister_;
};

}  // namespace reeve::supervisor
