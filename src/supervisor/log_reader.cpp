#include "supervisor/log_reader.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "supervisor/answers.h"

namespace reeve::supervisor {

using base::Deadline;
using base::failure;
using base::Result;

namespace {

constexpr std::uint64_t slice_bytes = std::uint64_t{64} * 1024;
constexpr std::uint64_t smallest_step = 32;
constexpr std::uint64_t longest_character = 4;
/// Larger than any log, and still an offset that every file system takes.
constexpr std::uint64_t largest_log = std::uint64_t{1} << 43U;
constexpr std::size_t max_slices = 20000;
constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD

/// Bytes [begin, end) of the log.
struct Span {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

/// The text of a span; nothing if its bytes are not UTF-8 from end to end.
using Slice = std::optional<std::string>;

/// supervisord fails while it reports the decoder's error. Its fault reads
/// `FAILED: <class 'AttributeError'>:type object 'Faults' has no attribute 'utf-8'`.
bool is_undecodable(const base::Error& error) {
  return is_fault(error, FaultCode::failed) && error.fault->text.find("utf-8") != std::string::npos;
}

Result<std::vector<Slice>> read_slices(const LogSource& source,
                                       const std::vector<xmlrpc::Call>& calls,
                                       const Deadline& deadline) {
  if (calls.empty()) {
    return std::vector<Slice>{};
  }
  const auto answers = source.rpc.multicall(calls, source.doing, deadline);
  if (!answers) {
    return failure(answers.error());
  }
  std::vector<Slice> slices;
  for (const auto& answer : *answers) {
    if (answer && answer->as_string() == nullptr) {
      return unexpected_answer(source.doing);
    }
    if (!answer && !is_undecodable(answer.error())) {
      return failure(answer.error());
    }
    slices.push_back(answer ? Slice(*answer->as_string()) : std::nullopt);
  }
  return slices;
}

Result<std::vector<Slice>> read_spans(const LogSource& source, const std::vector<Span>& spans,
                                      const Deadline& deadline) {
  std::vector<xmlrpc::Call> calls;
  calls.reserve(spans.size());
  for (const Span& span : spans) {
    calls.push_back(source.call(static_cast<std::int64_t>(span.begin),
                                static_cast<std::int64_t>(span.end - span.begin)));
  }
  return read_slices(source, calls, deadline);
}

/// Reads a range of the log from its beginning to its end, in steps that become small where the
/// bytes are not UTF-8, and large again behind them.
class ForwardReader {
 public:
  ForwardReader(const LogSource& source, Span range, const Deadline& deadline)
      : source_(&source), deadline_(&deadline), range_(range), position_(range.begin) {}

  Result<std::string> read() {
    while (!done_ && position_ < range_.end) {
      if (const auto advanced = advance(); !advanced) {
        return failure(advanced.error());
      }
      if (asked_ > max_slices) {
        text_ += replacement;
        done_ = true;
      }
    }
    return std::move(text_);
  }

 private:
  Result<std::vector<Slice>> ask(const std::vector<Span>& spans) {
    asked_ += spans.size();
    return read_spans(*source_, spans, *deadline_);
  }

  void take(const std::string& text, std::uint64_t end) {
    text_ += text;
    position_ = end;
    step_ = std::min(slice_bytes, step_ * 4);
  }

  Result<void> advance() {
    const Span whole{position_, std::min(range_.end, position_ + step_)};
    // The step's end may have cut a character: then it is whole without its last bytes.
    std::vector<Span> shorter;
    for (std::uint64_t cut = 1; cut < std::min(longest_character, whole.end - whole.begin); ++cut) {
      shorter.push_back({whole.begin, whole.end - cut});
    }
    const Span last_byte{whole.end - 1, whole.end};
    for (std::vector<Span> spans : {std::vector<Span>{whole}, shorter}) {
      spans.push_back(last_byte);
      const auto slices = ask(spans);
      if (!slices) {
        return failure(slices.error());
      }
      const bool ends_inside = slices->back() && slices->back()->empty();
      for (std::size_t i = 0; i + 1 < spans.size(); ++i) {
        const Slice& slice = slices->at(i);
        if (slice && (ends_inside || slice->size() == spans[i].end - spans[i].begin)) {
          done_ = ends_inside;
          take(*slice, spans[i].end);
          return {};
        }
      }
    }
    if (whole.end - whole.begin > smallest_step) {
      step_ = std::max(smallest_step, (whole.end - whole.begin) / 8);
      return {};
    }
    return take_characters(whole);
  }

