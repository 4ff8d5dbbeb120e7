#pragma once

// One supervisord, as configured.

#include <chrono>
#include <string>
#include <vector>

#include "reeve/base/clock.h"
#include "xmlrpc/options.h"

namespace reeve::supervisor {

struct Options {
  std::string name;  ///< empty for the single, unnamed `supervisor:` block
  xmlrpc::ClientOptions peer;
  base::Duration timeout = std::chrono::seconds(5);  ///< one ordinary call
  /// Unix sockets that are tried where nothing listens at the endpoint, until one place was
  /// reached: for who was not told where supervisord is.
  std::vector<std::string> usual_sockets;
  friend bool operator==(const Options&, const Options&) = default;
};

}  // namespace reeve::supervisor
