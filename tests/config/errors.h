#pragma once

// A configuration's errors as the text that a person would read.

#include <string>

#include "base/text.h"
#include "config/config.h"

namespace reeve::config {

/// All errors of a configuration that is wrong, a line each; "" if it is right.
inline std::string errors_of(const ConfigResult& result) {
  return result ? "" : base::join(result.error(), "\n", to_string);
}

inline std::string errors_of(const std::string& text) {
  return errors_of(parse(text, "reeve.yaml"));
}

}  // namespace reeve::config
