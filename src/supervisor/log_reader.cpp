#include "supervisor/log_reader.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string_view>
#include <variant>

#include "reeve/base/text.h"
#include "supervisor/faults.h"

namespace reeve::supervisor {

using base::Deadline;
using base::failure;
using base::Result;

namespace {

constexpr std::uint64_t slice_bytes = std::uint64_t{64} * 1024;
constexpr std::uint64_t largest_offset = std::numeric_limits<std::int64_t>::max();
constexpr int max_obstacles = 1000;
constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD

/// Bytes [begin, end) of the log.
struct Span {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  [[nodiscard]] bool empty() const { return begin >= end; }
};

/// Why a slice could not be answered: its bytes `first` to `last` are not UTF-8.
struct Undecodable {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  bool continuation = false;  ///< the middle of a character, without its beginning
  bool cut = false;           ///< the beginning of a character, cut by the slice's end
};

using Slice = std::variant<std::string, Undecodable>;

/// The number after `label`; `text` goes on behind it.
std::optional<std::uint64_t> number_after(std::string_view label, std::string_view& text) {
  const std::size_t found = text.find(label);
  if (found == std::string_view::npos) {
    return std::nullopt;
  }
  text.remove_prefix(found + label.size());
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = base::parse_number<std::uint64_t>(text.substr(0, digits));
  text.remove_prefix(digits);
  return number;
}

/// Python says: 'utf-8' codec can't decode byte 0xe9 in position 3: invalid continuation byte
/// (or: bytes in position 3-4: unexpected end of data).
std::optional<Undecodable> to_undecodable(const base::Error& error) {
  if (!is_fault(error, FaultCode::failed)) {
    return std::nullopt;
  }
  std::string_view text = error.fault->text;
  const std::size_t byte = text.find("byte 0x");
  const bool continuation =
      byte != std::string_view::npos &&
      std::string_view("89ab").find(text.substr(byte + 7, 1)) != std::string_view::npos;
  const auto first = number_after(" in position ", text);
  if (!first) {
    return std::nullopt;
  }
  const auto last = text.starts_with('-') ? number_after("-", text) : first;
  const bool cut = text.find("unexpected end of data") != std::string_view::npos;
  return Undecodable{*first, std::max(*first, last.value_or(*first)), continuation, cut};
}

Result<std::vector<Slice>> read_slices(const LogSource& source,
                                       const std::vector<xmlrpc::Call>& calls,
                                       const Deadline& deadline) {
  const auto answers = source.peer.multicall(calls, source.doing, deadline);
  if (!answers) {
    return failure(answers.error());
  }
  std::vector<Slice> slices;
  for (const auto& answer : *answers) {
    if (answer && answer->as_string() == nullptr) {
      return unexpected_answer(source.doing);
    }
    const auto obstacle = answer ? std::nullopt : to_undecodable(answer.error());
    if (!answer && !obstacle) {
      return failure(answer.error());
    }
    slices.push_back(answer ? Slice(*answer->as_string()) : Slice(*obstacle));
  }
  return slices;
}

/// One slice for each span; an empty span is not asked for, for length 0 means everything.
Result<std::vector<Slice>> read_spans(const LogSource& source, const std::vector<Span>& spans,
                                      const Deadline& deadline) {
  std::vector<xmlrpc::Call> calls;
  for (const Span& span : spans) {
    if (!span.empty()) {
      calls.push_back(source.call(static_cast<std::int64_t>(span.begin),
                                  static_cast<std::int64_t>(span.end - span.begin)));
    }
  }
  auto slices = calls.empty() ? Result<std::vector<Slice>>(std::vector<Slice>{})
                              : read_slices(source, calls, deadline);
  if (slices) {
    for (std::size_t i = 0; i < spans.size(); ++i) {
      if (spans[i].empty()) {
        slices->insert(slices->begin() + static_cast<std::ptrdiff_t>(i), Slice(std::string()));
      }
    }
  }
  return slices;
}

/// Reads a range of the log from its beginning to its end.
class ForwardReader {
 public:
  ForwardReader(const LogSource& source, Span range, const Deadline& deadline)
      : source_(&source), deadline_(&deadline), range_(range), rest_(range) {}

  Result<std::string> read() {
    while (!done_ && !rest_.empty()) {
      span_ = {rest_.begin, std::min(rest_.end, rest_.begin + slice_bytes)};
      const auto slices = read_spans(*source_, {span_}, *deadline_);
      if (!slices) {
        return failure(slices.error());
      }
      if (const auto taken = take(slices->front()); !taken) {
        return failure(taken.error());
      }
    }
    return std::move(text_);
  }

