#pragma once

// JSON bodies of requests, read strictly: bounded in size and depth, an object, no member that is
// not known, none twice, none of another type. The problem names the member: 400 where the form is
// wrong, 413 where the body is too long, 422 where a value makes no sense. An empty body is an
// empty object. Pure.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "api/problem.h"
#include "guards/command.h"
#include "reeve/base/clock.h"

namespace reeve::api {

inline constexpr std::size_t max_body_bytes = std::size_t{16} * 1024;

/// Of an action on a process or a group.
struct ActionBody {
  bool wait = true;
  std::string signal;
  std::string reason;
  bool dry_run = false;
  std::optional<substrate::Incarnation> if_incarnation;
  std::optional<bool> rolling;  ///< of a group alone
};
[[nodiscard]] tl::expected<ActionBody, Problem> read_action_body(std::string_view text,
                                                                 guards::Action action);
[[nodiscard]] tl::expected<ActionBody, Problem> read_group_body(std::string_view text);

struct MaintenanceBody {
  base::Duration ttl{0};
  std::string reason;
};
[[nodiscard]] tl::expected<MaintenanceBody, Problem> read_maintenance_body(std::string_view text);

/// A reset has no members.
[[nodiscard]] tl::expected<void, Problem> read_reset_body(std::string_view text);

}  // namespace reeve::api
