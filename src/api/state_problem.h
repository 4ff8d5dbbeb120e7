#pragma once

// What goes wrong with that which is kept for alerts: guards, maintenance, the record.

#include <string_view>

#include "api/access.h"
#include "api/problem.h"
#include "substrate/selector.h"

namespace reeve::api {

/// `conflict` there means that the state cannot be read.
[[nodiscard]] Problem state_problem(const base::Error& error);

/// Whether all that the selector names is on the actor's own list.
[[nodiscard]] bool may_act_on(const Principal& actor, const substrate::Selector& scope);
[[nodiscard]] Problem not_on_list(const Principal& actor, std::string_view scope);

}  // namespace reeve::api
