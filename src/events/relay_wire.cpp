#include "events/relay_wire.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"

namespace reeve::events {

using base::ErrorKind;
using base::failure;
using base::parse_number;
using base::Result;

namespace {

constexpr std::size_t max_line = 128;
constexpr std::size_t max_source_bytes = 4096;
constexpr std::uint64_t protocol_version = 1;
constexpr std::uint64_t oldest_age = std::uint64_t{24} * 3600 * 1'000'000;

std::string frame(std::string_view kind, const std::array<std::uint64_t, 2>& numbers,
                  const std::array<std::string_view, 2>& parts) {
  std::string text(kind);
  for (const std::uint64_t number :
       {numbers[0], numbers[1], std::uint64_t{parts[0].size()}, std::uint64_t{parts[1].size()}}) {
    text += ' ';
    text += std::to_string(number);
  }
  text += '\n';
  text += parts[0];
  text += parts[1];
  return text;
}

tl::unexpected<base::Error> not_understood(std::string_view line) {
  return failure(ErrorKind::malformed, "the other end does not speak the relay's protocol: '" +
                                           base::to_utf8(line.substr(0, max_line)) + "'");
}

}  // namespace

std::string encode(const Hello& hello) {
  return frame("hello", {protocol_version, 0}, {hello.source.server_url, hello.source.daemon});
}

std::string encode(const RelayedEvent& event) {
  const auto age = static_cast<std::uint64_t>(std::max<std::int64_t>(event.age.count(), 0));
  return frame("event", {event.number, age}, {event.event.header, event.event.payload});
}

std::string encode_acknowledgement(std::uint64_t number) {
  return "ack " + std::to_string(number) + "\n";
}

/// A frame's first line, read.
struct RelayFrames::Shape {
  bool hello = false;
  std::array<std::uint64_t, 4> numbers{};
};

Result<RelayFrames::Shape> RelayFrames::parse_line(std::string_view line) const {
  std::string_view rest = line;
  const auto word = [&rest] {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    const std::string_view found = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return found;
  };
  Shape shape;
  const std::string_view kind = word();
  shape.hello = kind == "hello";
  bool understood = shape.hello || kind == "event";
  for (std::uint64_t& number : shape.numbers) {
    const auto parsed = parse_number<std::uint64_t>(word());
    understood = understood && parsed;
    number = parsed.value_or(0);
  }
  understood = understood && rest.empty() &&
               shape.numbers[2] <= (shape.hello ? max_source_bytes : max_header_bytes) &&
               shape.numbers[3] <= (shape.hello ? max_source_bytes : max_payload_kept) &&
               (!shape.hello || shape.numbers[0] == protocol_version);
  return understood ? Result<Shape>(shape) : not_understood(line);
}

Result<void> RelayFrames::feed(std::string_view bytes, const std::function<void(Frame)>& sink) {
  buffer_ += bytes;
  std::string_view rest = buffer_;
  for (;;) {
    const std::size_t newline = rest.find('\n');
    if (newline == std::string_view::npos && rest.size() <= max_line) {
      break;
    }
    const auto shape = parse_line(rest.substr(0, newline));
    if (!shape) {
      return failure(shape.error());
    }
    const auto [first, second, first_bytes, second_bytes] = shape->numbers;
    const std::string_view parts = rest.substr(newline + 1);
    if (parts.size() < first_bytes + second_bytes) {
      break;
    }
    std::string one(parts.substr(0, first_bytes));
    std::string two(parts.substr(first_bytes, second_bytes));
    rest = parts.substr(first_bytes + second_bytes);
    if (shape->hello) {
      sink(Hello{{std::move(one), std::move(two)}});
    } else {
      const std::chrono::microseconds age(std::min(second, oldest_age));
      sink(RelayedEvent{first, age, {std::move(one), std::move(two)}});
    }
  }
  buffer_.erase(0, buffer_.size() - rest.size());
  return {};
}

Result<std::optional<std::uint64_t>> Acknowledgements::feed(std::string_view bytes) {
  std::optional<std::uint64_t> highest;
  buffer_ += bytes;
  std::string_view rest = buffer_;
  for (std::size_t newline = rest.find('\n'); newline != std::string_view::npos;
       newline = rest.find('\n')) {
    const std::string_view line = rest.substr(0, newline);
    const auto number =
        line.starts_with("ack ") ? parse_number<std::uint64_t>(line.substr(4)) : std::nullopt;
    if (!number) {
      return not_understood(line);
    }
    highest = std::max(highest.value_or(0), *number);
    rest.remove_prefix(newline + 1);
  }
  buffer_.erase(0, buffer_.size() - rest.size());
  return buffer_.size() > max_line ? Result<std::optional<std::uint64_t>>(not_understood(buffer_))
                                   : highest;
}

}  // namespace reeve::events
