#pragma once

// The JSON text of processes, written straight: a list may have thousands. Pure.

#include <string>

namespace reeve::monitor {
struct ProcessSnapshot;
struct SupervisorSnapshot;
}  // namespace reeve::monitor

namespace reeve::json {

/// Appends a process of this supervisord as one object: the text of its to_json(). While the
/// supervisord cannot be read the process's present state is not known: those members are null.
void append_process(std::string& text, const monitor::SupervisorSnapshot& supervisor,
                    const monitor::ProcessSnapshot& process);

}  // namespace reeve::json
