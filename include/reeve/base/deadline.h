#pragma once

// One total deadline for a whole call, however many steps it takes. It carries a stop_token,
// so that every wait ends when the agent shuts down. No span is longer than ten years. The Clock
// must outlive it.

#include <stop_token>
#include <string_view>

#include "reeve/base/clock.h"
#include "reeve/base/result.h"

namespace reeve::base {

class Deadline {
 public:
  Deadline(const Clock& clock, SteadyTime at, std::stop_token stop = {});
  [[nodiscard]] static Deadline after(const Clock& clock, Duration span, std::stop_token stop = {});

  /// The earlier of this deadline and `span` from now, with the same stop_token.
  [[nodiscard]] Deadline within(Duration span) const;

  [[nodiscard]] const Clock& clock() const { return *clock_; }
  [[nodiscard]] SteadyTime at() const { return at_; }
  [[nodiscard]] const std::stop_token& stop() const { return stop_; }
  /// Never negative.
  [[nodiscard]] Duration remaining() const;
  [[nodiscard]] bool expired() const { return remaining() == Duration::zero(); }
  [[nodiscard]] bool cancelled() const { return stop_.stop_requested(); }

  /// An error (cancelled or timeout, naming `doing`) once nothing more may be waited for.
  [[nodiscard]] Result<void> check(std::string_view doing) const;

  /// Waits `span`, but never past the deadline or a stop. False if it was cut short.
  [[nodiscard]] bool wait(Duration span) const;

 private:
  const Clock* clock_;
  SteadyTime at_;
  std::stop_token stop_;
};

}  // namespace reeve::base
