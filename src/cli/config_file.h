#pragma once

// Which configuration file is meant: the option, $REEVE_CONFIG, the user's, the system's, and
// for one-shot commands the one in the working folder, if it can be trusted.

#include <string>
#include <vector>

#include "cli/settings.h"

namespace reeve::cli {

struct FoundConfig {
  std::string path;                  ///< empty if there is none
  std::vector<std::string> notices;  ///< for standard error
};

[[nodiscard]] FoundConfig find_config(const CommonOptions& options, Purpose purpose,
                                      const Surroundings& surroundings);

}  // namespace reeve::cli
