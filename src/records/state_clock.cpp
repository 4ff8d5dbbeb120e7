#include "records/state_clock.h"

#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

#include "base/file.h"

namespace reeve::records {

using base::Duration;
using base::SteadyTime;

namespace {

constexpr unsigned version = 1;
/// Sums of a few such times cannot overflow.
constexpr Duration longest = std::chrono::hours(24 * 365 * 70);

std::int64_t count(SteadyTime time) {
  return time.time_since_epoch().count();
}

/// Since the epoch of its clock; the reader fails where it is absent or out of range.
Duration span_in(JsonReader& reader, const Json* value) {
  const bool number = value != nullptr && value->is_number_integer();
  const double count = number ? value->get<double>() : 0;
  if (!number || std::abs(count) > static_cast<double>(longest.count())) {
    reader.fail();
    return Duration::zero();
  }
  return Duration(value->get<Duration::rep>());
}

}  // namespace

base::SystemTime StateClock::to_wall_clock(base::SteadyTime time) const {
  return clock_->system_now() + (time - clock_->steady_now());
}

WrittenAt StateClock::written_at() const {
  return {boot_, clock_->steady_now(), clock_->system_now()};
}

ClockShift StateClock::shift_since(const WrittenAt& written) const {
  const WrittenAt current = written_at();
  const base::Duration passed = written.boot == current.boot ? current.steady - written.steady
                                                             : current.system - written.system;
  const base::Duration counted = std::max(passed, base::Duration::zero());
  return {current.steady - (written.steady + counted), passed < base::Duration::zero()};
}

std::string boot_id() {
  constexpr std::size_t max_bytes = 64;
  const auto text = base::read_file("/proc/sys/kernel/random/boot_id", max_bytes);
  return text ? text->substr(0, text->find_first_of("\r\n")) : "";
}

Json timed_object(const WrittenAt& written) {
  return {{"version", version},
          {"boot", text_to_json(written.boot)},
          {"steady", count(written.steady)},
          {"system", written.system.time_since_epoch().count()}};
}

Json to_json(const std::optional<SteadyTime>& time) {
  return time ? Json(count(*time)) : Json();
}

Json to_json(const std::vector<SteadyTime>& times) {
  Json list = Json::array();
  for (const SteadyTime each : times) {
    list.push_back(count(each));
  }
  return list;
}

TimeReader::TimeReader(JsonReader& file, const StateClock& clock) : now_(clock.now()) {
  unsigned found = 0;
  WrittenAt written;
  file.number("version", found);
  file.text("boot", written.boot);
  if (found != version || file.find("boot") == nullptr) {
    file.fail();
  }
  written.steady = SteadyTime(span_in(file, file.find("steady")));
  written.system = base::SystemTime(span_in(file, file.find("system")));
  shift_ = clock.shift_since(written);
}

void TimeReader::read(JsonReader& reader, const char* name, std::optional<SteadyTime>& into) const {
  if (const Json* const found = reader.find(name)) {
    into = SteadyTime(span_in(reader, found)) + shift_.shift;
  }
}

void TimeReader::read_past(JsonReader& reader, const char* name,
                           std::vector<SteadyTime>& into) const {
  const Json* const found = reader.find(name);
  if (found == nullptr || !found->is_array()) {
    reader.fail();
    return;
  }
  for (const Json& each : *found) {
    into.push_back(std::min(SteadyTime(span_in(reader, &each)) + shift_.shift, now_));
  }
  std::sort(into.begin(), into.end());
}

}  // namespace reeve::records
