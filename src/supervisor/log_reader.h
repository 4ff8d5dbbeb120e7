#pragma once

// Reads a log through supervisord's read(offset, length), whatever bytes are in it. supervisord 4
// answers a slice only if all of it is UTF-8, and does not say which byte is not. So slices are
// made smaller until single characters are read, and a byte that belongs to none becomes U+FFFD.
// Slices are small because supervisord serves no other request while it makes a large answer, and
// the number of calls for one log is bounded. A slice that is shorter than was asked for ends the
// log only if supervisord has no byte behind it. Runs on the caller's thread.

#include <cstdint>
#include <functional>
#include <string>

#include "reeve/substrate/logs.h"
#include "supervisor/supervisord_rpc.h"

namespace reeve::supervisor {

struct LogSource {
  const SupervisordRpc& rpc;
  /// The call that reads `length` bytes from `offset`, or the last `-offset` bytes.
  std::function<xmlrpc::Call(std::int64_t offset, std::int64_t length)> call;
  std::string doing;  ///< begins the message of an error: "reading the log of web"
};

/// A UTF-8 character cut by an edge of the range is left out; behind bytes that were replaced one
/// cut by its end is U+FFFD, too. Past the end: empty. `size` returns the log's size; it is called
/// only if it is needed.
[[nodiscard]] base::Result<std::string> read_range(
    const LogSource& source, const substrate::LogRange& range,
    const std::function<base::Result<std::uint64_t>()>& size, const base::Deadline& deadline);

/// A log's size, found by reading single bytes: for logs whose size supervisord cannot report.
[[nodiscard]] base::Result<std::uint64_t> probe_size(const LogSource& source,
                                                     const base::Deadline& deadline);

}  // namespace reeve::supervisor
