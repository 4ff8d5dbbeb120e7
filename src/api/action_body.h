#pragma once

// The JSON body of a request to act, read strictly: bounded in size and depth, no member that is
// not known, none twice, none of another type.

#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "api/problem.h"
#include "guards/command.h"

namespace reeve::api {

struct ActionBody {
  bool wait = true;
  std::string signal;
  std::string reason;
  bool dry_run = false;
  std::optional<substrate::Incarnation> if_incarnation;
  std::optional<bool> rolling;  ///< of a group alone
};

/// An empty body is an empty object. 400 where it is malformed, 413 where it is too long, 422
/// where it makes no sense for this action; the detail names the member.
[[nodiscard]] tl::expected<ActionBody, Problem> read_action_body(std::string_view text,
                                                                 guards::Action action);

/// The same of an action on a whole group.
[[nodiscard]] tl::expected<ActionBody, Problem> read_group_body(std::string_view text);

}  // namespace reeve::api
