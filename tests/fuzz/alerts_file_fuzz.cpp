// Any bytes as episodes.json, as pending.json and as resolved.json: they are read or refused as a
// whole, what was read comes back as it was from what is written of it, and stays within its
// bounds.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "alerts/episodes.h"
#include "alerts/pending.h"
#include "alerts/resolved.h"
#include "support/manual_clock.h"

namespace {

using namespace reeve;

void demand(bool condition) {
  if (!condition) {
    std::abort();
  }
}

const tests::ManualClock& manual() {
  static const tests::ManualClock clock;
  return clock;
}

void check_episodes(std::string_view text) {
  const base::SteadyTime now = manual().steady_now();
  auto first = alerts::Episodes::parse(text, now);
  if (!first) {
    return;
  }
  const auto again = alerts::Episodes::parse(first->text(), now);
  demand(again && again->text() == first->text());
  for (const auto& operation : first->unfinished_operations()) {
    first->finish_attempt(operation, true);
  }
  first->close("hung", "f1", [](const guards::Target&) { return true; });
  first->expire(now + std::chrono::hours(7), std::chrono::hours(6));
  demand(first->empty());
}

void check_pending(std::string_view text) {
  const records::StateClock clock(manual(), "boot");
  auto first = alerts::parse_pending(text, clock);
  if (!first) {
    return;
  }
  demand(first->value.all().size() <= alerts::PendingAlerts::max_alerts);
  const auto again = alerts::parse_pending(to_text(first->value, clock.written_at()), clock);
  demand(again && again->value == first->value);
  for (const auto& due : first->value.take_due(clock.now())) {
    demand(first->value.remove(due.key));
  }
  demand(first->value == alerts::PendingAlerts() || first->value.next_due());
}

void check_resolved(std::string_view text) {
  const base::SystemTime now = manual().system_now();
  const auto first = alerts::ResolvedAlerts::parse(text, now);
  if (!first) {
    return;
  }
  demand(first->size() <= alerts::ResolvedAlerts::max_alerts);
  demand(alerts::ResolvedAlerts::parse(first->text(), now) == first);
  (void)first->is_resolved("hung", "f1", now, [](const std::string&) { return true; });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_episodes(text);
  check_pending(text);
  check_resolved(text);
  return 0;
}
