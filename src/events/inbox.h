#pragma once

// Where the events of all listeners wait for whoever counts them: a bounded queue in order of
// arrival. Readers put and never wait for the consumer; the consumer is told that there is
// news and takes everything at once. What is lost stands in the queue as a Gap, at its place:
// only a full poll tells what happened there. Thread-safe.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/guarded.h"
#include "events/event.h"
#include "reeve/base/clock.h"

namespace reeve::events {

/// Where a stream of events comes from.
struct Source {
  /// What supervisord told the listener of itself (SUPERVISOR_SERVER_URL); may be empty.
  std::string server_url;
  /// "pid.starttime" of the supervisord process: another one counts its events anew. Empty on
  /// our own standard input, which ends with the daemon.
  std::string daemon;
  friend auto operator<=>(const Source&, const Source&) = default;
};

struct Gap {
  enum class Cause {
    lost,            ///< supervisord's buffer or the relay's was full, or a relay died
    pool_restarted,  ///< supervisord restarted by RPC, or the listener's group was made again
    overflow,        ///< this queue was full
    unreadable,      ///< an event whose payload is not what its type has
  };
  Cause cause = Cause::lost;
  std::uint64_t events = 0;  ///< known to be lost; 0 if nobody can say
  friend bool operator==(const Gap&, const Gap&) = default;
};

/// When a listener received something, by both clocks.
struct Receipt {
  base::SteadyTime steady;
  base::SystemTime system;
  friend bool operator==(const Receipt&, const Receipt&) = default;
};

struct Arrival {
  std::shared_ptr<const Source> source;
  Receipt at;
  std::variant<Event, Gap> what;
};

class Inbox {
 public:
  static constexpr std::size_t default_capacity = 16384;

  /// `news` is called on the putting thread after each put: it must return at once.
  explicit Inbox(std::function<void()> news, std::size_t capacity = default_capacity);

  void put(Arrival arrival);
  /// Everything that waits, oldest first; at the end a Gap if something found no room.
  [[nodiscard]] std::vector<Arrival> take();

 private:
  struct Queue {
    std::vector<Arrival> arrivals;
    std::uint64_t overflowed = 0;
    std::optional<Arrival> first_overflowed;  ///< whose place and time the Gap has
  };

  const std::function<void()> news_;
  const std::size_t capacity_;
  base::Guarded<Queue> queue_;
};

}  // namespace reeve::events
