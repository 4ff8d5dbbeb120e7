#pragma once

// Starting and stopping one process. A start lets supervisord wait (that costs it nothing); a
// stop never does (it would burn a whole core meanwhile): it is asked for, then looked at until
// it is done. Runs on the caller's thread; all waits end with the deadline or its stop.

#include "reeve/substrate/substrate.h"
#include "supervisor/peer.h"

namespace reeve::supervisor {

/// As Substrate::start_instance.
[[nodiscard]] base::Result<substrate::Outcome> start(const Peer& peer,
                                                     const substrate::InstanceName& name,
                                                     const base::Deadline& deadline);

/// As Substrate::stop_instance.
[[nodiscard]] base::Result<substrate::Outcome> stop(const Peer& peer,
                                                    const substrate::InstanceName& name,
                                                    substrate::StopMode mode,
                                                    const base::Deadline& deadline);

}  // namespace reeve::supervisor
