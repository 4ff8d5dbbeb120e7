#include "events/relay_protocol.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include <sys/socket.h>
#include <sys/un.h>

#include "base/text.h"

namespace reeve::events {

using base::Descriptor;
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

tl::unexpected<base::Error> malformed_frame(std::string_view line) {
  return failure(ErrorKind::malformed, "not the protocol of a relay and its agent: '" +
                                           base::to_utf8(line.substr(0, max_line)) + "'");
}

/// A frame's first line.
struct FrameLine {
  bool hello = false;
  std::array<std::uint64_t, 4> numbers{};
};

Result<FrameLine> parse_frame_line(std::string_view line) {
  std::string_view rest = line;
  const auto word = [&rest] {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    const std::string_view found = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return found;
  };
  FrameLine frame_line;
  const std::string_view kind = word();
  frame_line.hello = kind == "hello";
  bool valid = frame_line.hello || kind == "event";
  for (std::uint64_t& number : frame_line.numbers) {
    const auto parsed = parse_number<std::uint64_t>(word());
    valid = valid && parsed;
    number = parsed.value_or(0);
  }
  valid = valid && rest.empty() &&
          frame_line.numbers[2] <= (frame_line.hello ? max_source_bytes : max_header_bytes) &&
          frame_line.numbers[3] <= (frame_line.hello ? max_source_bytes : max_payload_kept) &&
          (!frame_line.hello || frame_line.numbers[0] == protocol_version);
  return valid ? Result<FrameLine>(frame_line) : malformed_frame(line);
}

tl::unexpected<base::Error> socket_failure(const std::string& doing, int error_number) {
  ErrorKind kind = ErrorKind::unreachable;
  if (error_number == EACCES || error_number == EPERM || error_number == EROFS) {
    kind = ErrorKind::denied;
  } else if (error_number == EMFILE || error_number == ENFILE || error_number == ENOMEM) {
    kind = ErrorKind::internal;
  }
  return failure(kind, doing + ": " + std::generic_category().message(error_number));
}

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return failure(ErrorKind::invalid_argument,
                   "'" + path + "' cannot be the path of a socket: it must have 1 to " +
                       std::to_string(sizeof address.sun_path - 1) + " bytes");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

Descriptor new_socket() {
  return Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
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

Result<void> RelayFrames::feed(std::string_view bytes, const std::function<void(Frame)>& sink) {
  buffer_ += bytes;
  std::string_view rest = buffer_;
  for (;;) {
    const std::size_t newline = rest.find('\n');
    if (newline == std::string_view::npos && rest.size() <= max_line) {
      break;
    }
    const auto frame_line = parse_frame_line(rest.substr(0, newline));
    if (!frame_line) {
      return failure(frame_line.error());
    }
    const auto [first, second, first_bytes, second_bytes] = frame_line->numbers;
    const std::string_view parts = rest.substr(newline + 1);
    if (parts.size() < first_bytes + second_bytes) {
      break;
    }
    std::string first_part(parts.substr(0, first_bytes));
    std::string second_part(parts.substr(first_bytes, second_bytes));
    rest = parts.substr(first_bytes + second_bytes);
    if (frame_line->hello) {
      sink(Hello{{std::move(first_part), std::move(second_part)}});
    } else {
      const std::chrono::microseconds age(std::min(second, oldest_age));
      sink(RelayedEvent{first, age, {std::move(first_part), std::move(second_part)}});
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
      return malformed_frame(line);
    }
    highest = std::max(highest.value_or(0), *number);
    rest.remove_prefix(newline + 1);
  }
  buffer_.erase(0, buffer_.size() - rest.size());
  return buffer_.size() > max_line ? Result<std::optional<std::uint64_t>>(malformed_frame(buffer_))
                                   : highest;
}

Result<Descriptor> connect_unix(const std::string& path) {
  const auto address = address_of(path);
  if (!address) {
    return failure(address.error());
  }
  Descriptor connection = new_socket();
  if (!connection.valid()) {
    return socket_failure("cannot make a socket", errno);
  }
  if (::connect(connection.get(), generic(*address), sizeof *address) == 0) {
    return connection;
  }
  if (errno == ENOENT) {
    return failure(ErrorKind::socket_missing, "there is no socket " + path);
  }
  if (errno == EPROTOTYPE) {
    return failure(ErrorKind::conflict, path + " is another kind of socket");
  }
  if (errno == EAGAIN) {
    return failure(ErrorKind::timeout, "the listener on " + path + " is busy");
  }
  return socket_failure("cannot connect to " + path, errno);
}

Sent send_some(const Descriptor& connection, std::string_view bytes) {
  Sent sent;
  while (sent.bytes < bytes.size()) {
    const std::string_view rest = bytes.substr(sent.bytes);
    const ssize_t written = ::send(connection.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written < 0) {
      sent.transfer = errno == EAGAIN ? Transfer::would_block : Transfer::closed;
      return sent;
    }
    sent.bytes += static_cast<std::size_t>(written);
  }
  return sent;
}

Transfer receive_some(const Descriptor& connection, std::string& into) {
  into.resize(std::size_t{64} * 1024);
  const ssize_t got = ::recv(connection.get(), into.data(), into.size(), 0);
  into.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  if (got > 0) {
    return Transfer::done;
  }
  return got < 0 && (errno == EAGAIN || errno == EINTR) ? Transfer::would_block : Transfer::closed;
}

}  // namespace reeve::events
