#pragma once

// What commands that need one part of a configuration do with the rest of it, and what a file that
// is not trusted may hold. Pure functions on the tree of the file.

#include "config/section.h"

namespace reeve::config {

/// Errors that do not concern the wanted part become warnings. `cut_off`: a syntax error ends the
/// tree; the part is usable if it was complete before it.
void warn_of_other_parts(const Node& root, bool cut_off, ConfigFile& file);

/// False, with an error for each other key, unless the file gives names, URLs and time limits of
/// supervisords alone.
[[nodiscard]] bool gives_urls_alone(const Node& root, ConfigFile& file);

}  // namespace reeve::config
