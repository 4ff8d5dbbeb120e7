#include "events/log_line.h"

#include <algorithm>
#include <array>
#include <csignal>

#include "base/text.h"

namespace reeve::events {

using base::parse_number;
using substrate::Pid;

namespace {

using What = decltype(LogLine::what);

constexpr std::size_t time_length = std::string_view("2026-11-22 08:35:31,157").size();

constexpr std::array levels = {
    std::pair(std::string_view("CRIT"), ManagerLogLevel::critical),
    std::pair(std::string_view("ERRO"), ManagerLogLevel::error),
    std::pair(std::string_view("WARN"), ManagerLogLevel::warning),
    std::pair(std::string_view("INFO"), ManagerLogLevel::info),
    std::pair(std::string_view("DEBG"), ManagerLogLevel::debug),
    std::pair(std::string_view("TRAC"), ManagerLogLevel::trace),
    std::pair(std::string_view("BLAT"), ManagerLogLevel::blather),
};

constexpr std::array signals = {
    std::pair(std::string_view("SIGHUP"), SIGHUP),
    std::pair(std::string_view("SIGINT"), SIGINT),
    std::pair(std::string_view("SIGQUIT"), SIGQUIT),
    std::pair(std::string_view("SIGILL"), SIGILL),
    std::pair(std::string_view("SIGTRAP"), SIGTRAP),
    std::pair(std::string_view("SIGABRT"), SIGABRT),
    std::pair(std::string_view("SIGIOT"), SIGABRT),
    std::pair(std::string_view("SIGBUS"), SIGBUS),
    std::pair(std::string_view("SIGFPE"), SIGFPE),
    std::pair(std::string_view("SIGKILL"), SIGKILL),
    std::pair(std::string_view("SIGUSR1"), SIGUSR1),
    std::pair(std::string_view("SIGSEGV"), SIGSEGV),
    std::pair(std::string_view("SIGUSR2"), SIGUSR2),
    std::pair(std::string_view("SIGPIPE"), SIGPIPE),
    std::pair(std::string_view("SIGALRM"), SIGALRM),
    std::pair(std::string_view("SIGTERM"), SIGTERM),
    std::pair(std::string_view("SIGSTKFLT"), SIGSTKFLT),
    std::pair(std::string_view("SIGCHLD"), SIGCHLD),
    std::pair(std::string_view("SIGCLD"), SIGCHLD),
    std::pair(std::string_view("SIGCONT"), SIGCONT),
    std::pair(std::string_view("SIGSTOP"), SIGSTOP),
    std::pair(std::string_view("SIGTSTP"), SIGTSTP),
    std::pair(std::string_view("SIGTTIN"), SIGTTIN),
    std::pair(std::string_view("SIGTTOU"), SIGTTOU),
    std::pair(std::string_view("SIGURG"), SIGURG),
    std::pair(std::string_view("SIGXCPU"), SIGXCPU),
    std::pair(std::string_view("SIGXFSZ"), SIGXFSZ),
    std::pair(std::string_view("SIGVTALRM"), SIGVTALRM),
    std::pair(std::string_view("SIGPROF"), SIGPROF),
    std::pair(std::string_view("SIGWINCH"), SIGWINCH),
    std::pair(std::string_view("SIGIO"), SIGIO),
    std::pair(std::string_view("SIGPOLL"), SIGIO),
    std::pair(std::string_view("SIGPWR"), SIGPWR),
    std::pair(std::string_view("SIGSYS"), SIGSYS),
    std::pair(std::string_view("SIGRTMIN"), 34),
    std::pair(std::string_view("SIGRTMAX"), 64),
};

template <class Pairs>
auto look_up(const Pairs& pairs, std::string_view name)
    -> std::optional<decltype(pairs.front().second)> {
  const auto* const found = std::find_if(pairs.begin(), pairs.end(),
                                         [&](const auto& each) { return each.first == name; });
  return found == pairs.end() ? std::nullopt : std::optional(found->second);
}

bool cut_prefix(std::string_view& text, std::string_view prefix) {
  const bool there = text.starts_with(prefix);
  text.remove_prefix(there ? prefix.size() : 0);
  return there;
}

bool cut_suffix(std::string_view& text, std::string_view suffix) {
  const bool there = text.ends_with(suffix);
  text.remove_suffix(there ? suffix.size() : 0);
  return there;
}

/// The text before the last `mark`, and the text behind it.
struct Halves {
  std::string before;
  std::string_view behind;
};
std::optional<Halves> split_last(std::string_view text, std::string_view mark) {
  const std::size_t at = text.rfind(mark);
  if (at == 0 || at == std::string_view::npos) {
    return std::nullopt;
  }
  return Halves{std::string(text.substr(0, at)), text.substr(at + mark.size())};
}

std::optional<Pid> parse_pid(std::string_view text) {
  const auto number = parse_number<std::int64_t>(text);
  return number && *number > 0 ? std::optional(Pid{*number}) : std::nullopt;
}

/// `exit status 3`, `terminated by SIGKILL`, `terminated by signal 40`.
RunEnd parse_end(std::string_view text) {
  RunEnd end;
  if (cut_prefix(text, "exit status ")) {
    end.exit_status = parse_number<int>(text);
  } else if (cut_prefix(text, "terminated by ")) {
    cut_suffix(text, " (core dumped)");
    end.signal = cut_prefix(text, "signal ") ? parse_number<int>(text) : look_up(signals, text);
  }
  return end;
}

/// `x (exit status 3; not expected)`; names may hold parentheses, but no blank.
What parse_exited(std::string_view text) {
  const bool unexpected = cut_suffix(text, "; not expected)");
  if (!unexpected && !cut_suffix(text, "; expected)")) {
    return OtherLine{};
  }
  const std::size_t blank = text.find(" (");
  if (blank == 0 || blank == std::string_view::npos) {
    return OtherLine{};
  }
  return Exited{std::string(text.substr(0, blank)), parse_end(text.substr(blank + 2)), !unexpected};
}

What parse_stopped(std::string_view text) {
  const std::size_t blank = text.find(" (");
  if (blank == 0 || blank == std::string_view::npos || !cut_suffix(text, ")")) {
    return OtherLine{};
  }
  return Stopped{std::string(text.substr(0, blank)), parse_end(text.substr(blank + 2))};
}

What parse_spawned(std::string_view text) {
  const auto halves = split_last(text, "' with pid ");
  const auto pid = halves ? parse_pid(halves->behind) : std::nullopt;
  return pid ? What(Spawned{halves->before, *pid}) : OtherLine{};
}

/// `x entered RUNNING state, process has stayed up for > than 1 seconds (startsecs)`
What parse_success(std::string_view text) {
  const auto halves = split_last(text, " entered RUNNING state");
  return halves ? What(EnteredRunning{halves->before,
                                      halves->behind.ends_with(" > than 0 seconds (startsecs)")})
                : OtherLine{};
}

template <class Named>
What parse_named(std::string_view text, std::string_view mark) {
  const auto halves = split_last(text, mark);
  return halves ? What(Named{halves->before}) : OtherLine{};
}

What parse_spawn_error(std::string_view text) {
  SpawnError error{std::string(text), std::nullopt};
  for (const std::string_view prefix :
       {"too many open files to spawn '", "Too many processes in process table to spawn '",
        "unknown error making dispatchers for '", "unknown error during fork for '"}) {
    if (std::string_view rest = text; cut_prefix(rest, prefix)) {
      const std::size_t quote = rest.rfind('\'');
      error.name = std::string(rest.substr(0, quote == std::string_view::npos ? 0 : quote));
    }
  }
  return error;
}

What parse_text(std::string_view text) {
  if (cut_prefix(text, "spawned: '")) {
    return parse_spawned(text);
  }
  if (cut_prefix(text, "success: ")) {
    return parse_success(text);
  }
  if (cut_prefix(text, "exited: ")) {
    return parse_exited(text);
  }
  if (cut_prefix(text, "stopped: ")) {
    return parse_stopped(text);
  }
  if (cut_prefix(text, "gave up: ")) {
    return parse_named<GaveUp>(text, " entered FATAL state");
  }
  if (cut_prefix(text, "spawnerr: ")) {
    return parse_spawn_error(text);
  }
  if (cut_prefix(text, "supervisord started with pid ")) {
    const auto pid = parse_pid(text);
    return pid ? What(ManagerStarted{*pid}) : OtherLine{};
  }
  return parse_named<ListenerNotReady>(text, ": has entered the UNKNOWN state and will no longer");
}

/// A number of exactly the digits at `at`.
std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) {
  const std::string_view part = text.substr(at, count);
  const bool all = std::all_of(part.begin(), part.end(),
                               [](char digit) { return digit >= '0' && digit <= '9'; });
  return all ? parse_number<int>(part) : std::nullopt;
}

std::optional<decltype(LogLine::at)> parse_time(std::string_view text) {
  const auto year = digits(text, 0, 4);
  const auto month = digits(text, 5, 2);
  const auto day = digits(text, 8, 2);
  const auto hour = digits(text, 11, 2);
  const auto minute = digits(text, 14, 2);
  const auto second = digits(text, 17, 2);
  const auto milliseconds = digits(text, 20, 3);
  if (!year || !month || !day || !hour || !minute || !second || !milliseconds || text[4] != '-' ||
      text[7] != '-' || text[10] != ' ' || text[13] != ':' || text[16] != ':' || text[19] != ',') {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) {
    return std::nullopt;
  }
  return std::chrono::local_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
         std::chrono::seconds(*second) + std::chrono::milliseconds(*milliseconds);
}

}  // namespace

std::optional<LogLine> parse_log_line(std::string_view line) {
  if (line.size() < time_length + std::string_view(" INFO ").size()) {
    return std::nullopt;
  }
  const auto at = parse_time(line.substr(0, time_length));
  const auto level = look_up(levels, line.substr(time_length + 1, 4));
  if (!at || !level || line[time_length] != ' ' || line[time_length + 5] != ' ') {
    return std::nullopt;
  }
  return LogLine{
      *at, *level,
      is_below_info(*level) ? What(OtherLine{}) : parse_text(line.substr(time_length + 6))};
}

}  // namespace reeve::events
