#pragma once

// reeve_guard_gave_up, reeve_guard_breaker_open, reeve_maintenance: a view of what the guards know.

#include "guards/guards.h"
#include "metrics/text_writer.h"

namespace reeve::metrics {

void write_guards(TextWriter& out, const guards::GuardStats& stats);

}  // namespace reeve::metrics
