#pragma once

// Which Reeve this is; set by the build.

#include <string_view>

namespace reeve::base {

struct BuildInfo {
  std::string_view version;   ///< "0.1.0"
  std::string_view revision;  ///< the commit, short; "unknown" outside a git checkout
  std::string_view compiler;  ///< "GNU 12.2.0"
};

[[nodiscard]] BuildInfo build_info();

}  // namespace reeve::base
