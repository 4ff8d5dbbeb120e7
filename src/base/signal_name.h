#pragma once

// The one grammar of signal names, for the configuration, commands and policy. Pure.

#include <optional>
#include <string>
#include <string_view>

namespace reeve::base {

/// "HUP" for "HUP", "SIGHUP", "sighup": the name that the system has for a signal, without `SIG`,
/// which is cut once. Nothing for any other text, numbers included.
[[nodiscard]] std::optional<std::string> signal_name(std::string_view text);

}  // namespace reeve::base
