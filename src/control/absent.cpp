#include "reeve/control/absent.h"

#include "reeve/base/text.h"

namespace reeve::control {

std::string no_such_supervisor(const std::string& name, const fleet::FleetSnapshot& snapshot) {
  return "no supervisord named '" + name +
         "' is configured; there are: " + supervisor_names(snapshot);
}

std::string no_such_process(const Target& target) {
  return "supervisord has no process '" + target.name.text() + "'";
}

std::string supervisor_names(const fleet::FleetSnapshot& snapshot) {
  return base::join(snapshot.supervisors, ", ", &fleet::SupervisorSnapshot::name);
}

}  // namespace reeve::control
