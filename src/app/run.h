#pragma once

// The composition root's front door: what main() calls.

namespace reeve::app {

/// Runs the command line and answers the process's exit code. Call once, before any thread
/// exists: signals are blocked here, so that every thread inherits that.
[[nodiscard]] int run(int argc, char** argv);

}  // namespace reeve::app
