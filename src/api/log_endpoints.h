#pragma once

// Follows logs for clients, each on a thread of its own: supervisord keeps one connection open for
// each, so there may be few. A thread ends when its client leaves, when supervisord ends the log,
// and with this. Used by the endpoints of logs; thread-safe.

#include <memory>
#include <string>

#include "api/stream_threads.h"
#include "http/response_body.h"
#include "reeve/base/clock.h"
#include "reeve/substrate/logs.h"

namespace reeve::api {

struct FollowedLog {
  std::shared_ptr<substrate::Logs> logs;
  substrate::InstanceName name;
  substrate::LogStream stream = substrate::LogStream::standard_output;
  /// The end of the log as read before following began: the tail that supervisord sends is joined
  /// to it. Empty if it is not known byte for byte.
  std::string known_end;
  /// The client does not want this many bytes at the beginning of known_end, or of the tail if that
  /// is empty.
  std::uint64_t skip = 0;
  http::StreamWriter writer;
};

class LogFollowers {
 public:
  static constexpr std::size_t max_followers = 8;

  /// `clock` must outlive this.
  explicit LogFollowers(const base::Clock& clock);

  /// False if max_followers are active.
  [[nodiscard]] bool start(const FollowedLog& log);

 private:
  const base::Clock& clock_;
  StreamThreads threads_;
};

}  // namespace reeve::api
