#pragma once

// JSON bodies of requests, read strictly: bounded in size and depth, an object, no member that is
// not known, none twice, none of another type. The problem names the member: 400 where the form is
// wrong, 413 where the body is too long, 422 where a value makes no sense. An empty body is an
// empty object. Pure.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "api/problem.h"
#include "coordination/documents.h"
#include "guards/command.h"
#include "reeve/base/clock.h"

namespace reeve::api {

inline constexpr std::size_t max_body_bytes = std::size_t{16} * 1024;
inline constexpr std::size_t max_batch_body_bytes = std::size_t{128} * 1024;

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

/// Of a batch.
struct BatchBody {
  static constexpr std::size_t max_processes = 500;

  guards::Action action = guards::Action::start;
  std::vector<std::string> processes;  ///< at least one; the names as they came
  bool rolling = true;
  std::string reason;
  bool dry_run = false;
};
[[nodiscard]] tl::expected<BatchBody, Problem> read_batch_body(std::string_view text);

/// Of an update of supervisord's configuration.
struct UpdateBody {
  static constexpr std::size_t max_groups = 500;

  std::vector<std::string> groups;  ///< none: all that have changed
  std::optional<std::string> supervisor;
  std::string reason;
  bool dry_run = false;
};
[[nodiscard]] tl::expected<UpdateBody, Problem> read_update_body(std::string_view text);

struct MaintenanceBody {
  base::Duration ttl{0};
  std::string reason;
};
[[nodiscard]] tl::expected<MaintenanceBody, Problem> read_maintenance_body(std::string_view text);

[[nodiscard]] tl::expected<coordination::Limit, Problem> read_limit_body(std::string_view text);

/// A reset has no members.
[[nodiscard]] tl::expected<void, Problem> read_reset_body(std::string_view text);

}  // namespace reeve::api
