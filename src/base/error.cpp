#include "reeve/base/error.h"

namespace reeve::base {

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::unreachable:
      return "unreachable";
    case ErrorKind::socket_missing:
      return "socket_missing";
    case ErrorKind::timeout:
      return "timeout";
    case ErrorKind::cancelled:
      return "cancelled";
    case ErrorKind::denied:
      return "denied";
    case ErrorKind::not_found:
      return "not_found";
    case ErrorKind::no_file:
      return "no_file";
    case ErrorKind::conflict:
      return "conflict";
    case ErrorKind::stale:
      return "stale";
    case ErrorKind::invalid_argument:
      return "invalid_argument";
    case ErrorKind::spawn_failed:
      return "spawn_failed";
    case ErrorKind::shutting_down:
      return "shutting_down";
    case ErrorKind::fault:
      return "fault";
    case ErrorKind::malformed:
      return "malformed";
    case ErrorKind::not_implemented:
      return "not_implemented";
    case ErrorKind::internal:
      return "internal";
  }
  return "internal";
}

}  // namespace reeve::base
