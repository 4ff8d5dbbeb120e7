#pragma once

// What may be done to which process at all, whoever asks, and how long supervisord may take to
// say which programs it has.

#include <string>
#include <vector>

#include "reeve/base/clock.h"
#include "reeve/substrate/selector.h"

namespace reeve::control {

struct Options {
  std::vector<substrate::Selector> allow = {*substrate::Selector::parse("*")};
  std::vector<substrate::Selector> deny;  ///< wins over allow
  /// Names as in `kill -l`, with or without SIG; numbers are not accepted from clients.
  std::vector<std::string> signals = {"HUP", "USR1", "USR2", "INT"};
  /// As for a full poll: it tells of all its programs at once.
  base::Duration listing_timeout = std::chrono::seconds(30);
  friend bool operator==(const Options&, const Options&) = default;
};

}  // namespace reeve::control
