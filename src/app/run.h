#pragma once

// What main() calls: parses the command line and runs the command.

namespace reeve::app {

/// The process's exit code. To be called once, before any thread exists: signals are blocked here,
/// and every thread inherits that.
[[nodiscard]] int run(int argc, char** argv);

}  // namespace reeve::app
