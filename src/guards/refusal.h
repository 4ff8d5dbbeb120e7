#pragma once

// Why a command is not carried out.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "guards/decision.h"
#include "reeve/base/enumeration.h"
#include "reeve/base/error.h"

namespace reeve::guards {

/// Why a command was not accepted; reeve_actions_refused_total's reasons.
enum class RefusalReason : std::uint8_t {
  not_found,
  invalid,
  unreachable,
  own_program,
  not_allowed,
  signal_not_allowed,
  stale,
  guarded,  ///< an alert's, by the guards
  in_flight,
  shutting_down,
  not_recorded,  ///< the journal cannot be written
};
inline constexpr auto all_refusal_reasons =
    base::all_of<RefusalReason, RefusalReason::not_recorded>();
[[nodiscard]] std::string_view to_string(RefusalReason reason);

/// Why a command did not become an operation.
struct Refusal {
  RefusalReason reason = RefusalReason::not_found;
  base::Error error;
  std::string operation;                          ///< in_flight: the id of the one that is
  std::optional<Verdict> verdict = std::nullopt;  ///< the same for alerts, where there is a word
  friend bool operator==(const Refusal&, const Refusal&) = default;
};

}  // namespace reeve::guards
