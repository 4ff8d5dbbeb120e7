#include "guards/guard_clock.h"

#include <algorithm>

#include "base/file.h"

namespace reeve::guards {

base::SystemTime GuardClock::shown(base::SteadyTime time) const {
  return clock_->system_now() + (time - clock_->steady_now());
}

Stamp GuardClock::stamp() const {
  return {boot_, clock_->steady_now(), clock_->system_now()};
}

Passage GuardClock::since(const Stamp& written) const {
  const Stamp current = stamp();
  const base::Duration passed = written.boot == current.boot ? current.steady - written.steady
                                                             : current.system - written.system;
  const base::Duration counted = std::max(passed, base::Duration::zero());
  return {current.steady - (written.steady + counted), passed < base::Duration::zero()};
}

std::string boot_id() {
  constexpr std::size_t longest = 64;
  const auto text = base::read_file("/proc/sys/kernel/random/boot_id", longest);
  return text ? text->substr(0, text->find_first_of("\r\n")) : "";
}

}  // namespace reeve::guards
