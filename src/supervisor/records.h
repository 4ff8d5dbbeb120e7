#pragma once

// supervisord's structs as records: whole, or nothing. Pure functions.

#include <optional>

#include "reeve/substrate/administration.h"
#include "reeve/substrate/instance.h"
#include "xmlrpc/value.h"

namespace reeve::supervisor {

/// One process (getProcessInfo, an element of getAllProcessInfo). Nothing if a member is
/// missing, of another type, or the state is none of supervisord's. The `state` code decides,
/// not `statename`: the Go reimplementation writes that in its own way.
[[nodiscard]] std::optional<substrate::InstanceDetail> to_instance(const xmlrpc::Value& info);

/// An array of such, sorted by name; those that are not whole are counted.
[[nodiscard]] substrate::Listing to_listing(const xmlrpc::Array& infos);

/// One program (an element of getAllConfigInfo). 3.x tells six members, 4.x all.
[[nodiscard]] std::optional<substrate::ProgramConfig> to_program(const xmlrpc::Value& config);

}  // namespace reeve::supervisor
