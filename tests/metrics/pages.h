#pragma once

// Rendered pages, and what stands on them.

#include <string>

#include "metrics/fleet_page.h"

namespace reeve::metrics {

inline std::string page(const fleet::FleetSnapshot& snapshot, const Options& options = {}) {
  Filter filter(options);
  return render_fleet(snapshot, options, filter, 0);
}

inline bool has(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

}  // namespace reeve::metrics
