#include "procfs/stat.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace reeve::procfs {
namespace {

using base::parse_number;

std::string_view next_word(std::string_view& text) {
  const std::size_t begin = std::min(text.find_first_not_of(" \t\n"), text.size());
  const std::size_t end = std::min(text.find_first_of(" \t\n", begin), text.size());
  const std::string_view word = text.substr(begin, end - begin);
  text.remove_prefix(end);
  return word;
}

/// The number after `label` at the beginning of a line.
std::optional<std::uint64_t> labelled(std::string_view text, std::string_view label) {
  std::size_t at = text.starts_with(label) ? 0 : std::string_view::npos;
  for (std::size_t newline = text.find('\n');
       at == std::string_view::npos && newline != std::string_view::npos;
       newline = text.find('\n', newline + 1)) {
    at = text.substr(newline + 1).starts_with(label) ? newline + 1 : at;
  }
  if (at == std::string_view::npos) {
    return std::nullopt;
  }
  std::string_view rest = text.substr(at + label.size());
  return parse_number<std::uint64_t>(next_word(rest));
}

}  // namespace

std::optional<Stat> parse_stat(std::string_view text) {
  // The name stands in parentheses and may hold any; only numbers follow the last.
  const std::size_t name_end = text.rfind(") ");
  const auto pid =
      parse_number<std::int64_t>(text.substr(0, std::min(text.find(' '), text.size())));
  if (name_end == std::string_view::npos || !pid) {
    return std::nullopt;
  }
  std::string_view rest = text.substr(name_end + 1);
  constexpr std::size_t first_field = 3;  // as proc(5) counts
  constexpr std::size_t last_field = 24;
  std::array<std::uint64_t, last_field + 1> fields{};
  Stat stat;
  stat.pid = {*pid};
  const std::string_view state = next_word(rest);
  if (state.size() != 1) {
    return std::nullopt;
  }
  stat.state = state.front();
  for (std::size_t field = first_field + 1; field <= last_field; ++field) {
    // Some of those that are not wanted are negative.
    const auto number = parse_number<std::int64_t>(next_word(rest));
    const bool wanted_unsigned = field == 4 || field >= 14;
    if (!number) {
      return std::nullopt;
    }
    fields.at(field) =
        wanted_unsigned ? static_cast<std::uint64_t>(std::max<std::int64_t>(*number, 0)) : 0;
  }
  stat.parent = {static_cast<std::int64_t>(fields[4])};
  stat.user = fields[14];
  stat.system = fields[15];
  stat.children_user = fields[16];
  stat.children_system = fields[17];
  stat.threads = fields[20];
  stat.start = fields[22];
  stat.virtual_bytes = fields[23];
  stat.resident_pages = fields[24];
  return stat;
}

std::optional<IoBytes> parse_io(std::string_view text) {
  const auto read = labelled(text, "read_bytes:");
  const auto written = labelled(text, "write_bytes:");
  return read && written ? std::optional(IoBytes{*read, *written}) : std::nullopt;
}

std::optional<std::uint64_t> parse_max_fds(std::string_view text) {
  return labelled(text, "Max open files");
}

std::optional<std::uint64_t> parse_proportional(std::string_view text) {
  const auto kilobytes = labelled(text, "Pss:");
  return kilobytes ? std::optional(*kilobytes * 1024) : std::nullopt;
}

std::optional<std::chrono::sys_seconds> parse_boot_time(std::string_view text) {
  const auto seconds = labelled(text, "btime");
  constexpr std::uint64_t latest = std::uint64_t{1} << 40U;
  return seconds && *seconds < latest
             ? std::optional(std::chrono::sys_seconds(std::chrono::seconds(*seconds)))
             : std::nullopt;
}

}  // namespace reeve::procfs
