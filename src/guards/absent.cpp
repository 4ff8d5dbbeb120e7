#include "guards/absent.h"

#include "base/text.h"

namespace reeve::guards {

std::string no_such_supervisor(const std::string& name, const monitor::Snapshot& snapshot) {
  return "no supervisord named '" + name +
         "' is configured; there are: " + supervisor_names(snapshot);
}

std::string no_such_process(const Target& target) {
  return "supervisord has no process '" + target.name.text() + "'";
}

std::string supervisor_names(const monitor::Snapshot& snapshot) {
  return base::join(snapshot.supervisors, ", ", &monitor::SupervisorSnapshot::name);
}

}  // namespace reeve::guards
