// Lamps as a Substrate: shows that the installed interface is enough to build on. Switches every
// lamp of a room off and on again.
#include <iostream>
#include <map>

#include "reeve/base/clock.h"
#include "reeve/substrate/substrate.h"

namespace {

using namespace reeve;
using base::Deadline;
using base::ErrorKind;
using base::failure;
using base::Result;
using substrate::InstanceName;
using substrate::InstanceState;
using substrate::Outcome;

class Lamps final : public substrate::Substrate {
 public:
  Result<substrate::Pid> connect(const Deadline& /*deadline*/) override {
    return substrate::Pid{1};
  }

  Result<substrate::Listing> list_instances(const Deadline& deadline) override {
    substrate::Listing listing;
    for (const auto& [name, state] : lamps_) {
      listing.instances.push_back(*get_instance(name, deadline));
    }
    return listing;
  }

  Result<substrate::InstanceDetail> get_instance(const InstanceName& name,
                                                 const Deadline& /*deadline*/) override {
    const auto found = lamps_.find(name);
    if (found == lamps_.end()) {
      return failure(ErrorKind::not_found, "there is no lamp " + name.text());
    }
    substrate::InstanceDetail detail;
    detail.name = name;
    detail.state = found->second;
    return detail;
  }

  Result<Outcome> start_instance(const InstanceName& name, const Deadline& deadline) override {
    return turn(name, InstanceState::running, deadline);
  }

  Result<Outcome> stop_instance(const InstanceName& name, substrate::StopMode /*mode*/,
                                const Deadline& deadline) override {
    return turn(name, InstanceState::stopped, deadline);
  }

  Result<void> create_instance(const substrate::InstanceConfig& /*config*/,
                               const Deadline& /*deadline*/) override {
    return failure(ErrorKind::not_implemented, "lamps are bought, not created");
  }

  Result<void> delete_instance(const InstanceName& /*name*/, substrate::StopMode /*mode*/,
                               const Deadline& /*deadline*/) override {
    return failure(ErrorKind::not_implemented, "lamps are sold, not deleted");
  }

  Result<substrate::CommandOutput> execute_command(const InstanceName& /*name*/,
                                                   const std::string& /*command*/,
                                                   const Deadline& /*deadline*/) override {
    return failure(ErrorKind::not_implemented, "a lamp runs no commands");
  }

 private:
  Result<Outcome> turn(const InstanceName& name, InstanceState state, const Deadline& deadline) {
    return get_instance(name, deadline).map([&](const substrate::InstanceDetail& lamp) {
      lamps_[name] = state;
      return lamp.state == state ? Outcome::unchanged : Outcome::changed;
    });
  }

  std::map<InstanceName, InstanceState> lamps_ = {
      {{"kitchen", "ceiling"}, InstanceState::running},
      {{"kitchen", "table"}, InstanceState::stopped},
      {{"hall", "hall"}, InstanceState::stopped},
  };
};

}  // namespace

int main() {
  const base::SystemClock clock;
  const Deadline deadline = Deadline::after(clock, std::chrono::seconds(5));
  Lamps lamps;
  int lit = 0;
  for (const auto& lamp : lamps.list_instances(deadline)->instances) {
    if (lamp.name.group == "kitchen" && lamps.restart_instance(lamp.name, deadline)) {
      const auto after = lamps.get_instance(lamp.name, deadline);
      std::cout << lamp.name.text() << " " << to_string(after->state) << "\n";
      lit += after->state == InstanceState::running ? 1 : 0;
    }
  }
  return lit == 2 ? 0 : 1;
}
