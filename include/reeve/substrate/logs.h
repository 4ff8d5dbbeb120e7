#pragma once

// What only some managers offer: the captured output of their instances and their own log.
// Text is handed out as bytes, as far as the manager's protocol lets them through.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "reeve/base/deadline.h"
#include "reeve/base/result.h"
#include "reeve/substrate/instance.h"

namespace reeve::substrate {

enum class LogStream { standard_output, standard_error };

/// Part of a log: `length` bytes from `offset`, or its last `length` bytes.
struct LogRange {
  enum class From { start, end };
  From from = From::end;
  std::uint64_t offset = 0;  ///< with From::start only
  std::uint64_t length = 0;  ///< at most; 0 reads nothing
};

/// Takes bytes as they come; false ends the following.
using LogConsumer = std::function<bool(std::string_view bytes)>;

class Logs {
 public:
  Logs() = default;
  Logs(const Logs&) = delete;
  Logs& operator=(const Logs&) = delete;
  virtual ~Logs() = default;

  /// Bytes that the manager cannot put into an answer (supervisord 4: not UTF-8) come as
  /// U+FFFD; a character cut by an edge of the range is left out. Past the end: empty.
  /// not_found, no_file (no log is configured or it is gone).
  [[nodiscard]] virtual base::Result<std::string> read_log(const InstanceName& name,
                                                           LogStream stream, const LogRange& range,
                                                           const base::Deadline& deadline) = 0;
  /// In bytes; 0 where there is no log. A smaller size than before: rotated or cleared.
  [[nodiscard]] virtual base::Result<std::uint64_t> log_size(const InstanceName& name,
                                                             LogStream stream,
                                                             const base::Deadline& deadline) = 0;
  /// Hands on the log's tail of at most 1024 bytes, then everything appended, byte for byte,
  /// until the consumer says false, the deadline passes (timeout) or a stop (cancelled).
  [[nodiscard]] virtual base::Result<void> follow_log(const InstanceName& name, LogStream stream,
                                                      const LogConsumer& consumer,
                                                      const base::Deadline& deadline) = 0;
  /// Empties both logs of an instance.
  [[nodiscard]] virtual base::Result<void> clear_logs(const InstanceName& name,
                                                      const base::Deadline& deadline) = 0;
  /// The manager's own log.
  [[nodiscard]] virtual base::Result<std::string> read_manager_log(
      const LogRange& range, const base::Deadline& deadline) = 0;
};

}  // namespace reeve::substrate
