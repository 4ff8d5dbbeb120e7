#pragma once

// A command, and all that it carries, as JSON, and back, exactly.

#include <optional>

#include "guards/command.h"
#include "records/json_reader.h"
#include "reeve/substrate/instance.h"

namespace reeve::guards {

[[nodiscard]] records::Json to_json(const Command& command);
void read_command(records::JsonReader& reader, Command& into);

/// As a member of `object`, if there is one.
void put_incarnation(records::Json& object, const char* name,
                     const std::optional<substrate::Incarnation>& incarnation);
void read_incarnation(records::JsonReader& reader, const char* name,
                      std::optional<substrate::Incarnation>& into);

}  // namespace reeve::guards
