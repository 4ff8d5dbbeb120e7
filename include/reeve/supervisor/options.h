#pragma once

// One supervisord, as configured.

#include <chrono>
#include <string>

#include "reeve/base/clock.h"
#include "reeve/xmlrpc/options.h"

namespace reeve::supervisor {

struct Options {
  std::string name;  ///< empty for the single, unnamed `supervisor:` block
  xmlrpc::ClientOptions peer;
  base::Duration timeout = std::chrono::seconds(5);  ///< one ordinary call
  friend bool operator==(const Options&, const Options&) = default;
};

}  // namespace reeve::supervisor
