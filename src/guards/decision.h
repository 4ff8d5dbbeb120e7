#pragma once

// What became of one wish to act, in one word: the answer that an alert gets, the record's
// `decision`, and the label of its metric.

#include <cstdint>
#include <string>
#include <string_view>

#include "reeve/base/enumeration.h"

namespace reeve::guards {

/// In the order in which they are tested; docs/alerts.md says what each means.
enum class Verdict : std::uint8_t {
  not_here,
  no_rule,
  off,
  resolved,
  no_target,
  not_allowed,
  self,
  duplicate,
  attempts_exhausted,
  state_unreadable,
  unreachable,
  maintenance,
  breaker_open,
  stopped,
  state,
  in_transition,
  too_young,
  restarted_since,
  cooldown,
  budget,
  gave_up,
  in_flight,
  would_act,
  accepted,
};
inline constexpr auto all_verdicts = base::all_of<Verdict, Verdict::accepted>();
[[nodiscard]] std::string_view to_string(Verdict verdict);

struct Decision {
  Verdict verdict = Verdict::accepted;
  std::string reason;  ///< for people: what stands against it, until when, and what to do
  friend bool operator==(const Decision&, const Decision&) = default;
};

}  // namespace reeve::guards
