#pragma once

// How three sources become one count. The event stream, supervisord's log and polls each keep a
// tally per process since the last anchor, and none is matched with another: each says what
// certainly happened, so the largest is true, in whatever order they arrive.
//
// An anchor is one moment that all sources know: a survey lists the processes, reads the log and
// sends a mark through the event stream, all at once. There each source's epoch ends, for the
// stream when the mark comes, before the survey's answer or after it; once all have come to the
// end, the epoch's value is added to the base and forgotten. From then on a source is complete
// until it has a gap. The stream counts from its first mark on, the log from the first survey whose
// text goes to the log's end.
//
//   begin_anchor ─▶ asked ── surveyed ──▶ waiting for the mark ── marked, overdue or gap ──▶
//   settled
//                     └── marked ──▶ waiting for the answer ── surveyed ──▶ settled
//
// Pure; driven under the lock of its Watch.

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "events/event.h"
#include "events/log_tail.h"
#include "monitor/account.h"
#include "monitor/log_ties.h"
#include "monitor/snapshot.h"

namespace reeve::monitor {

/// A full list of processes as it came back.
struct Roll {
  std::span<const substrate::InstanceDetail> instances;
  base::SteadyTime at;
  bool same_daemon = true;  ///< as at the one before; a new one started everything afresh
};

/// How long the counters of a removed process are kept for its return.
inline constexpr base::Duration removed_process_memory = std::chrono::hours(1);

class Counting {
 public:
  using Accounts = std::map<substrate::InstanceName, Account>;

  // The event stream.
  /// False: there is no room for it, and that is a new gap.
  [[nodiscard]] bool hear(const events::StateChange& change);
  void hear(const events::GroupChange& change);
  /// The mark of an anchor came through the stream.
  void marked(std::uint64_t anchor);
  void events_lost();
  /// Whether it has been heard of late. Nothing of it is lost while it is silent, but much may
  /// have happened.
  void stream_lives(bool lives) { stream_lives_ = lives; }
  /// Its listeners, too, are others from now on.
  void another_daemon();

  // The log.
  struct LogNews {
    bool wants_list = false;    ///< whose a line is, only a list of processes can tell
    bool wants_anchor = false;  ///< another daemon writes it
    bool gap = false;
  };
  [[nodiscard]] LogNews read(const events::LogTail::Step& step);
  void log_lost();

  // Polls.
  struct ListNews {
    bool log_gap = false;  ///< a line remained without its process
    bool stream_gap =
        false;  ///< as log_is_silent(): the listener is not subscribed to all it needs
  };
  [[nodiscard]] ListNews list(const Roll& roll);
  void look(const substrate::InstanceDetail& detail);
  /// After a list, and once the log has been read to its end: true if it lacks starts that polls
  /// saw, as at a level that does not tell them. That is a gap, and it is not believed any more
  /// until it tells one. While lines wait for the next list, nobody can say.
  [[nodiscard]] bool log_is_silent();

  // Anchors.
  void begin_anchor(std::uint64_t anchor);
  /// The survey's list and its log text have been given to list() and read(). `log_at_end`: it
  /// had text that went to the log's end, so that the log is joined.
  void surveyed(std::span<const substrate::InstanceDetail> instances, bool log_at_end);
  void drop_anchor();
  /// True if the survey has been answered and the mark is awaited.
  [[nodiscard]] bool awaits_mark() const;
  /// It does not come: the stream is left until its next mark. True if it had told everything
  /// until now: then that is a gap.
  bool give_mark_up();

  /// Which sources have told everything since the last anchor that all have passed.
  [[nodiscard]] Completeness complete() const;
  [[nodiscard]] bool stream_joined() const { return stream_joined_; }
  /// Events or the log were a source once.
  [[nodiscard]] bool exits_known() const { return exits_known_; }
  [[nodiscard]] Accounts& accounts() { return accounts_; }

 private:
  struct Anchor {
    std::uint64_t number = 0;
    bool surveyed = false;
    bool marked = false;
  };

  [[nodiscard]] bool stream_counts() const {
    return stream_joined_ || (anchor_ && anchor_->marked);
  }
  [[nodiscard]] bool has_room_for(const substrate::InstanceName& name) const;
  [[nodiscard]] bool note(const LogTies::Line& line);
  void note(Account& account, const LogTies::Line& line);
  [[nodiscard]] bool stream_is_silent(base::SteadyTime now);
  void close_stream();
  void settle();
  void forget(base::SteadyTime now);

  Accounts accounts_;
  LogTies ties_;
  std::optional<Anchor> anchor_;
  std::uint64_t settled_anchor_ = 0;
  Completeness now_;     ///< since the last anchor, or since where each source is in its new epoch
  Completeness ending_;  ///< of the epoch that ends
  bool stream_joined_ = false;
  bool stream_lives_ = true;
  bool stream_tells_starts_ = false;  ///< it has told one
  bool stream_believed_ = true;
  base::SteadyTime compared_at_{};  ///< the stream with polls
  bool log_joined_ = false;
  bool log_believed_ = true;
  bool exits_known_ = false;
};

}  // namespace reeve::monitor
