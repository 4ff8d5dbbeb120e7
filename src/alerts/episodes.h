#pragma once

// The attempts made for alerts that fire: the episode of a rule, an alert and a process lasts from
// its first attempt until the alert is resolved, or was not received for the episode's time to
// live. Within it no attempt is made while another is unfinished or its process cools down, nor
// more than the rule allows. A plain value without I/O; the responder guards it.

#include <compare>
#include <deque>
#include <functional>
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
  std::string operation;  ///< its id; empty for a dry run
  bool finished = false;  ///< it acted and its operation is done
  friend bool operator==(const Attempt&, const Attempt&) = default;
};

struct Episode {
  std::vector<Attempt> attempts;
  bool reserved = false;  ///< by a request that is being handled
  base::SteadyTime last_fired;
  friend bool operator==(const Episode&, const Episode&) = default;
};

/// What decides whether another attempt is allowed.
struct AttemptConditions {
  unsigned max_attempts = 1;
  bool cools_down = false;  ///< the process does, after an action
  base::SteadyTime now;
};

class Episodes {
 public:
  /// Operations of closed episodes, which the journal may still hold.
  static constexpr std::size_t max_closed = 1000;

  enum class Outcome { reserved, duplicate, exhausted };
  struct Reservation {
    Outcome outcome = Outcome::reserved;
    std::size_t attempts = 0;    ///< made before
    std::string last_operation;  ///< of the attempt before; empty for none or a dry run
  };

  /// The alert fires. After `reserved` others get `duplicate` until confirm() or release().
  Reservation reserve(const EpisodeKey& key, const AttemptConditions& conditions);
  /// The attempt is made: by this operation, or as a dry run without one.
  void confirm(const EpisodeKey& key, const std::string& operation);
  /// The attempt was not made.
  void release(const EpisodeKey& key);

  /// The operations of attempts that are not finished.
  [[nodiscard]] std::vector<std::string> unfinished_operations() const;
  /// The operation is done, or the controller has forgotten it. Without an action it was no
  /// attempt.
  void finish_attempt(const std::string& operation, bool acted);

  /// The alert was resolved, says a sender who may act on these processes.
  void close(const std::string& rule, const std::string& fingerprint,
             const std::function<bool(const guards::Target&)>& may_act_on);
  /// Closes the episodes whose alerts were not received for longer than `ttl`.
  void expire(base::SteadyTime now, base::Duration ttl);
  /// An operation of the journal: an attempt, unless it is known already or is done without an
  /// action.
  void add_journalled(const control::Operation& operation, base::SteadyTime now);

  [[nodiscard]] bool empty() const { return episodes_.empty(); }
  [[nodiscard]] std::size_t size() const { return episodes_.size(); }
  void clear();

  /// As they lie in the state directory.
  [[nodiscard]] std::string text() const;
  /// Every alert counts as last received at `now`. Nothing if the text cannot be read.
  [[nodiscard]] static std::optional<Episodes> parse(std::string_view text, base::SteadyTime now);

 private:
  using Map = std::map<EpisodeKey, Episode>;

  Map::iterator end_episode(Map::iterator episode);
  void remember_closed(const std::string& operation);
  [[nodiscard]] bool contains_operation(const std::string& operation) const;

  Map episodes_;
  std::deque<std::string> closed_;
};

/// Whether the operation asked supervisord for anything; only then is it an attempt.
[[nodiscard]] bool has_acted(const control::Operation& operation);

}  // namespace reeve::alerts
