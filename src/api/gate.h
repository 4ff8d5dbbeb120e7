#pragma once

// The one check that every request to the control listener passes, in one visible order, before
// an endpoint sees it. The listener itself has checked connections and sizes before.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/access.h"
#include "api/host_names.h"
#include "api/problem.h"
#include "api/routes.h"

namespace reeve::api {

/// Against what a request is checked; immutable, a reload makes a new one.
struct Gate {
  Gate(const ControlOptions& options, std::string_view listen_host)
      : access(options), hosts(listen_host, options.allowed_hosts, this_machine()) {}

  Access access;
  HostNames hosts;
};

/// A request that may go on to its endpoint, or what is wrong with it.
struct Verdict {
  const Principal* actor = nullptr;
  std::vector<std::string> captured;  ///< decoded
  std::optional<Problem> problem;
  bool login_failed = false;
};

/// host → who → route → scope → query → content type → origin.
[[nodiscard]] Verdict check(const http::Request& request, const Match& match, const Gate& gate);

}  // namespace reeve::api
