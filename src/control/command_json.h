#pragma once

// A command, and all that it carries, as JSON, and back, exactly.

#include <optional>

#include "control/json_reader.h"
#include "reeve/control/command.h"
#include "reeve/substrate/instance.h"

namespace reeve::control {

[[nodiscard]] Json to_json(const Command& command);
void read_command(JsonReader& reader, Command& into);

/// As a member of `object`, if there is one.
void put_incarnation(Json& object, const char* name,
                     const std::optional<substrate::Incarnation>& incarnation);
void read_incarnation(JsonReader& reader, const char* name,
                      std::optional<substrate::Incarnation>& into);

}  // namespace reeve::control
