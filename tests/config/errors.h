#pragma once

#include <string>

#include "reeve/config/config.h"

namespace reeve::config {

/// All errors of a configuration that is wrong, a line each; "" if it is right.
inline std::string errors_of(const ConfigResult& result) {
  std::string lines;
  if (!result) {
    for (const ConfigError& error : result.error()) {
      lines += (lines.empty() ? "" : "\n") + to_string(error);
    }
  }
  return lines;
}

inline std::string errors_of(const std::string& text) {
  return errors_of(parse(text, "reeve.yaml"));
}

}  // namespace reeve::config
