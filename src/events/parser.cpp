#include "events/parser.h"

#include <algorithm>
#include <utility>

namespace reeve::events {
namespace {

/// Bytes that follow the first of a code point. What is not UTF-8 counts byte by byte.
unsigned continuation_bytes(char first) {
  const auto byte = static_cast<unsigned char>(first);
  if (byte < 0xC0) {
    return 0;
  }
  return byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
}

}  // namespace

base::Result<void> EventParser::feed(std::string_view bytes, const Sink& sink) {
  while (!bytes.empty() && !broken_) {
    if (!in_payload_) {
      if (const auto taken = take_header(bytes); !taken) {
        broken_ = taken.error();
      }
    } else {
      take_payload(bytes);
    }
    if (in_payload_ && complete()) {
      sink(finish());
    }
  }
  return broken_ ? base::Result<void>(base::failure(*broken_)) : base::Result<void>{};
}

base::Result<void> EventParser::take_header(std::string_view& bytes) {
  const std::size_t newline = bytes.find('\n');
  event_.header += bytes.substr(0, newline);
  bytes.remove_prefix(std::min(newline, bytes.size() - 1) + 1);
  if (event_.header.size() > max_header_bytes) {
    return base::failure(base::ErrorKind::malformed,
                         "supervisord sent an event header that does not end");
  }
  if (newline == std::string_view::npos) {
    return {};
  }
  const auto header = parse_header(event_.header);
  if (!header) {
    return base::failure(header.error());
  }
  length_ = header->length;
  in_payload_ = true;
  return {};
}

void EventParser::take_payload(std::string_view& bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size() && !complete()) {
    const char byte = bytes[taken++];
    ++bytes_;
    if (missing_ > 0) {
      --missing_;
    } else {
      ++code_points_;
      missing_ = continuation_bytes(byte);
    }
  }
  const std::size_t room = max_payload_kept - event_.payload.size();
  event_.payload += bytes.substr(0, std::min(taken, room));
  bytes.remove_prefix(taken);
}

bool EventParser::complete() const {
  return unit_ == Unit::bytes ? bytes_ >= length_ : code_points_ >= length_ && missing_ == 0;
}

bool EventParser::awaits_pause() const {
  // With more than `len` bytes in hand they were code points.
  return unit_ == Unit::undecided && in_payload_ && bytes_ == length_;
}

std::optional<RawEvent> EventParser::input_paused() {
  if (!awaits_pause()) {
    return std::nullopt;
  }
  unit_ = Unit::bytes;
  return finish();
}

RawEvent EventParser::finish() {
  if (unit_ == Unit::undecided && bytes_ != length_) {
    unit_ = Unit::code_points;
  }
  in_payload_ = false;
  length_ = bytes_ = code_points_ = 0;
  missing_ = 0;
  return std::exchange(event_, {});
}

}  // namespace reeve::events
