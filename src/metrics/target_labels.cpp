#include "metrics/target_labels.h"

#include "metrics/text_writer.h"

namespace reeve::metrics {

std::string target_labels(const guards::Target& target) {
  const std::string process =
      join_labels(label("group", target.name.group), label("name", target.name.name));
  return target.supervisor.empty() ? process
                                   : join_labels(label("supervisor", target.supervisor), process);
}

}  // namespace reeve::metrics
