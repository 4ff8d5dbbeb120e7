#pragma once

// What may be done to which process at all, whoever asks.

#include <string>
#include <vector>

#include "reeve/substrate/selector.h"

namespace reeve::control {

struct Options {
  std::vector<substrate::Selector> allow = {*substrate::Selector::parse("*")};
  std::vector<substrate::Selector> deny;  ///< wins over allow
  /// Names as in `kill -l`, with or without SIG; numbers are not accepted from clients.
  std::vector<std::string> signals = {"HUP", "USR1", "USR2", "INT"};
  friend bool operator==(const Options&, const Options&) = default;
};

}  // namespace reeve::control
