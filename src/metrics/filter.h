#pragma once

// Which processes have series: metrics.include and metrics.exclude. An expression is matched
// once for each process name and the answer kept. Not thread-safe.

#include <map>
#include <regex>
#include <vector>

#include "metrics/options.h"
#include "reeve/substrate/instance.h"

namespace reeve::metrics {

class Filter {
 public:
  /// Throws std::regex_error on an expression that the configuration would have refused.
  explicit Filter(const Options& options);

  [[nodiscard]] bool shows(const substrate::InstanceName& name);

 private:
  [[nodiscard]] bool matches(const substrate::InstanceName& name) const;

  std::vector<std::regex> include_;
  std::vector<std::regex> exclude_;
  std::map<substrate::InstanceName, bool> known_;
};

}  // namespace reeve::metrics