 private:
  /// Takes what span_ was answered with, and all behind its obstacles.
  Result<void> take(Slice slice) {
    while (const Undecodable* const obstacle = std::get_if<Undecodable>(&slice)) {
      const std::uint64_t bad = span_.begin + obstacle->first;
      const Span good{span_.begin, bad};
      const Span behind =
          obstacle->cut ? Span{} : Span{span_.begin + obstacle->last + 1, span_.end};
      const auto slices = read_spans(*source_, {good, behind}, *deadline_);
      if (!slices) {
        return failure(slices.error());
      }
      if (const std::string* const before = std::get_if<std::string>(&slices->front())) {
        text_ += *before;
      }
      if (obstacle->cut) {
        // The next slice begins with the cut character; at the range's or the log's end it is
        // left out.
        done_ = good.empty() || span_.end == range_.end;
        rest_.begin = bad;
        return {};
      }
      const bool leading = text_.empty() && obstacle->continuation && bad < range_.begin + 3;
      text_ += leading ? "" : replacement;
      done_ = ++obstacles_ == max_obstacles;
      if (done_) {
        return {};
      }
      span_ = behind;
      slice = slices->back();
    }
    const std::string& text = std::get<std::string>(slice);
    done_ = text.empty() && !span_.empty();
    text_ += text;
    rest_.begin = span_.end;
    return {};
  }

  const LogSource* source_;
  const Deadline* deadline_;
  Span range_;
  Span rest_;  ///< not yet read
  Span span_;  ///< being read
  std::string text_;
  int obstacles_ = 0;
  bool done_ = false;
};

/// Whether the log has a byte at each offset.
Result<std::vector<bool>> has_bytes(const LogSource& source,
                                    const std::vector<std::uint64_t>& offsets,
                                    const Deadline& deadline) {
  std::vector<Span> spans;
  for (const std::uint64_t offset : offsets) {
    spans.push_back({offset, offset + 1});
  }
  return read_spans(source, spans, deadline).map([](const std::vector<Slice>& slices) {
    std::vector<bool> present;
    for (const Slice& slice : slices) {
      const std::string* const text = std::get_if<std::string>(&slice);
      present.push_back(text == nullptr || !text->empty());
    }
    return present;
  });
}

}  // namespace

Result<std::string> read_range(const LogSource& source, const substrate::LogRange& range,
                               const std::function<Result<std::uint64_t>()>& size,
                               const Deadline& deadline) {
  if (range.length == 0) {
    return std::string();
  }
  if (range.from == substrate::LogRange::From::start) {
    const std::uint64_t begin = std::min(range.offset, largest_offset);
    const std::uint64_t end = begin + std::min(range.length, largest_offset - begin);
    return ForwardReader(source, {begin, end}, deadline).read();
  }
  if (range.length <= slice_bytes) {
    const auto tail =
        read_slices(source, {source.call(-static_cast<std::int64_t>(range.length), 0)}, deadline);
    if (!tail) {
      return failure(tail.error());
    }
    if (const std::string* const text = std::get_if<std::string>(&tail->front())) {
      return *text;
    }
  }
  const auto end = size();
  if (!end) {
    return failure(end.error());
  }
  return ForwardReader(source, {*end - std::min(*end, range.length), *end}, deadline).read();
}

Result<std::uint64_t> probe_size(const LogSource& source, const Deadline& deadline) {
  constexpr std::uint64_t probes = 16;
  std::uint64_t below = 0;                        // bytes known to be there
  std::uint64_t above = std::uint64_t{1} << 48U;  // taken to be larger than any log
  while (below < above) {
    const std::uint64_t step = std::max<std::uint64_t>(1, (above - below) / probes);
    std::vector<std::uint64_t> offsets;
    for (std::uint64_t offset = below; offset < above && offsets.size() < probes; offset += step) {
      offsets.push_back(offset);
    }
    const auto present = has_bytes(source, offsets, deadline);
    if (!present) {
      return failure(present.error());
    }
    const auto missing = std::find(present->begin(), present->end(), false);
    const auto there = static_cast<std::size_t>(missing - present->begin());
    if (missing != present->end()) {
      above = offsets[there];
    }
    below = there == 0 ? below : offsets[there - 1] + 1;
  }
  return below;
}

}  // namespace reeve::supervisor
