#pragma once

// The alerts that were resolved, and when: a notification that an alert began before then is late,
// whether another Alertmanager sent it or the network held it back, and must not act. Each sender
// has a share of the places, and speaks for the processes that it may act on. Kept in
// resolved.json, so that a restart of the agent makes no late notification act. A plain value; the
// responder guards it.

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "reeve/base/clock.h"

namespace reeve::alerts {

class ResolvedAlerts {
 public:
  static constexpr std::size_t max_alerts = 4000;
  static constexpr std::size_t max_alerts_of_sender = max_alerts / 2;

  struct Key {
    std::string rule;
    std::string fingerprint;
    std::string sender;
    friend auto operator<=>(const Key&, const Key&) = default;
  };

  /// The sender says that the alert ended then. False: that was known.
  bool add(const Key& key, base::SystemTime ended);
  /// Whether an alert that began then was resolved since, by a sender that `speaks_for_it`.
  [[nodiscard]] bool is_resolved(
      std::string_view rule, std::string_view fingerprint, base::SystemTime began,
      const std::function<bool(const std::string& sender)>& speaks_for_it) const;

  [[nodiscard]] std::size_t size() const { return ended_.size(); }
  friend bool operator==(const ResolvedAlerts&, const ResolvedAlerts&) = default;

  /// As they lie in the state directory.
  [[nodiscard]] std::string text() const;
  /// None ends later than `now`. Nothing if the text cannot be read.
  [[nodiscard]] static std::optional<ResolvedAlerts> parse(std::string_view text,
                                                           base::SystemTime now);

 private:
  void forget_oldest(const std::string& sender);

  std::map<Key, base::SystemTime> ended_;
  std::map<std::string, std::deque<Key>> order_;  ///< of each sender, oldest first
};

}  // namespace reeve::alerts
