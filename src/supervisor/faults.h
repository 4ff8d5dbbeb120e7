#pragma once

// supervisord's refusals in our words: the one table from fault code to ErrorKind.

#include <string_view>

#include "reeve/base/error.h"
#include "xmlrpc/value.h"

namespace reeve::supervisor {

/// supervisord's fault codes (its xmlrpc.Faults), in all versions from 3.0 on.
enum class FaultCode {
  unknown_method = 1,
  incorrect_parameters = 2,
  bad_arguments = 3,
  signature_unsupported = 4,
  shutdown_state = 6,
  bad_name = 10,
  bad_signal = 11,
  no_file = 20,
  not_executable = 21,
  failed = 30,
  abnormal_termination = 40,
  spawn_error = 50,
  already_started = 60,
  not_running = 70,
  success = 80,
  already_added = 90,
  still_running = 91,
  cant_reread = 92,
};

/// Total: a code that is none of supervisord's is ErrorKind::fault.
[[nodiscard]] base::ErrorKind kind_of_fault(int code);

/// `doing` says what was asked for and of whom: "starting web".
[[nodiscard]] base::Error to_error(const xmlrpc::Fault& fault, std::string_view doing);

/// True for an error that carries this fault of supervisord's.
[[nodiscard]] bool is_fault(const base::Error& error, FaultCode code);

/// True for a fault in words of its own, as supervisord's Go reimplementation sends it for
/// every cause alike: what was wrong must be found out by looking.
[[nodiscard]] bool is_vague(const base::Error& error);

}  // namespace reeve::supervisor
