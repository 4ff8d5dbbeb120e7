#pragma once

// What was attempted for the alerts that fire: an episode of a rule, an alert and a process lasts
// from its first attempt until the alert is resolved, or was not told of for a while. Within it
// no attempt is made while another is under way or cools down, and no more than the rule allows.
// A plain value; its owner guards it.

#include <compare>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/operation.h"
#include "reeve/base/clock.h"

namespace reeve::alerts {

struct EpisodeKey {
  std::string rule;
  std::string fingerprint;
  guards::Target target;
  friend auto operator<=>(const EpisodeKey&, const EpisodeKey&) = default;
};

struct Attempt {
  std::string operation;  ///< its id; empty for a rehearsal
  bool over = false;      ///< it acted, and is done
  friend bool operator==(const Attempt&, const Attempt&) = default;
};

struct Episode {
  std::vector<Attempt> attempts;
  bool reserved = false;  ///< by a post that is being worked on
  base::SteadyTime fired;
  friend bool operator==(const Episode&, const Episode&) = default;
};

/// What an attempt depends on.
struct Terms {
  unsigned max_attempts = 1;
  bool cools_down = false;  ///< the process, after an action
  base::SteadyTime now;
  base::SystemTime began;  ///< the alert
};

class Episodes {
 public:
  /// Operations of episodes that are over: the journal may still know them.
  static constexpr std::size_t max_closed = 1000;
  /// Alerts that were resolved: others may still tell that they fire.
  static constexpr std::size_t max_resolved = 10'000;

  /// stale: the alert of this post was resolved since.
  enum class Standing { reserved, duplicate, exhausted, stale };
  struct Reply {
    Standing standing = Standing::reserved;
    std::size_t attempts = 0;  ///< before this one
    std::string operation;     ///< the last one's
  };

  /// The alert fires. `reserved`: nobody else attempts anything until confirm() or release().
  Reply reserve(const EpisodeKey& key, const Terms& terms);
  /// The attempt is made: by this operation, or as a rehearsal without one.
  void confirm(const EpisodeKey& key, const std::string& operation);
  /// No attempt was made after all.
  void release(const EpisodeKey& key);

  /// The operations of attempts that are not over.
  [[nodiscard]] std::vector<std::string> under_way() const;
  /// The operation is done, or forgotten. One that has not acted was no attempt.
  void settle(const std::string& operation, bool acted);

  /// The alert was resolved at `ended`: one that began before is not another. Two Alertmanagers
  /// may tell of it in either order. (That is not kept on the disk.)
  void close(const std::string& rule, const std::string& fingerprint, base::SystemTime ended);
  /// Ends what was not told of for longer than `ttl`.
  void expire(base::SteadyTime now, base::Duration ttl);
  /// An operation that the journal knows: an attempt, unless it is known here or did not act.
  void adopt(const control::Operation& operation, base::SteadyTime now);

  [[nodiscard]] bool empty() const { return episodes_.empty(); }
  [[nodiscard]] std::size_t size() const { return episodes_.size(); }
  void clear();

  /// As they lie in the state directory.
  [[nodiscard]] std::string text() const;
  /// All alerts count as told of just now. Nothing if it is no such text.
  [[nodiscard]] static std::optional<Episodes> parse(std::string_view text, base::SteadyTime now);

 private:
  using Map = std::map<EpisodeKey, Episode>;

  Map::iterator end_episode(Map::iterator episode);
  void remember_closed(const std::string& operation);
  [[nodiscard]] bool knows(const std::string& operation) const;

  using AlertKey = std::pair<std::string, std::string>;  ///< rule and fingerprint

  [[nodiscard]] bool is_stale(const EpisodeKey& key, base::SystemTime began) const;

  Map episodes_;
  std::deque<std::string> closed_;
  std::map<AlertKey, base::SystemTime> resolved_;
  std::deque<AlertKey> resolved_order_;  ///< oldest first
};

/// Whether it asked for anything: what did not was no attempt.
[[nodiscard]] bool has_acted(const control::Operation& operation);

}  // namespace reeve::alerts
