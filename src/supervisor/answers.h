#pragma once

// supervisord's answers in our terms: its structs as records, a whole record or nothing, and its
// faults as Errors, by the one table from fault code to ErrorKind. Pure functions, called on the
// caller's thread; texts are moved out of the values.

#include <optional>
#include <string_view>

#include "reeve/base/error.h"
#include "reeve/substrate/administration.h"
#include "reeve/substrate/instance.h"
#include "xmlrpc/value.h"

namespace reeve::supervisor {

/// One process (getProcessInfo, an element of getAllProcessInfo). Nothing if a member is
/// missing, of another type, or the state is none of supervisord's. The `state` code decides,
/// not `statename`: the Go reimplementation writes that in its own way.
[[nodiscard]] std::optional<substrate::InstanceDetail> to_instance(xmlrpc::Value info);

/// The records of an array, sorted by name; those that are not whole are left out and counted.
[[nodiscard]] substrate::Listing to_listing(xmlrpc::Array infos);

/// One program (an element of getAllConfigInfo). supervisord 3 sends six members, 4 sends all.
[[nodiscard]] std::optional<substrate::ProgramConfig> to_program(xmlrpc::Value config);

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

/// For every number: a code that is not supervisord's is ErrorKind::fault.
[[nodiscard]] base::ErrorKind kind_of_fault(int code);

/// `doing` says what was asked for and of whom: "starting web".
[[nodiscard]] base::Error to_error(const xmlrpc::Fault& fault, std::string_view doing);

/// True for an error that carries this fault of supervisord's.
[[nodiscard]] bool is_fault(const base::Error& error, FaultCode code);

/// True for an error that is an answer of some kind, and not the lack of one.
[[nodiscard]] bool is_answer(const base::Error& error);

/// True for a fault whose code is not supervisord's. The Go reimplementation sends the same one for
/// every cause: what was wrong must be found out by further calls.
[[nodiscard]] bool is_unspecific(const base::Error& error);

}  // namespace reeve::supervisor
