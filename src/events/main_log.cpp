#include "events/main_log.h"

#include <algorithm>
#include <array>
#include <csignal>

#include "base/text.h"

namespace reeve::events {

using base::parse_number;
using substrate::LogRange;
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

constexpr std::uint64_t chunk = std::uint64_t{64} * 1024;
/// A text this long is taken for a full chunk: it may be shorter than the bytes that it stands for.
constexpr std::size_t much = chunk / 2;
constexpr std::size_t head_bytes = 256;
constexpr std::size_t max_anchor = 512;
/// So many bytes of a log always contain a whole character.
constexpr std::uint64_t probe_bytes = 8;
constexpr std::uint64_t near_enough = chunk / 4;
constexpr std::uint64_t look_back = 4 * chunk;
constexpr std::uint64_t longest_log = std::uint64_t{1} << 48U;

/// How many bytes of the log `text` stands for, at least: a reader puts U+FFFD for a byte that
/// cannot be sent, and XML makes one line end of two bytes.
std::uint64_t bytes_in_log(std::string_view text) {
  constexpr std::string_view replacement = "\xEF\xBF\xBD";
  std::uint64_t count = text.size();
  for (std::size_t at = text.find(replacement); at != std::string_view::npos;
       at = text.find(replacement, at + replacement.size())) {
    count -= replacement.size() - 1;
  }
  return count;
}

bool continues_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

/// Where the anchor of a text that was read up to `end` begins: with a line, if one is near.
std::size_t anchor_begin(std::string_view text, std::size_t end) {
  if (end <= max_anchor) {
    return 0;
  }
  std::size_t begin = end - max_anchor;
  const std::size_t newline = text.find('\n', begin - 1);
  if (newline != std::string_view::npos && newline + 1 < end) {
    return newline + 1;
  }
  while (begin < end && continues_character(text[begin])) {
    ++begin;
  }
  return begin;
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

LogRange LogTail::next() const {
  const auto from_start = [](std::uint64_t offset, std::uint64_t length) {
    return LogRange{LogRange::From::start, offset, length};
  };
  switch (state_) {
    case State::begin:
      return from_start(0, head_bytes);
    case State::finding_end:
      return from_start(absent_ == 0 ? std::max(2 * present_, chunk) : (present_ + absent_) / 2,
                        probe_bytes);
    case State::checking:
      return from_start(0, chunk);
    case State::anchoring:
    case State::following:
      break;
  }
  return from_start(offset_, chunk);
}

TailResult LogTail::feed(std::string_view text) {
  has_text_ = has_text_ || !text.empty();
  switch (state_) {
    case State::begin:
      return read_head(text);
    case State::finding_end:
      return probe(text);
    case State::checking:
      return recognise(text);
    case State::anchoring:
    case State::following:
      break;
  }
  return advance(text);
}

TailResult LogTail::read_head(std::string_view text) {
  head_ = text;
  present_ = absent_ = 0;
  state_ = State::finding_end;
  return {.again = true};
}

TailResult LogTail::probe(std::string_view text) {
  const std::uint64_t probed = next().offset;
  (text.empty() || probed > longest_log ? absent_ : present_) = probed;
  if (absent_ != 0 && absent_ - present_ <= near_enough) {
    offset_ = present_ - std::min(present_, look_back);
    anchor_.clear();
    state_ = State::anchoring;
  }
  return {.again = true};
}

TailResult LogTail::advance(std::string_view text) {
  if (state_ == State::anchoring && text.empty() && offset_ > 0) {
    state_ = State::begin;  // it shrank meanwhile
    return {.again = true};
  }
  const std::size_t found = text.find(anchor_);
  if (found == std::string_view::npos) {
    state_ = State::checking;
    return {.again = true};
  }
  if (offset_ == 0) {
    head_ = text.substr(0, head_bytes);
  }
  TailResult result;
  const bool was_trusted = trusted_;
  const std::uint64_t before = offset_;
  const std::size_t fresh = found + anchor_.size();
  const std::size_t newline = text.rfind('\n');
  if (newline != std::string_view::npos && newline >= fresh) {
    std::string_view lines = text.substr(fresh, newline + 1 - fresh);
    lines.remove_prefix(in_line_ ? lines.find('\n') + 1 : 0);
    in_line_ = false;
    take_lines(lines, result);
    anchor_at(text, newline + 1);
  } else if (text.size() - fresh >= much || (anchor_.empty() && offset_ > 0)) {
    in_line_ = true;
    anchor_at(text, text.size());
  }
  result.again = text.size() >= much && offset_ != before;
  if (state_ == State::anchoring) {
    if (trusted_) {
      result.earlier = std::move(result.lines);
    }
    result.lines.clear();
    // A level below info may be long over: the last lines tell.
    trusted_ = result.again ? was_trusted : trusted_;
    state_ = result.again ? State::anchoring : State::following;
  }
  return result;
}

TailResult LogTail::recognise(std::string_view text) {
  if (!head_.empty() && text.starts_with(head_)) {
    present_ = absent_ = 0;
    state_ = State::finding_end;
    return {.gap = true, .again = true};
  }
  offset_ = 0;
  anchor_.clear();
  in_line_ = false;
  state_ = State::following;
  TailResult result = advance(text);
  result.gap = true;
  return result;
}

void LogTail::take_lines(std::string_view lines, TailResult& result) {
  while (!lines.empty()) {
    const std::size_t newline = lines.find('\n');
    auto line = parse_log_line(lines.substr(0, newline));
    lines.remove_prefix(newline + 1);
    if (!line) {
      continue;
    }
    trusted_ = trusted_ && !is_below_info(line->level);
    if (!std::holds_alternative<OtherLine>(line->what)) {
      result.lines.push_back(std::move(*line));
    }
  }
}

void LogTail::anchor_at(std::string_view text, std::size_t end) {
  const std::size_t begin = anchor_begin(text, end);
  offset_ += bytes_in_log(text.substr(0, begin));
  anchor_ = text.substr(begin, end - begin);
}

}  // namespace reeve::events
