#include "reeve/substrate/substrate.h"

namespace reeve::substrate {

base::Result<Outcome> Substrate::restart_instance(const InstanceName& name,
                                                  const base::Deadline& deadline) {
  return stop_instance(name, StopMode::graceful, deadline).and_then([&](Outcome) {
    return start_instance(name, deadline);
  });
}

}  // namespace reeve::substrate
