#include "reeve/base/error.h"

namespace reeve::base {

std::string_view to_string(ErrorKind kind) {
  static constexpr std::string_view names[] = {
      "unreachable", "socket_missing",   "timeout",         "cancelled",
      "denied",      "not_found",        "no_file",         "conflict",
      "stale",       "invalid_argument", "spawn_failed",    "shutting_down",
      "fault",       "malformed",        "not_implemented", "internal"};
  return name_of<all_error_kinds>(kind, names);
}

}  // namespace reeve::base
