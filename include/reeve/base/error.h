#pragma once

// What can go wrong, as a value. Every seam of Reeve answers Result<T>; the kind decides
// what a caller does (exit code, HTTP status, metric label), the message is for a person
// and says what, where and what to do. An absence (not_found), a refusal (denied, conflict)
// and a breakage (unreachable, malformed, internal) are never the same kind.

#include <optional>
#include <string>
#include <string_view>

#include "reeve/base/enumeration.h"

namespace reeve::base {

enum class ErrorKind {
  unreachable,       ///< nothing listens there, or the connection broke
  socket_missing,    ///< the unix socket's file does not exist
  timeout,           ///< no answer within the deadline; the outcome may be unknown
  cancelled,         ///< we stopped waiting because we are shutting down
  denied,            ///< credentials missing or wrong, or a policy says no
  not_found,         ///< no such instance, group or file
  no_file,           ///< the instance exists, the file behind it (command, log) does not
  conflict,          ///< the thing is in a state in which this cannot be done
  stale,             ///< the caller named a run of it that is not the current one
  invalid_argument,  ///< what was asked for makes no sense: a signal, a range, a setting
  spawn_failed,      ///< it was started and did not stay up
  shutting_down,     ///< the manager is going down or restarting and takes no calls
  fault,             ///< the manager refused with a fault that has no kind of its own
  malformed,         ///< an answer that breaks its protocol or a bound
  not_implemented,   ///< this manager cannot do that; the message says what to do instead
  internal,          ///< a bug or an exhausted resource on our side
};

inline constexpr auto all_error_kinds = all_of<ErrorKind, ErrorKind::internal>();
/// The kind in the form used in logs, labels and JSON: "not_found".
[[nodiscard]] std::string_view to_string(ErrorKind kind);

/// What the peer itself said when it refused: an XML-RPC fault's code and string.
struct PeerFault {
  int code = 0;
  std::string text;
  friend bool operator==(const PeerFault&, const PeerFault&) = default;
};

struct Error {
  ErrorKind kind = ErrorKind::internal;
  std::string message;
  std::optional<PeerFault> fault = std::nullopt;
  friend bool operator==(const Error&, const Error&) = default;
};

}  // namespace reeve::base
