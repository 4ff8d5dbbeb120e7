#pragma once

// The queue of events between listeners and the thread that counts them: bounded, in order of
// arrival, thread-safe. Readers put without waiting; the consumer is notified and takes everything
// at once. Lost events stand in the queue as a Gap, at their place: only a full poll can tell what
// happened in it. A PoolStream numbers the events of one listener pool on their way in.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/guarded.h"
#include "events/event.h"
#include "reeve/base/clock.h"

namespace reeve::events {

/// The supervisord that a stream of events comes from.
struct EventSource {
  /// supervisord's SUPERVISOR_SERVER_URL in the listener's environment; may be empty.
  std::string server_url;
  /// "pid.starttime" of the supervisord process: another one numbers its events anew. Empty on
  /// our own standard input, which ends with the daemon.
  std::string daemon;
  friend auto operator<=>(const EventSource&, const EventSource&) = default;
};

struct Gap {
  enum class Cause {
    lost,            ///< supervisord's buffer or the relay's was full, or a relay died
    pool_restarted,  ///< supervisord restarted by RPC, or the listener's group was added again
    overflow,        ///< this queue was full
    unreadable,      ///< an event whose payload is not what its type has
  };
  Cause cause = Cause::lost;
  std::uint64_t events = 0;  ///< known to be lost; 0 if unknown
  friend bool operator==(const Gap&, const Gap&) = default;
};

/// When a listener received an event, by both clocks.
struct ReceiptTime {
  base::SteadyTime steady;
  base::SystemTime system;
  friend bool operator==(const ReceiptTime&, const ReceiptTime&) = default;
};

/// An event, or a gap in its place.
struct Arrival {
  std::shared_ptr<const EventSource> source;
  ReceiptTime at;
  std::variant<Event, Gap> what;
};

class Inbox {
 public:
  static constexpr std::size_t default_capacity = 16384;

  /// `notify` is called on the putting thread after each put: it must return at once.
  explicit Inbox(std::function<void()> notify, std::size_t capacity = default_capacity);

  void put(Arrival arrival);
  /// Half of it is free: a reader that can wait does until then.
  [[nodiscard]] bool has_room() const;
  /// All that wait, oldest first; at the end a Gap if events were dropped.
  [[nodiscard]] std::vector<Arrival> take();

 private:
  struct Queue {
    std::vector<Arrival> arrivals;
    std::uint64_t overflowed = 0;
    std::optional<Arrival> first_overflowed;  ///< the Gap gets its time
  };

  const std::function<void()> notify_;
  const std::size_t capacity_;
  base::Guarded<Queue> queue_;
};

struct SequenceResult {
  enum class Kind {
    fresh,      ///< count it
    repeat,     ///< drop it
    restarted,  ///< count it: the pool was created again, and what happened meanwhile is unknown
  };
  Kind kind = Kind::fresh;
  std::uint64_t lost = 0;  ///< events of the pool missing just before this one
  friend bool operator==(const SequenceResult&, const SequenceResult&) = default;
};

/// Which events of one listener pool are new, which are repeats, which are missing. supervisord
/// sends an event again when a listener, even another pool's, dies over it or rejects it; it drops
/// events when a buffer overflows; it numbers a pool's events from 0 again when it creates the pool
/// again (a restart by RPC, a removed and added group). Pure.
class Sequence {
 public:
  /// Events before the first one that is added are not lost: the listener did not run yet.
  [[nodiscard]] SequenceResult add(const Serials& serials);

 private:
  void remember_missing(std::uint64_t from, std::uint64_t to);

  std::optional<Serials> highest_;  ///< the highest of each of the two
  /// Pool serials that were skipped, the latest few: several processes in one pool pass events on
  /// out of order, and one that comes late is no repeat.
  std::set<std::uint64_t> missing_;
};

/// Puts the events of one pool of one source into the inbox: repeats dropped, gaps in their place.
/// Driven by the thread that reads the source.
class PoolStream {
 public:
  PoolStream(EventSource source, Inbox& inbox)
      : source_(std::make_shared<const EventSource>(std::move(source))), inbox_(&inbox) {}

  void put(const EventHeader& header, std::string_view payload, const ReceiptTime& at);
  /// So many events were lost before the first that was put.
  void put_lost(std::uint64_t events, const ReceiptTime& at);
  /// An event whose header could not be parsed.
  void put_unreadable(const ReceiptTime& at);

 private:
  std::shared_ptr<const EventSource> source_;
  Inbox* inbox_;
  Sequence sequence_;
};

}  // namespace reeve::events
