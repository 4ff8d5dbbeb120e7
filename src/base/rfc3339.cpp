#include <algorithm>

#include "base/text.h"

namespace reeve::base {
namespace {

/// Takes two or four digits from the front of `text`.
std::optional<unsigned> take_digits(std::string_view& text, std::size_t count) {
  const std::string_view digits = text.substr(0, count);
  if (digits.size() != count || digits.find_first_not_of("0123456789") != digits.npos) {
    return std::nullopt;
  }
  text.remove_prefix(count);
  return parse_number<unsigned>(digits);
}

bool take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == any_of.npos) {
    return false;
  }
  text.remove_prefix(1);
  return true;
}

/// ".250" and beyond nanoseconds; nothing where no digits follow the dot.
std::optional<Duration> take_fraction(std::string_view& text) {
  if (!take(text, ".")) {
    return Duration::zero();
  }
  const std::size_t length = std::min(text.find_first_not_of("0123456789"), text.size());
  if (length == 0) {
    return std::nullopt;
  }
  std::string nanoseconds(text.substr(0, std::min<std::size_t>(length, 9)));
  nanoseconds.resize(9, '0');
  text.remove_prefix(length);
  return Duration(*parse_number<std::int64_t>(nanoseconds));
}

std::optional<std::chrono::minutes> take_offset(std::string_view& text) {
  if (take(text, "Zz")) {
    return std::chrono::minutes(0);
  }
  const bool west = text.starts_with('-');
  if (!take(text, "+-")) {
    return std::nullopt;
  }
  const auto hours = take_digits(text, 2);
  const auto minutes = hours && take(text, ":") ? take_digits(text, 2) : std::nullopt;
  if (!minutes || *hours > 23 || *minutes > 59) {
    return std::nullopt;
  }
  const std::chrono::minutes offset(*hours * 60 + *minutes);
  return west ? -offset : offset;
}

std::optional<std::chrono::sys_days> take_date(std::string_view& text) {
  const auto year = take_digits(text, 4);
  const auto month = year && take(text, "-") ? take_digits(text, 2) : std::nullopt;
  const auto day = month && take(text, "-") ? take_digits(text, 2) : std::nullopt;
  if (!day || *year < 1970 || *year > 2261) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date(std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(*month), std::chrono::day(*day));
  return date.ok() ? std::optional(std::chrono::sys_days(date)) : std::nullopt;
}

std::optional<std::chrono::seconds> take_time_of_day(std::string_view& text) {
  const auto hour = take_digits(text, 2);
  const auto minute = hour && take(text, ":") ? take_digits(text, 2) : std::nullopt;
  const auto second = minute && take(text, ":") ? take_digits(text, 2) : std::nullopt;
  if (!second || *hour > 23 || *minute > 59 || *second > 60) {  // 60: a leap second
    return std::nullopt;
  }
  return std::chrono::hours(*hour) + std::chrono::minutes(*minute) + std::chrono::seconds(*second);
}

}  // namespace

std::optional<SystemTime> parse_rfc3339(std::string_view text) {
  const auto date = take_date(text);
  const auto time = date && take(text, "Tt ") ? take_time_of_day(text) : std::nullopt;
  const auto fraction = time ? take_fraction(text) : std::nullopt;
  const auto offset = fraction ? take_offset(text) : std::nullopt;
  if (!offset || !text.empty()) {
    return std::nullopt;
  }
  return SystemTime(*date) + *time + *fraction - *offset;
}

}  // namespace reeve::base
