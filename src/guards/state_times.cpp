#include "guards/state_times.h"

#include <algorithm>
#include <cmath>

namespace reeve::guards {

using base::Duration;
using base::SteadyTime;

namespace {

constexpr unsigned version = 1;
/// Some decades: sums of a few such times are far from where they would overflow.
constexpr Duration longest = std::chrono::hours(24 * 365 * 70);

std::int64_t count(SteadyTime time) {
  return time.time_since_epoch().count();
}

/// As a span since its clock's beginning; the reader fails where there is no sane one.
Duration span_in(records::JsonReader& reader, const records::Json* value) {
  const bool number = value != nullptr && value->is_number_integer();
  const double count = number ? value->get<double>() : 0;
  if (!number || std::abs(count) > static_cast<double>(longest.count())) {
    reader.fail();
    return Duration::zero();
  }
  return Duration(value->get<Duration::rep>());
}

}  // namespace

records::Json state_object(const Stamp& stamp) {
  return {{"version", version},
          {"boot", records::text_to_json(stamp.boot)},
          {"steady", count(stamp.steady)},
          {"system", stamp.system.time_since_epoch().count()}};
}

records::Json to_json(const std::optional<SteadyTime>& time) {
  return time ? records::Json(count(*time)) : records::Json();
}

records::Json to_json(const std::vector<SteadyTime>& times) {
  records::Json list = records::Json::array();
  for (const SteadyTime each : times) {
    list.push_back(count(each));
  }
  return list;
}

StateTimes::StateTimes(records::JsonReader& file, const GuardClock& clock) : now_(clock.now()) {
  unsigned found = 0;
  Stamp stamp;
  file.number("version", found);
  file.text("boot", stamp.boot);
  if (found != version || file.find("boot") == nullptr) {
    file.fail();
  }
  stamp.steady = SteadyTime(span_in(file, file.find("steady")));
  stamp.system = base::SystemTime(span_in(file, file.find("system")));
  passage_ = clock.since(stamp);
}

void StateTimes::read(records::JsonReader& reader, const char* name,
                      std::optional<SteadyTime>& into) const {
  if (const records::Json* const found = reader.find(name)) {
    into = SteadyTime(span_in(reader, found)) + passage_.shift;
  }
}

void StateTimes::read_past(records::JsonReader& reader, const char* name,
                           std::vector<SteadyTime>& into) const {
  const records::Json* const found = reader.find(name);
  if (found == nullptr || !found->is_array()) {
    reader.fail();
    return;
  }
  for (const records::Json& each : *found) {
    into.push_back(std::min(SteadyTime(span_in(reader, &each)) + passage_.shift, now_));
  }
  std::sort(into.begin(), into.end());
}

}  // namespace reeve::guards
