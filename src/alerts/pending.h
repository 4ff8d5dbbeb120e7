#pragma once

// Alerts that wait for an obstacle which passes by itself (a cooldown, too short an uptime, an
// open breaker), and those that were accepted, until their operation is done: with what is needed
// to decide them anew, of its labels those that rules read. And their form in pending.json. Bounded
// in number and bytes, for each sender too. Plain values; the responder guards them.

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "alerts/episodes.h"
#include "alerts/payload.h"
#include "guards/reason.h"
#include "records/state_clock.h"
#include "records/state_file.h"
#include "reeve/base/clock.h"

namespace reeve::alerts {

struct PendingAlert {
  Alert alert;
  std::string sender;              ///< the name of the token that posted it
  guards::GuardDecision obstacle;  ///< the last; without its passes_at, which is in `next`
  base::SteadyTime since;
  base::SteadyTime until;  ///< then it is refused for its obstacle
  base::SteadyTime next;   ///< when it is decided anew
  /// Of an alert that was accepted: decided anew if this ends before it does anything, as it does
  /// when the agent is ended. Empty while it waits.
  std::string operation = {};
  friend bool operator==(const PendingAlert&, const PendingAlert&) = default;
};

/// By the episode that each would begin or go on with.
class PendingAlerts {
 public:
  static constexpr std::size_t max_alerts = 1000;
  /// On the disk, without the punctuation.
  static constexpr std::size_t max_bytes = std::size_t{4} * 1024 * 1024;
  /// Of all that, how much is one sender's at most: 1/2.
  static constexpr std::size_t senders_share = 2;
  /// Of an obstacle of which the end is not known.
  static constexpr base::Duration retry_interval = std::chrono::seconds(10);
  /// Beyond its time an alert waits for an obstacle of which the end is known and that near: a
  /// breaker may be held for as long as alerts wait.
  static constexpr base::Duration last_wait = std::chrono::seconds(30);

  /// From now on for so long; a newer notification of a pending alert replaces the older one, and
  /// changes nothing of its time. False: there are too many, or too many of its sender.
  [[nodiscard]] bool hold(const EpisodeKey& key, PendingAlert pending);
  /// What kept it this time, and when it is decided anew; ignored if it is not pending any more.
  void set_obstacle(const EpisodeKey& key, const guards::GuardDecision& obstacle,
                    base::SteadyTime now);
  /// It waits no more, unless this operation ends before it does anything.
  void accept(const EpisodeKey& key, const std::string& operation);
  /// It was decided. False: it was not pending.
  bool remove(const EpisodeKey& key);
  /// All that `concerns` chooses. False: there were none.
  bool remove_if(const std::function<bool(const EpisodeKey&)>& concerns);

  struct Due {
    EpisodeKey key;
    PendingAlert pending;
  };
  /// Those whose time has come; each is due again after retry_interval, unless set_obstacle() says
  /// otherwise.
  [[nodiscard]] std::vector<Due> take_due(base::SteadyTime now);
  /// When the first of them is due; nothing if there are none.
  [[nodiscard]] std::optional<base::SteadyTime> next_due() const;
  /// Those that `concerns` chooses are due now. False: there are none.
  bool make_due(const std::function<bool(const EpisodeKey&, const PendingAlert&)>& concerns,
                base::SteadyTime now);

  [[nodiscard]] const std::map<EpisodeKey, PendingAlert>& all() const { return alerts_; }
  friend bool operator==(const PendingAlerts&, const PendingAlerts&) = default;

 private:
  using Map = std::map<EpisodeKey, PendingAlert>;

  struct Usage {
    std::size_t alerts = 0;
    std::size_t bytes = 0;
    friend bool operator==(const Usage&, const Usage&) = default;
  };

  [[nodiscard]] bool has_room(const std::string& sender, std::size_t bytes) const;
  void add(const EpisodeKey& key, PendingAlert pending);
  void erase(Map::iterator pending);

  Map alerts_;
  Usage total_;
  std::map<std::string, Usage> by_sender_;
};

/// When an alert that may wait `until` then is refused for an obstacle that passes at that time.
[[nodiscard]] base::SteadyTime last_decision(std::optional<base::SteadyTime> passes_at,
                                             base::SteadyTime until);
/// When an alert that this kept is decided anew: at the obstacle's end where it is known, not
/// before; at the latest when it has waited `until` then.
[[nodiscard]] base::SteadyTime next_decision(const guards::GuardDecision& obstacle,
                                             base::SteadyTime now, base::SteadyTime until);

[[nodiscard]] std::string to_text(const PendingAlerts& alerts, const records::WrittenAt& written);
/// In times of now, all due now. Nothing if the text is damaged or of an unknown version.
[[nodiscard]] std::optional<records::StateFile<PendingAlerts>::Parsed> parse_pending(
    std::string_view text, const records::StateClock& clock);

[[nodiscard]] records::StateFile<PendingAlerts>::Format pending_file(
    const records::StateClock& clock);

}  // namespace reeve::alerts
