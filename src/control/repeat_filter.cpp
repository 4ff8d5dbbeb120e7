#include "control/repeat_filter.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace reeve::control {

using base::SteadyTime;
using base::SystemTime;

namespace {

constexpr std::string_view only_counted =
    "too many different ones of this actor: their number is known alone";
/// Actors are tokens and certificates of the configuration.
constexpr std::size_t max_actors = 1000;

void add(std::string& key, std::string_view text) {
  key += std::to_string(text.size()) + ':';
  key += text;
}

/// What is the same in entries that count as one. The reason in words may differ: it often holds a
/// time.
std::string key_of(const AuditEntry& entry) {
  std::string key;
  for (const std::string_view text :
       {to_string(entry.kind), to_string(entry.source), std::string_view(entry.actor),
        std::string_view(entry.action), std::string_view(entry.rule),
        std::string_view(entry.fingerprint), std::string_view(entry.decision),
        std::string_view(entry.result)}) {
    add(key, text);
  }
  if (entry.target) {
    add(key, entry.target->supervisor);
    add(key, entry.target->name.group);
    add(key, entry.target->name.name);
  }
  return key;
}

AuditEntry without_details(const AuditEntry& entry) {
  AuditEntry bare;
  bare.at = entry.at;
  bare.kind = entry.kind;
  bare.actor = entry.actor;
  bare.source = entry.source;
  bare.decision = entry.decision;
  bare.result = entry.result;
  bare.reason = only_counted;
  return bare;
}

}  // namespace

std::optional<AuditEntry> RepeatFilter::admit(AuditEntry entry, SteadyTime now) {
  std::string key = key_of(entry);
  if (kinds_.contains(key)) {
    count(key, std::move(entry), now);
    return std::nullopt;
  }
  if (kinds_.size() < max_kinds && spend(entry.actor, now)) {
    kinds_.emplace(
        std::move(key),
        Repeats{.latest = entry, .count = 0, .first = entry.at, .last = entry.at, .since = now});
    return entry;
  }
  AuditEntry bare = without_details(entry);
  key = "only counted " + key_of(bare);
  count(key, std::move(bare), now);
  return std::nullopt;
}

void RepeatFilter::count(const std::string& key, AuditEntry entry, SteadyTime now) {
  const auto [kind, is_new] = kinds_.try_emplace(key);
  Repeats& repeats = kind->second;
  if (is_new) {
    repeats.since = now;
  }
  if (repeats.count == 0) {
    repeats.first = entry.at;
  }
  repeats.count += repeats.count < std::numeric_limits<std::uint32_t>::max() ? 1U : 0U;
  repeats.last = entry.at;
  repeats.latest = std::move(entry);
}

bool RepeatFilter::spend(const std::string& actor, SteadyTime now) {
  if (allowances_.size() >= max_actors && !allowances_.contains(actor)) {
    allowances_.clear();
  }
  Allowance& allowance = allowances_.try_emplace(actor, Allowance{.at = now}).first->second;
  const double seconds = std::chrono::duration<double>(now - allowance.at).count();
  allowance.left = std::min(burst, allowance.left + std::max(seconds, 0.0) * per_second);
  allowance.at = now;
  const bool may = allowance.left >= 1 && allowance.kinds < max_kinds_of_actor;
  if (may) {
    allowance.left -= 1;
    ++allowance.kinds;
  }
  return may;
}

void RepeatFilter::forget(const Repeats& repeats) {
  const auto allowance = allowances_.find(repeats.latest.actor);
  if (allowance != allowances_.end() && allowance->second.kinds > 0) {
    --allowance->second.kinds;
  }
}

AuditEntry RepeatFilter::merged(const Repeats& repeats, SystemTime at) {
  AuditEntry entry = repeats.latest;
  entry.at = at;
  entry.count = repeats.count;
  entry.first = repeats.first;
  entry.last = repeats.last;
  return entry;
}

std::vector<AuditEntry> RepeatFilter::take_due(SteadyTime now, SystemTime at) {
  std::vector<AuditEntry> due;
  for (auto kind = kinds_.begin(); kind != kinds_.end();) {
    Repeats& repeats = kind->second;
    if (now - repeats.since < repeats.span) {
      ++kind;
    } else if (repeats.count == 0) {
      forget(repeats);
      kind = kinds_.erase(kind);
    } else {
      due.push_back(merged(repeats, at));
      repeats.count = 0;
      repeats.since = now;
      repeats.span = std::min(2 * repeats.span, longest_span);
      ++kind;
    }
  }
  return due;
}

std::vector<AuditEntry> RepeatFilter::take_all(SystemTime at) {
  auto all = counted(at);
  kinds_.clear();
  allowances_.clear();
  return all;
}

std::vector<AuditEntry> RepeatFilter::counted(SystemTime at) const {
  std::vector<AuditEntry> all;
  for (const auto& [key, repeats] : kinds_) {
    if (repeats.count > 0) {
      all.push_back(merged(repeats, at));
    }
  }
  return all;
}

}  // namespace reeve::control
