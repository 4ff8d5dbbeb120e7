#pragma once

// Which series a page has.

#include <string>
#include <vector>

namespace reeve::metrics {

struct Options {
  bool process_state_set = true;  ///< false: supervisord_process_state_code instead
  bool transitions = false;       ///< supervisord_process_transitions_total
  bool group_summary = true;      ///< supervisord_group_processes
  /// The families of other exporters, under their names.
  bool node_exporter_names = false;
  bool supervisord_exporter_names = false;
  /// Regular expressions (RE2) for the whole of `group:name`, checked by the configuration.
  /// A process is shown if it matches some include (or there is none) and no exclude.
  std::vector<std::string> include;
  std::vector<std::string> exclude;
  friend bool operator==(const Options&, const Options&) = default;
};

}  // namespace reeve::metrics
