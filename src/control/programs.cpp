#include "control/programs.h"

#include <algorithm>
#include <utility>

namespace reeve::control {

using base::ErrorKind;

namespace {

constexpr std::chrono::minutes refreshed_after{1};
constexpr std::chrono::seconds margin{10};
constexpr std::chrono::hours longest{24};

/// supervisord's main branch answers 500, the Go reimplementation knows no such method.
bool cannot_tell(ErrorKind kind) {
  return kind == ErrorKind::not_implemented || kind == ErrorKind::fault;
}

base::Duration with_margin(std::chrono::seconds configured) {
  return std::min<std::chrono::seconds>(configured, longest) + margin;
}

}  // namespace

base::Result<std::shared_ptr<const Programs>> ProgramCatalogue::of(const fleet::Member& member,
                                                                   std::stop_token stop) {
  const base::SteadyTime now = clock_->steady_now();
  const auto known = entries_.with([&](const auto& entries) {
    const auto found = entries.find(member.name);
    const bool fresh = found != entries.end() && now - found->second.at < refreshed_after;
    return fresh ? found->second.programs : nullptr;
  });
  if (known) {
    return known;
  }
  const auto deadline = base::Deadline::after(*clock_, member.call_timeout, std::move(stop));
  auto told = member.administration->programs(deadline);
  if (!told && !cannot_tell(told.error().kind)) {
    return base::failure(std::move(told.error()));
  }
  auto programs = std::make_shared<const Programs>(told ? std::move(*told) : Programs{});
  entries_.with([&](auto& entries) { entries[member.name] = {now, programs}; });
  return programs;
}

Spans spans_of(const Programs& programs, const substrate::InstanceName& name) {
  const auto found =
      std::find_if(programs.begin(), programs.end(),
                   [&](const substrate::ProgramConfig& program) { return program.name == name; });
  Spans spans;
  if (found != programs.end()) {
    if (found->stop_wait_seconds) {
      spans.stop = with_margin(*found->stop_wait_seconds);
    }
    if (found->start_seconds) {
      spans.start = with_margin(*found->start_seconds);
    }
  }
  return spans;
}

}  // namespace reeve::control
