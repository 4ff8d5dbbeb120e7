#pragma once

// Alertmanager's webhook payload (version "4"), and Grafana's, which adds members. It is parsed
// member by member without building the document, bounded in bytes, depth, alerts and labels;
// members that are not used are skipped, whatever they hold. A pure function.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reeve/base/clock.h"
#include "reeve/base/result.h"

namespace reeve::alerts {

inline constexpr std::size_t max_payload_bytes = std::size_t{1024} * 1024;
inline constexpr std::size_t max_payload_depth = 32;
inline constexpr std::size_t max_alerts = 10'000;
inline constexpr std::size_t max_labels = 128;
inline constexpr std::size_t max_label_bytes = 4096;  ///< a name's and a value's alike
inline constexpr std::size_t max_fingerprint_bytes = 64;

using Labels = std::map<std::string, std::string>;

enum class AlertStatus : std::uint8_t { firing, resolved };
[[nodiscard]] std::string_view to_string(AlertStatus status);

struct Alert {
  AlertStatus status = AlertStatus::firing;
  Labels labels;
  base::SystemTime began;  ///< startsAt: when it fired, after `for`; may still change
  /// endsAt of a resolved alert; nothing if it has none.
  std::optional<base::SystemTime> ended;
  std::string fingerprint;  ///< of the labels; does not change
  /// Not empty: what is wrong with it. The other members are those that could be read.
  std::string problem;
  [[nodiscard]] std::string name() const;  ///< the label `alertname`; empty if there is none
  friend bool operator==(const Alert&, const Alert&) = default;
};

/// All alerts of the group, also those sent before; one that cannot be used has its `problem`, so
/// that it does not keep the others from being decided. `malformed`: it is no such payload, and
/// why.
[[nodiscard]] base::Result<std::vector<Alert>> parse_payload(std::string_view text);

}  // namespace reeve::alerts
