#pragma once

// Follows logs for clients, each on a thread of its own, for supervisord keeps one connection open
// for each: so there may be few. A thread ends when its client leaves, when supervisord has no
// more to say, and with this.

#include <list>
#include <memory>
#include <string>

#include "base/guarded.h"
#include "http/response_body.h"
#include "reeve/base/clock.h"
#include "reeve/substrate/logs.h"

namespace reeve::api {

/// What is followed, and for whom.
struct FollowedLog {
  std::shared_ptr<substrate::Logs> logs;
  substrate::InstanceName name;
  substrate::LogStream stream = substrate::LogStream::standard_output;
  /// The end of the log as it was read before: what was written since is joined to it. Empty if it
  /// is not known byte for byte.
  std::string seen;
  /// So many bytes at the beginning of that, or else of what is followed, the client does not want.
  std::uint64_t skip = 0;
  http::StreamWriter writer;
};

class LogFollowers {
 public:
  static constexpr std::size_t max_followers = 8;

  /// `clock` must outlive this.
  explicit LogFollowers(const base::Clock& clock);
  ~LogFollowers();
  LogFollowers(const LogFollowers&) = delete;
  LogFollowers& operator=(const LogFollowers&) = delete;

  /// False if there are as many as there may be.
  [[nodiscard]] bool start(const FollowedLog& log);

 private:
  struct Follower;

  const base::Clock& clock_;
  base::Guarded<std::list<std::unique_ptr<Follower>>> followers_;
};

}  // namespace reeve::api
