#include "events/log_tail.h"

#include <algorithm>

namespace reeve::events {
namespace {

using substrate::LogRange;

constexpr std::uint64_t chunk = std::uint64_t{64} * 1024;
/// An answer this long is taken for a full one: it may be shorter than what it stands for.
constexpr std::size_t much = chunk / 2;
constexpr std::size_t head_bytes = 256;
constexpr std::size_t max_anchor = 512;
/// Some character of a log stands whole in so many bytes, wherever they begin.
constexpr std::uint64_t probe_bytes = 8;
constexpr std::uint64_t near_enough = chunk / 4;
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

/// Where the anchor of a text that is old up to `end` begins: with a line, if one is near.
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

LogTail::Step LogTail::feed(std::string_view text) {
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

LogTail::Step LogTail::read_head(std::string_view text) {
  head_ = text;
  present_ = absent_ = 0;
  state_ = State::finding_end;
  return {{}, false, true};
}

LogTail::Step LogTail::probe(std::string_view text) {
  const std::uint64_t probed = next().offset;
  (text.empty() || probed > longest_log ? absent_ : present_) = probed;
  if (absent_ != 0 && absent_ - present_ <= near_enough) {
    // From a little before the end, so that there are lines to know the place by.
    offset_ = present_ - std::min(present_, near_enough);
    anchor_.clear();
    state_ = State::anchoring;
  }
  return {{}, false, true};
}

LogTail::Step LogTail::advance(std::string_view text) {
  if (state_ == State::anchoring && text.empty() && offset_ > 0) {
    state_ = State::begin;  // it shrank while we looked for its end
    return {{}, false, true};
  }
  const std::size_t found = text.find(anchor_);
  if (found == std::string_view::npos) {
    state_ = State::checking;
    return {{}, false, true};
  }
  if (offset_ == 0) {
    head_ = text.substr(0, head_bytes);
  }
  Step step;
  const std::uint64_t before = offset_;
  const std::size_t fresh = found + anchor_.size();
  const std::size_t newline = text.rfind('\n');
  if (newline != std::string_view::npos && newline >= fresh) {
    std::string_view lines = text.substr(fresh, newline + 1 - fresh);
    lines.remove_prefix(in_line_ ? lines.find('\n') + 1 : 0);
    in_line_ = false;
    take_lines(lines, step);
    anchor_at(text, newline + 1);
  } else if (text.size() - fresh >= much || (anchor_.empty() && offset_ > 0)) {
    in_line_ = true;
    anchor_at(text, text.size());
  }
  step.again = text.size() >= much && offset_ != before;
  if (state_ == State::anchoring) {
    step.lines.clear();  // they were there before we came
    state_ = State::following;
  }
  return step;
}

LogTail::Step LogTail::recognise(std::string_view text) {
  if (!head_.empty() && text.starts_with(head_)) {
    present_ = absent_ = 0;
    state_ = State::finding_end;
    return {{}, true, true};
  }
  offset_ = 0;
  anchor_.clear();
  in_line_ = false;
  state_ = State::following;
  Step step = advance(text);
  step.gap = true;
  return step;
}

void LogTail::take_lines(std::string_view lines, Step& step) {
  while (!lines.empty()) {
    const std::size_t newline = lines.find('\n');
    auto line = parse_log_line(lines.substr(0, newline));
    lines.remove_prefix(newline + 1);
    if (!line) {
      continue;
    }
    trusted_ = trusted_ && !is_below_info(line->level);
    if (!std::holds_alternative<OtherLine>(line->what)) {
      step.lines.push_back(std::move(*line));
    }
  }
}

void LogTail::anchor_at(std::string_view text, std::size_t end) {
  const std::size_t begin = anchor_begin(text, end);
  offset_ += bytes_in_log(text.substr(0, begin));
  anchor_ = text.substr(begin, end - begin);
}

}  // namespace reeve::events
