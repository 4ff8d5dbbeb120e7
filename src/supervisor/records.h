#pragma once

// supervisord's structs as records: a whole record, or nothing. Pure functions, called on the
// caller's thread; texts are moved out of the values.

#include <optional>

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

}  // namespace reeve::supervisor