  /// Tries each byte of the span alone and with the bytes behind it: a character is the
  /// shortest that can be read.
  Result<void> take_characters(Span span) {
    std::vector<Span> attempts;
    for (std::uint64_t begin = span.begin; begin < span.end; ++begin) {
      for (std::uint64_t length = 1; length <= longest_character; ++length) {
        attempts.push_back({begin, begin + length});
      }
    }
    const auto slices = ask(attempts);
    if (!slices) {
      return failure(slices.error());
    }
    const auto has_byte = [](const Slice& slice) { return !slice || !slice->empty(); };
    while (!done_ && position_ < span.end) {
      const auto first = slices->begin() +
                         static_cast<std::ptrdiff_t>((position_ - span.begin) * longest_character);
      if (std::none_of(first, slices->end(), has_byte)) {
        done_ = true;
        break;
      }
      const auto character =
          std::find_if(first, first + longest_character, [&](const Slice& slice) {
            return slice && slice->size() == static_cast<std::size_t>(&slice - &*first) + 1;
          });
      const auto length = static_cast<std::uint64_t>(character - first) + 1;
      if (length > longest_character) {
        take_stray_byte();
      } else if (position_ + length > range_.end) {
        // Cut by the range's end. Where bytes were replaced the text's length does not show the
        // cut.
        text_ += replaced_ ? replacement : "";
        done_ = true;
      } else {
        take(**character, position_ + length);
      }
    }
    step_ = smallest_step;
    return {};
  }

  /// Unless it may be the rest of a character that the range's beginning has cut.
  void take_stray_byte() {
    const bool leading =
        text_.empty() && range_.begin > 0 && position_ < range_.begin + longest_character - 1;
    text_ += leading ? "" : replacement;
    replaced_ = replaced_ || !leading;
    ++position_;
  }

  const LogSource* source_;
  const Deadline* deadline_;
  Span range_;
  std::uint64_t position_;
  std::uint64_t step_ = slice_bytes;
  std::string text_;
  std::size_t asked_ = 0;
  bool replaced_ = false;  ///< a byte, in text_
  bool done_ = false;
};

/// The last `length` bytes, at most a slice, without the rest of a character at their beginning;
/// nothing if they are not all UTF-8.
Result<Slice> read_tail(const LogSource& source, std::uint64_t length, const Deadline& deadline) {
  const auto last = [&](std::uint64_t bytes) {
    return source.call(-static_cast<std::int64_t>(bytes), 0);
  };
  std::vector<xmlrpc::Call> shorter;
  for (std::uint64_t cut = 1; cut < std::min(longest_character, length); ++cut) {
    shorter.push_back(last(length - cut));
  }
  for (const std::vector<xmlrpc::Call>& calls :
       {std::vector<xmlrpc::Call>{last(length)}, shorter}) {
    const auto slices = read_slices(source, calls, deadline);
    if (!slices) {
      return failure(slices.error());
    }
    const auto readable = std::find_if(slices->begin(), slices->end(),
                                       [](const Slice& slice) { return slice.has_value(); });
    if (readable != slices->end()) {
      return *readable;
    }
  }
  return Slice();
}

/// Whether the log has a byte at each offset.
Result<std::vector<bool>> has_bytes(const LogSource& source,
                                    const std::vector<std::uint64_t>& offsets,
                                    const Deadline& deadline) {
  std::vector<Span> spans;
  spans.reserve(offsets.size());
  for (const std::uint64_t offset : offsets) {
    spans.push_back({offset, offset + 1});
  }
  return read_spans(source, spans, deadline).map([](const std::vector<Slice>& slices) {
    std::vector<bool> present;
    present.reserve(slices.size());
    for (const Slice& slice : slices) {
      present.push_back(!slice || !slice->empty());
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
    const std::uint64_t begin = std::min(range.offset, largest_log);
    const std::uint64_t end = begin + std::min(range.length, largest_log - begin);
    return ForwardReader(source, {begin, end}, deadline).read();
  }
  if (range.length <= slice_bytes) {
    auto tail = read_tail(source, range.length, deadline);
    if (!tail) {
      return failure(tail.error());
    }
    if (*tail) {
      return **std::move(tail);
    }
  }
  const auto end = size();
  if (!end) {
    return failure(end.error());
  }
  // An empty log and none at all have the same size: reading tells them apart.
  const Span span = *end == 0 ? Span{0, std::min(range.length, largest_log)}
                              : Span{*end - std::min(*end, range.length), *end};
  return ForwardReader(source, span, deadline).read();
}

Result<std::uint64_t> probe_size(const LogSource& source, const Deadline& deadline) {
  constexpr std::uint64_t probes = 16;
  std::uint64_t below = 0;  // so many bytes are known to be there
  std::uint64_t above = largest_log;
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
