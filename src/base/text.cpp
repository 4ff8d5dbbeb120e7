#include "base/text.h"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

namespace reeve::base {
namespace {

struct Unit {
  std::string_view name;
  Duration span;
};

constexpr std::array units = {
    Unit{"h", std::chrono::hours(1)},
    Unit{"m", std::chrono::minutes(1)},
    Unit{"s", std::chrono::seconds(1)},
    Unit{"ms", std::chrono::milliseconds(1)},
};

/// The bytes that the UTF-8 sequence at the start of `bytes` takes; 0 if it is not valid.
std::size_t sequence_length(std::string_view bytes) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(bytes[at]); };
  const unsigned char first = byte(0);
  if (first < 0x80) {
    return 1;
  }
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || bytes.size() < length) {
    return 0;
  }
  for (std::size_t at = 1; at < length; ++at) {
    if ((byte(at) & 0xC0U) != 0x80U) {
      return 0;
    }
  }
  const bool overlong = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xF0 && byte(1) < 0x90);
  const bool surrogate = first == 0xED && byte(1) > 0x9F;
  const bool beyond = first == 0xF4 && byte(1) > 0x8F;
  return overlong || surrogate || beyond ? 0 : length;
}

struct SetMatch {
  bool matches = false;
  std::size_t length = 0;  ///< of the `[…]` in the pattern; 0 if it is not closed
};

/// Matches one byte against the set at the start of `pattern`, which begins with '['.
SetMatch match_set(std::string_view pattern, char byte) {
  std::size_t at = 1;
  const bool negated = at < pattern.size() && (pattern[at] == '!' || pattern[at] == '^');
  if (negated) {
    ++at;
  }
  const std::size_t first = at;
  bool found = false;
  for (; at < pattern.size() && (pattern[at] != ']' || at == first); ++at) {
    char low = pattern[at];
    char high = low;
    if (at + 2 < pattern.size() && pattern[at + 1] == '-' && pattern[at + 2] != ']') {
      high = pattern[at + 2];
      at += 2;
    }
    found = found || (low <= byte && byte <= high);
  }
  return at < pattern.size() ? SetMatch{found != negated, at + 1} : SetMatch{};
}

/// How many pattern bytes match one text byte; 0 if they do not.
std::size_t match_one(std::string_view pattern, char byte) {
  if (pattern.front() == '?') {
    return 1;
  }
  if (pattern.front() == '[') {
    const SetMatch set = match_set(pattern, byte);
    if (set.length != 0) {
      return set.matches ? set.length : 0;
    }
  }
  return pattern.front() == byte ? 1 : 0;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

/// Takes two or four digits from the front of `text`.
std::optional<unsigned> take_digits(std::string_view& text, std::size_t count) {
  const std::string_view digits = text.substr(0, count);
  if (digits.size() != count || digits.find_first_not_of("0123456789") != digits.npos) {
    return std::nullopt;
  }
  text.remove_prefix(count);
  return parse_number<unsigned>(digits);
}

/// Removes the first byte of `text` if it is one of `any_of`.
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

Result<Duration> parse_duration(std::string_view text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = parse_number<std::int64_t>(text.substr(0, digits));
  const auto* const unit = std::find_if(units.begin(), units.end(), [&](const Unit& each) {
    return each.name == text.substr(digits);
  });
  if (!number || unit == units.end()) {
    return failure(ErrorKind::invalid_argument,
                   "expected a duration: a whole number and ms, s, m or h, like 500ms or 5s");
  }
  if (*number > std::numeric_limits<Duration::rep>::max() / unit->span.count()) {
    return failure(ErrorKind::invalid_argument, "the duration is too long");
  }
  return unit->span * *number;
}

std::string format_duration(Duration span) {
  const auto* const unit = std::find_if(units.begin(), units.end(), [&](const Unit& each) {
    return span != Duration::zero() && span % each.span == Duration::zero();
  });
  if (unit == units.end()) {
    return span == Duration::zero() ? "0s" : std::to_string(span / units.back().span) + "ms";
  }
  return std::to_string(span / unit->span) + std::string(unit->name);
}

std::string readable_duration(Duration span) {
  if (span < std::chrono::seconds(1)) {
    return std::to_string(std::chrono::floor<std::chrono::milliseconds>(span).count()) + "ms";
  }
  const std::chrono::hh_mm_ss parts(std::chrono::floor<std::chrono::seconds>(span));
  std::string text;
  for (const auto& [count, unit] :
       {std::pair(parts.hours().count(), 'h'), std::pair(parts.minutes().count(), 'm'),
        std::pair(parts.seconds().count(), 's')}) {
    text += count == 0 ? "" : std::to_string(count) + unit;
  }
  return text;
}

std::string to_rfc3339(SystemTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::milliseconds>(time - day));
  std::string text(40, '\0');
  const int length = std::snprintf(
      text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
      static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
      static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
      static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()),
      static_cast<int>(clock.subseconds().count()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

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

bool is_utf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t length = sequence_length(bytes);
    if (length == 0) {
      return false;
    }
    bytes.remove_prefix(length);
  }
  return true;
}

std::string to_utf8(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    const std::size_t length = sequence_length(bytes);
    text += length == 0 ? std::string_view("\xEF\xBF\xBD") : bytes.substr(0, length);
    bytes.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return text;
}

bool matches_glob(std::string_view pattern, std::string_view text) {
  // Backtracks to the last star alone, which then takes one byte more: linear in text times
  // pattern.
  std::size_t at_pattern = 0;
  std::size_t at_text = 0;
  std::optional<std::size_t> star;
  std::size_t star_text = 0;
  while (at_text < text.size()) {
    if (at_pattern < pattern.size() && pattern[at_pattern] == '*') {
      star = at_pattern++;
      star_text = at_text;
      continue;
    }
    const std::size_t step =
        at_pattern < pattern.size() ? match_one(pattern.substr(at_pattern), text[at_text]) : 0;
    if (step != 0) {
      at_pattern += step;
      ++at_text;
    } else if (star) {
      at_pattern = *star + 1;
      at_text = ++star_text;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', at_pattern) == std::string_view::npos;
}

bool is_glob(std::string_view text) {
  return text.find_first_of("*?[") != std::string_view::npos;
}

std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& known) {
  std::optional<std::string> best;
  std::size_t best_distance = 3;
  for (const std::string& candidate : known) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance && 2 * distance <= candidate.size()) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

bool is_nested_beyond(std::string_view json, std::size_t depth) {
  std::size_t open = 0;
  bool in_text = false;
  for (std::size_t at = 0; at < json.size(); ++at) {
    const char c = json[at];
    if (in_text) {
      at += c == '\\' ? 1 : 0;
      in_text = c != '"';
    } else if (c == '"') {
      in_text = true;
    } else if (c == '[' || c == '{') {
      if (++open > depth) {
        return true;
      }
    } else if ((c == ']' || c == '}') && open > 0) {
      --open;
    }
  }
  return false;
}

}  // namespace reeve::base
